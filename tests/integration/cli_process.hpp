// Cli: the command line as a process of its own.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

extern char** environ;

namespace waybill::test {

/// Starts `waybill` with the arguments; ended with SIGKILL at the latest with the object. Reading blocks.
class Cli {
 public:
  enum class Output { taken, closed, full };
  explicit Cli(std::vector<std::string> arguments, Output output = Output::taken, const char* input = nullptr) {
    std::array<int, 2> out{};
    std::array<int, 2> err{};
    if (::pipe(out.data()) != 0 || ::pipe(err.data()) != 0) throw std::runtime_error("pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
    for (const int end : {out[0], out[1], err[0], err[1]}) posix_spawn_file_actions_addclose(&actions, end);
    if (input) posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input, O_RDONLY, 0);
    if (output == Output::full) posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/full", O_WRONLY, 0);
    if (output == Output::closed) posix_spawn_file_actions_addclose(&actions, STDOUT_FILENO);
    arguments.insert(arguments.begin(), WAYBILL_CLI);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    if (::posix_spawn(&pid_, WAYBILL_CLI, &actions, nullptr, argv.data(), environ) != 0) {
      throw std::runtime_error("cannot start " WAYBILL_CLI);
    }
    posix_spawn_file_actions_destroy(&actions);
    ::close(out[1]);
    ::close(err[1]);
    out_ = ::fdopen(out[0], "r");
    err_ = ::fdopen(err[0], "r");
  }
  ~Cli() {
    std::fclose(out_);
    std::fclose(err_);
    if (!is_waited_) {
      ::kill(pid_, SIGKILL);
      exit_code();
    }
  }
  Cli(const Cli&) = delete;
  Cli& operator=(const Cli&) = delete;

  /// The first line on standard error that has `part`; empty if there is none until its end.
  std::string error_line(const std::string& part) {
    std::string line;
    while (read_line(err_, line)) {
      if (line.find(part) != std::string::npos) return line;
    }
    return {};
  }
  /// What is left of standard output, until the program has ended.
  std::vector<std::string> rest() {
    std::vector<std::string> lines;
    std::string line;
    while (read_line(out_, line)) lines.push_back(line);
    return lines;
  }
  int exit_code() {
    int status = 0;
    if (!is_waited_) ::waitpid(pid_, &status, 0);
    is_waited_ = true;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  static bool read_line(std::FILE* file, std::string& line) {
    line.clear();
    for (int c = 0; (c = std::fgetc(file)) != EOF;) {
      if (c == '\n') return true;
      line.push_back(static_cast<char>(c));
    }
    return !line.empty();
  }

  pid_t pid_ = 0;
  bool is_waited_ = false;
  std::FILE* out_ = nullptr;
  std::FILE* err_ = nullptr;
};

}  // namespace waybill::test
