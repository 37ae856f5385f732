// Arguments: what the command line asks for, before anything of it is looked at more closely.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace waybill::cli {

enum class Command {
  request,
  stream,
  emit,
  listen,
  dlq_ls,
  dlq_show,
  dlq_replay,
  dlq_drop,
  transports,
  gateway,
  check,
  health,
  ps,
  top,
  describe
};

/// As typed. Texts that are JSON are still texts here.
struct Arguments {
  Command command = Command::request;
  std::string url;
  std::string file;                    ///< Of gateway, check and describe.
  bool prints = false;                 ///< Of check: what the file amounts to.
  bool is_live = false;                ///< Of health: whether it lives, not whether it is ready.
  bool is_insecure = false;            ///< Of health: whatever certificate it shows.
  bool is_json = false;                ///< Of ps and top: lines of JSON in place of tables; of check: its mistakes.
  std::string interval = "2s";         ///< Of top.
  bool is_openapi = false;             ///< Of describe: that form rather than AsyncAPI;
  bool is_typescript = false;          ///< or that.
  std::string name;                    ///< Of describe; empty: the file's.
  std::string pattern;                 ///< Of a call.
  std::vector<std::string> patterns;   ///< Of listen.
  std::vector<std::string> ids;        ///< Of dlq: which dead letters; empty: all.
  bool is_all = false;                 ///< Of dlq: all of them is meant.
  std::string data;                    ///< "-": read it from standard input.
  std::string timeout;                 ///< Empty: the command's default.
  std::string connect_timeout = "5s";  // longer than a carrier takes to say why not
  std::string headers;                 ///< Empty: none; so for the next two.
  std::string metadata;
  std::string options;
  std::string reply;        ///< Of listen: what requests are answered with; empty: no value.
  std::uint64_t count = 0;  ///< Stop after so many values, messages or dead letters, or tables of top; 0: never.
  bool is_verbose = false;
  bool is_quiet = false;
};

/// Reads the command line. Gives the arguments, or the exit code of a program that is to end at once (help, version, or
/// a mistake, which has been reported on standard error).
struct ParsedArguments {
  std::optional<Arguments> arguments;
  int exit_code = 0;
};
ParsedArguments parse_arguments(int argc, char** argv);

}  // namespace waybill::cli
