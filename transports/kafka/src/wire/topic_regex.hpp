// A POSIX extended regular expression over topic names, by the C library: the engine of librdkafka's own subscriptions,
// so that both find the same topics.
#pragma once

#include <regex.h>

#include <string>

namespace waybill::kafka {

class TopicRegex {
 public:
  /// If the expression is wrong, is_valid() is false and error() says why.
  explicit TopicRegex(const std::string& expression) : error_(::regcomp(&regex_, expression.c_str(), k_flags)) {}
  ~TopicRegex() {
    if (is_valid()) ::regfree(&regex_);
  }
  TopicRegex(const TopicRegex&) = delete;
  TopicRegex& operator=(const TopicRegex&) = delete;

  bool is_valid() const noexcept { return error_ == 0; }
  std::string error() const {
    char text[128];
    ::regerror(error_, &regex_, text, sizeof text);
    return text;
  }
  /// Whether it is found anywhere in the topic's name.
  bool is_in(const std::string& topic) const noexcept { return ::regexec(&regex_, topic.c_str(), 0, nullptr, 0) == 0; }

 private:
  static constexpr int k_flags = REG_EXTENDED | REG_NOSUB;

  regex_t regex_;
  int error_;
};

}  // namespace waybill::kafka
