// Routes as topics: what a listener subscribes to, and which route a topic belongs to. Pure.
#pragma once

#include "waybill/transport/transport.hpp"
#include "wire/topic_regex.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace waybill::kafka {

class Subscription {
 public:
  /// What is known of the records of a topic.
  struct Channel {
    std::string name;            ///< The topic without the prefix: what handlers see.
    std::string route;           ///< By which the router finds the handler.
    bool may_be_request = true;  ///< False: only event handlers: its records are events whatever their headers say.
    bool is_wanted = true;       ///< False: matched by a regular expression, but replies or our own dead letters.
    bool is_matched = false;     ///< By a regular expression: dead letters of others may be among its records.
  };

  /// Errors: unsupported, with the pattern's name: no legal topic name, a wrong regular expression.
  /// invalid_config: `dead_letter`, the topic for what is given up, is one of those that are listened to.
  static Result<Subscription> make(const Routes& routes, std::string prefix, std::string dead_letter = {});

  /// Topics to create or check; those of requests with their reply topics, which their callers will need.
  const std::vector<std::string>& topics() const noexcept { return topics_; }
  /// What to subscribe to; regular expressions start with `^`.
  const std::vector<std::string>& subscribed() const noexcept { return subscribed_; }
  /// Some of the records may want a reply.
  bool has_requests() const noexcept { return has_requests_; }
  /// Remembers what it finds; topics come from the broker, so there are not endlessly many.
  const Channel& channel_of(std::string_view topic);

 private:
  struct Expression {
    std::unique_ptr<const TopicRegex> regex;
    std::string route;
    bool is_native;
    bool may_be_request;
  };
  Channel find(std::string_view topic) const;

  std::string prefix_;
  std::string dead_letter_;
  std::vector<std::string> topics_;
  std::vector<std::string> subscribed_;
  std::vector<Expression> expressions_;
  std::unordered_map<std::string, Channel> channels_;
  bool has_requests_ = false;
};

/// A wildcard of waybill's (`*` one word, `**` the rest) as a regular expression over whole topic names.
std::string expression_of(std::string_view wildcard);

}  // namespace waybill::kafka
