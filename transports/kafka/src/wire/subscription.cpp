#include "wire/subscription.hpp"

#include "wire/names.hpp"

namespace waybill::kafka {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view(".^$*+?()[]{}|\\").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

Error unsupported(const Route& route, const std::string& why) {
  return Error(errc::unsupported, "kafka cannot carry the pattern " + route.pattern.route() + ": " + why,
               End::rejected);
}

}  // namespace

std::string expression_of(std::string_view wildcard) {
  std::string out;
  while (!wildcard.empty()) {
    const std::size_t dot = wildcard.find('.');
    const std::string_view word = wildcard.substr(0, dot);
    out += word == "**" ? ".+" : word == "*" ? "[^.]+" : escaped(word);
    if (dot == std::string_view::npos) break;
    out += "\\.";
    wildcard.remove_prefix(dot + 1);
  }
  return out;
}

Result<Subscription> Subscription::make(const Routes& routes, std::string prefix, std::string dead_letter) {
  Subscription made;
  made.prefix_ = std::move(prefix);
  made.dead_letter_ = std::move(dead_letter);
  for (const Route& route : routes) {
    const std::string& text = route.pattern.route();
    const bool may_be_request = route.handles_requests || !route.handles_events;
    made.has_requests_ = made.has_requests_ || may_be_request;
    if (!route.pattern.is_wildcard() && !route.pattern.is_native()) {
      const std::string topic = made.prefix_ + topic_of(text);
      if (!is_topic_name(reply_topic(topic)))
        return unsupported(route, "its topic's name is longer than 249 characters");
      if (topic == made.dead_letter_) {
        return Error(
            errc::invalid_config,
            "dead_letter=" + text + " is a topic that this service listens to: what it gives up would come again",
            End::rejected);
      }
      made.topics_.push_back(topic);
      if (route.handles_requests) made.topics_.push_back(reply_topic(topic));
      made.subscribed_.push_back(topic);
      made.channels_.emplace(topic, Channel{text, text, may_be_request});
      continue;
    }
    std::string expression = route.pattern.is_wildcard() ? expression_of(text) + '$' : text;
    if (expression.starts_with('^'))
      expression.erase(0, 1);
    else if (route.pattern.is_native())
      expression.insert(0, ".*");  // anywhere in the name, as NestJS matches
    expression = '^' + escaped(made.prefix_) + expression;
    auto regex = std::make_unique<const TopicRegex>(expression);
    if (!regex->is_valid()) return unsupported(route, "it is no regular expression: " + regex->error());
    made.expressions_.push_back({std::move(regex), text, route.pattern.is_native(), may_be_request});
    made.subscribed_.push_back(expression);
  }
  return made;
}

const Subscription::Channel& Subscription::channel_of(std::string_view topic) {
  std::string name(topic);
  const auto known = channels_.find(name);
  if (known != channels_.end()) return known->second;
  Channel channel = find(topic);
  return channels_.emplace(std::move(name), std::move(channel)).first->second;
}

Subscription::Channel Subscription::find(std::string_view topic) const {
  const std::string whole(topic);
  Channel channel;
  channel.name = whole.substr(std::min(prefix_.size(), whole.size()));
  channel.route = channel.name;
  for (const Expression& expression : expressions_) {
    if (!expression.regex->is_in(whole)) continue;
    channel.may_be_request = expression.may_be_request;
    if (expression.is_native) channel.route = expression.route;
    channel.is_wanted = !topic.ends_with(".reply") && topic != dead_letter_;
    channel.is_matched = true;
    break;
  }
  return channel;
}

}  // namespace waybill::kafka
