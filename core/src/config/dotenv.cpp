#include "config/dotenv.hpp"

#include "waybill/detail/nearest.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

namespace waybill::detail {
namespace {

constexpr std::size_t k_longest_file = 1 << 20;  // bytes

bool is_name(std::string_view text) noexcept {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (text.empty() || !letter(text.front())) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view k_space = " \t\r";
  const std::size_t first = text.find_first_not_of(k_space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(k_space) - first + 1);
}

constexpr const char* k_no_end = "the closing quote is missing";

/// A value without quotes, up to the end of its line.
std::string read_plain(std::string_view line) {
  // A # starts a comment only behind white space: it may be part of a password.
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t'))
      return std::string(trim(line.substr(0, i)));
  }
  return std::string(trim(line));
}

/// A value in quotes at the front of `text`, perhaps over several lines. Takes it off, up to the end of the line in which
/// it ends; sets `problem` if it is not well formed.
std::string read_quoted(std::string_view& text, const char*& problem) {
  const char quote = text.front();
  std::string value;
  std::size_t i = 1;
  for (; i < text.size() && text[i] != quote; ++i) {
    const bool escaped = quote == '"' && text[i] == '\\' && i + 1 < text.size();
    if (!escaped) {
      if (text[i] != '\r' || !text.substr(i + 1).starts_with('\n')) value += text[i];
      continue;
    }
    const char c = text[++i];
    if (c == 'n') {
      value += '\n';
    } else if (c == 't') {
      value += '\t';
    } else if (c == 'r') {
      value += '\r';
    } else {
      if (c != '"' && c != '\\' && c != '$') value += '\\';
      value += c;
    }
  }
  if (i >= text.size()) {
    problem = k_no_end;
    return {};
  }
  const std::size_t end = std::min(text.find('\n', i), text.size());
  const std::string_view rest = trim(text.substr(i + 1, end - i - 1));
  if (!rest.empty() && rest.front() != '#') problem = "expected the end of the line behind the closing quote";
  text.remove_prefix(end);
  return value;
}

}  // namespace

void add_dotenv(Variables& variables, std::string_view text, std::string_view file,
                std::vector<std::string>& mistakes) {
  std::map<std::string, std::string, std::less<>> read;  // of equal names in one file the last wins
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::size_t number = 1;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::size_t equals = text.substr(0, end).find('=');
    const bool has_value = equals != std::string_view::npos;
    std::string_view name = trim(text.substr(0, has_value ? equals : end));
    if (name.starts_with("export") && (name.substr(6).starts_with(' ') || name.substr(6).starts_with('\t'))) {
      name = trim(name.substr(6));
    }
    std::string_view rest = text.substr(end);  // behind this line, if nothing else is found
    const char* problem = nullptr;
    if (has_value && is_name(name)) {
      std::string_view from = text.substr(equals + 1);
      from.remove_prefix(std::min(from.find_first_not_of(" \t"), from.size()));
      const bool is_quoted = from.starts_with('"') || from.starts_with('\'');
      std::string value =
          is_quoted ? read_quoted(from, problem) : read_plain(text.substr(equals + 1, end - equals - 1));
      if (is_quoted && problem != k_no_end) rest = from;
      if (!problem) read.insert_or_assign(std::string(name), std::move(value));
    } else if (name.starts_with("WAYBILL_")) {
      problem = "expected NAME=value, NAME being letters, digits and _";
    }  // all else belongs to others that read the file: comments, names with dots, names alone
    if (problem) mistakes.push_back(std::string(file) + ':' + std::to_string(number) + ": " + problem);
    number +=
        static_cast<std::size_t>(std::count(text.begin(), text.end() - static_cast<std::ptrdiff_t>(rest.size()), '\n'));
    text = rest;
    if (!text.empty()) {  // the end of the line
      text.remove_prefix(1);
      ++number;
    }
  }
  for (auto& [name, value] : read) {
    const std::string* before = variables.find(name);
    if (!before || before->empty()) variables.set(name, std::move(value));  // set to nothing is not set
  }
}

void add_dotenv_file(Variables& variables, const std::string& file, std::vector<std::string>& mistakes) {
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream && (errno == ENOENT || errno == ENOTDIR)) return;
  std::string text(k_longest_file + 1, '\0');
  if (stream) stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.is_open() || stream.bad()) {
    mistakes.push_back(file + ": cannot be read: " + std::generic_category().message(errno));
    return;
  }
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > k_longest_file) {
    mistakes.push_back(file + ": longer than 1 MiB");
    return;
  }
  add_dotenv(variables, text, file, mistakes);
}

namespace {

/// Where the `}` is that ends what `text` is the inside of, beyond `${...}` within it; npos if it is missing.
std::size_t find_close(std::string_view text) noexcept {
  int open = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '$' && i + 1 < text.size() && text[i + 1] == '{') {
      ++open;
      ++i;
    } else if (text[i] == '}' && --open == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

}  // namespace

std::string expand(const Variables& variables, std::string_view text, std::string_view where,
                   std::vector<std::string>& mistakes, int depth) {
  constexpr int k_deepest = 16;
  std::string expanded;
  const auto mistake = [&](const std::string& what) { mistakes.push_back(std::string(where) + ": " + what); };
  if (depth > k_deepest) {
    mistake("more than 16 defaults within one another");
    return expanded;
  }
  while (!text.empty()) {
    const std::size_t start = text.find("${");
    if (start == std::string_view::npos) break;
    const bool escaped = start > 0 && text[start - 1] == '$';
    expanded += text.substr(0, escaped ? start - 1 : start);
    text.remove_prefix(start + 2);
    if (escaped) {
      expanded += "${";
      continue;
    }
    const std::size_t end = find_close(text);
    if (end == std::string_view::npos) {
      mistake("a '}' is missing behind ${");
      return expanded;
    }
    const std::string_view inside = text.substr(0, end);
    text.remove_prefix(end + 1);
    const std::size_t dash = inside.find(":-");
    const std::string_view name = inside.substr(0, dash);
    if (!is_name(name)) {
      mistake("expected ${NAME} or ${NAME:-default}, NAME being letters, digits and _");
      continue;
    }
    const std::string* value = variables.find(name);
    if (value && (!value->empty() || dash == std::string_view::npos)) {
      expanded += *value;
    } else if (dash != std::string_view::npos) {
      expanded += expand(variables, inside.substr(dash + 2), where, mistakes, depth + 1);
    } else {
      std::vector<std::string> known;
      for (const auto& [key, ignored] : variables.all()) known.push_back(key);
      const std::string meant = nearest(name, known);
      mistake("the environment variable " + std::string(name.substr(0, 100)) + " is not set" +
              (meant.empty() ? " and has no default (${NAME:-default})" : "; did you mean " + meant + "?"));
    }
  }
  return expanded += text;
}

}  // namespace waybill::detail
