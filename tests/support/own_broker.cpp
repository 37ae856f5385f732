#include "support/own_broker.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <iterator>

namespace waybill::test {

namespace {
std::filesystem::path fresh_folder() {
  static std::atomic<int> count{0};
  return std::filesystem::temp_directory_path() /
         ("waybill-broker-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
}
}  // namespace

OwnBroker::OwnBroker(std::string name, const std::string& variable) : name_(std::move(name)), folder_(fresh_folder()) {
  const std::string variables = run("up " + name_);
  const std::string start = variable + "=";
  const std::size_t at = variables.find(start);
  if (at == std::string::npos) return;
  const std::size_t from = at + start.size();
  url_ = variables.substr(from, variables.find('\n', from) - from);
}

OwnBroker::~OwnBroker() {
  run("wipe");
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::uint16_t OwnBroker::port(const std::string& of) const {
  std::uint16_t number = 0;
  std::ifstream(folder_ / "ports" / of) >> number;
  return number;
}

void OwnBroker::kill() { run("kill " + name_); }
void OwnBroker::start() { run("start " + name_); }
void OwnBroker::freeze() { run("freeze " + name_); }
void OwnBroker::thaw() { run("thaw " + name_); }

std::string OwnBroker::run(const std::string& arguments) const {
  const std::string command = "WAYBILL_BROKERS_DIR='" + folder_.string() +
                              "' '" WAYBILL_SOURCE_DIR "/scripts/brokers.sh' " + arguments + " 2>'" + folder_.string() +
                              ".log'";
  std::string output;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (!pipe) return output;
  std::array<char, 4096> buffer;
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe)) output.append(buffer.data(), got);
  if (::pclose(pipe) != 0) {
    std::ifstream log(folder_.string() + ".log");
    ADD_FAILURE() << "brokers.sh " << arguments << ": " << std::string{std::istreambuf_iterator<char>(log), {}};
  }
  std::error_code ignored;
  std::filesystem::remove(folder_.string() + ".log", ignored);
  return output;
}

}  // namespace waybill::test
