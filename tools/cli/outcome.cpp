#include "outcome.hpp"

#include "json_line.hpp"
#include "table.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <vector>

namespace waybill::cli {
namespace {

/// One word for scripts to look at.
std::string_view word_of(const Error& error) {
  static constexpr std::pair<errc, std::string_view> k_words[] = {
      {errc::timeout, "timeout"},
      {errc::connection_lost, "connection_lost"},
      {errc::refused, "refused"},
      {errc::unauthorized, "unauthorized"},
      {errc::no_handler, "no_handler"},
      {errc::no_receiver, "no_receiver"},
      {errc::remote, "remote"},
      {errc::payload_mismatch, "payload_mismatch"},
      {errc::payload_malformed, "payload_malformed"},
      {errc::too_large, "too_large"},
      {errc::overloaded, "overloaded"},
      {errc::cancelled, "cancelled"},
      {errc::closed, "closed"},
      {errc::unsupported, "unsupported"},
      {errc::invalid_config, "invalid_config"},
      {errc::internal, "internal"},
  };
  for (const auto& [code, word] : k_words) {
    if (error.code() == code) return word;
  }
  return "error";
}

}  // namespace

Outcome failure(Exit exit, std::string_view word, std::string_view message) {
  return Outcome(exit, R"({"error":)" + json_quoted(word) + R"(,"message":)" + json_quoted(message) + '}');
}

Outcome usage_error(std::string_view message) { return failure(Exit::usage, "usage", message); }

namespace {

/// The number in "FILE:12: ..."; 0, in front of all of them, where there is none.
unsigned long line_of(std::string_view mistake, std::string_view file) {
  if (!mistake.starts_with(file) || mistake.substr(file.size(), 1) != ":") return 0;
  return std::strtoul(std::string(mistake.substr(file.size() + 1, 10)).c_str(), nullptr, 10);
}

}  // namespace

Outcome mistakes(std::string_view file, std::string_view message) {
  std::vector<std::string> lines;
  std::istringstream text{std::string(message)};
  for (std::string line; std::getline(text, line);) {
    std::string shown = harmless(line);
    if (std::find(lines.begin(), lines.end(), shown) == lines.end()) lines.push_back(std::move(shown));
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [file](const auto& a, const auto& b) { return line_of(a, file) < line_of(b, file); });
  std::string all;
  for (const std::string& line : lines) all += (all.empty() ? "" : "\n") + line;
  return Outcome(Exit::usage, lines.size() == 1 ? all : all + '\n' + counted(lines.size(), "mistake"));
}

std::string counted(std::size_t count, std::string_view what) {
  return std::to_string(count) + ' ' + std::string(what) + (count == 1 ? "" : "s");
}

Outcome connect_failure(const Error& error) {
  if (error.code() == errc::invalid_config) return usage_error(error.what());
  return failure(Exit::no_connection, word_of(error), error.what());
}

Outcome call_failure(const Error& error, const Serializer& serializer) {
  if (!error.body().empty()) {
    if (Result<std::string> line = json_line(Payload(error.body(), serializer)); line) {
      return Outcome(Exit::remote_error, *std::move(line));
    }
  }
  Exit exit = Exit::failed;
  if (error.code() == errc::timeout || error.code() == errc::no_receiver) exit = Exit::no_answer;
  if (error.code() == errc::refused || error.code() == errc::unauthorized || error.code() == errc::connection_lost) {
    exit = Exit::no_connection;
  }
  if (error.code() == errc::invalid_config || error.code() == errc::unsupported) exit = Exit::usage;
  return failure(exit, word_of(error), error.what());
}

int report(const Outcome& outcome) {
  if (!outcome.error_line().empty()) std::fprintf(stderr, "%s\n", outcome.error_line().c_str());
  std::fflush(stderr);
  return static_cast<int>(outcome.exit());
}

}  // namespace waybill::cli
