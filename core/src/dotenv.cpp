#include "dotenv.hpp"

#include "waybill/detail/nearest.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>

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

/// The value behind `NAME=`; sets `problem` if it is not well formed.
std::string read_value(std::string_view text, const char*& problem) {
  const char quote = text.empty() ? '\0' : text.front();
  if (quote != '"' && quote != '\'') {
    // A # starts a comment only behind white space: it may be part of a password.
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '#' && (i == 0 || text[i - 1] == ' ' || text[i - 1] == '\t'))
        return std::string(trim(text.substr(0, i)));
    }
    return std::string(text);
  }
  std::string value;
  std::size_t i = 1;
  for (; i < text.size() && text[i] != quote; ++i) {
    const bool escaped = quote == '"' && text[i] == '\\' && i + 1 < text.size();
    if (!escaped) {
      value += text[i];
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
    problem = "the closing quote is missing";
  } else if (const std::string_view rest = trim(text.substr(i + 1)); !rest.empty() && rest.front() != '#') {
    problem = "expected the end of the line behind the closing quote";
  }
  return value;
}

}  // namespace

Variables Variables::of_process() {
  Variables variables;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      variables.set(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
  }
  return variables;
}

const std::string* Variables::find(std::string_view name) const noexcept {
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

void Variables::add_dotenv(std::string_view text, std::string_view file, std::vector<std::string>& mistakes) {
  std::map<std::string, std::string, std::less<>> read;  // of equal names in one file the last wins
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#') continue;
    if (line.starts_with("export ")) line = trim(line.substr(7));
    const std::size_t equals = line.find('=');
    const std::string_view name = trim(line.substr(0, equals));
    const char* problem = nullptr;
    if (equals == std::string_view::npos || !is_name(name)) {
      problem = "expected NAME=value, NAME being letters, digits and _";
    } else {
      std::string value = read_value(trim(line.substr(equals + 1)), problem);
      read.insert_or_assign(std::string(name), std::move(value));
    }
    if (problem) mistakes.push_back(std::string(file) + ':' + std::to_string(number) + ": " + problem);
  }
  values_.merge(read);
}

void Variables::add_dotenv_file(const std::string& file, std::vector<std::string>& mistakes) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return;
  std::string text(k_longest_file + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > k_longest_file) {
    mistakes.push_back(file + ": longer than 1 MiB");
    return;
  }
  add_dotenv(text, file, mistakes);
}

std::string Variables::expand(std::string_view text, std::string_view where, std::vector<std::string>& mistakes) const {
  std::string expanded;
  const auto mistake = [&](const std::string& what) { mistakes.push_back(std::string(where) + ": " + what); };
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
    const std::size_t end = text.find('}');
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
    const std::string* value = find(name);
    if (value && (!value->empty() || dash == std::string_view::npos)) {
      expanded += *value;
    } else if (dash != std::string_view::npos) {
      expanded += inside.substr(dash + 2);
    } else {
      std::vector<std::string> known;
      for (const auto& [key, ignored] : values_) known.push_back(key);
      const std::string meant = nearest(name, known);
      mistake("the environment variable " + std::string(name.substr(0, 100)) + " is not set" +
              (meant.empty() ? " and has no default (${NAME:-default})" : "; did you mean " + meant + "?"));
    }
  }
  return expanded += text;
}

}  // namespace waybill::detail
