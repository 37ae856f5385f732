#include "flow/strays.hpp"

#include "protocol/error.hpp"

#include <asio/post.hpp>

#include <utility>

namespace waybill::kafka {
namespace {

constexpr std::chrono::milliseconds k_between_tries{100};
constexpr int k_most_tries = 10;  ///< For a partition of a topic that is there: new ones are known a moment later.

}  // namespace

bool Strays::holds(const std::string& topic) const {
  const auto found = topics_.find(topic);
  return found != topics_.end() && found->second.is_gone;
}

void Strays::add(const std::string& name, Stray stray, rd_kafka_resp_err_t why, bool is_gone) {
  const auto [at, is_new] = topics_.try_emplace(name, executor_);
  Topic& topic = at->second;
  topic.records.push_back(std::move(stray));
  topic.why = why;
  topic.is_gone = topic.is_gone || is_gone;
  if (!is_new) return;
  topic.give_up = Clock::now() + limit_;
  asio::post(executor_, [weak = weak_from_this(), name] {
    if (const auto self = weak.lock()) self->find(name);
  });
}

void Strays::find(const std::string& name) {
  if (!owner_ || !topics_.contains(name)) return;
  owner_->find_topic(name, [weak = weak_from_this(), name](const Result<void>& outcome) {
    if (const auto self = weak.lock()) self->found(name, outcome);
  });
}

void Strays::found(const std::string& name, const Result<void>& outcome) {
  const auto at = topics_.find(name);
  if (!owner_ || at == topics_.end()) return;
  if (outcome) return send_all(name);
  if (outcome.error().is_passing()) return later(name, &Strays::find);
  fail_all(name, at->second.why);
}

void Strays::send_all(const std::string& name) {
  const auto at = topics_.find(name);
  if (!owner_ || at == topics_.end()) return;
  const auto self = shared_from_this();
  Topic& topic = at->second;
  std::deque<Stray>& records = topic.records;
  bool has_failed = false;
  topic.is_gone = false;
  for (std::size_t i = 0; i < records.size() && !topic.is_gone;) {
    const auto code = owner_->send_stray(name, records[i]);
    if (is_not_there(code)) {
      topic.why = code;
      topic.is_gone = code != RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;  // of all that are behind it, too
      ++i;
      continue;
    }
    if (code) owner_->fail_stray(name, records[i], code);
    has_failed = has_failed || code;
    records.erase(records.begin() + static_cast<std::ptrdiff_t>(i));
  }
  if (records.empty()) {
    topics_.erase(at);
  } else if (!topic.is_gone && ++topic.tries > k_most_tries) {
    return fail_all(name, topic.why);
  } else {
    owner_->look_at(name);
    later(name, &Strays::send_all);
  }
  if (has_failed && owner_) owner_->on_strays_end();
}

void Strays::later(const std::string& name, void (Strays::*what)(const std::string& name)) {
  Topic& topic = topics_.find(name)->second;
  if (Clock::now() >= topic.give_up) return fail_all(name, topic.why);
  topic.timer.expires_after(k_between_tries);
  topic.timer.async_wait([weak = weak_from_this(), name, what](std::error_code ec) {
    const auto self = weak.lock();
    if (!ec && self) (self.get()->*what)(name);
  });
}

void Strays::fail_all(const std::string& name, rd_kafka_resp_err_t code) {
  const auto self = shared_from_this();
  const auto failed = topics_.extract(name);
  for (const Stray& stray : failed.mapped().records) owner_->fail_stray(name, stray, code);
  owner_->on_strays_end();
}

void Strays::abandon(rd_kafka_resp_err_t code) {
  const auto topics = std::exchange(topics_, {});
  for (const auto& [name, topic] : topics) {
    for (const Stray& stray : topic.records) owner_->fail_stray(name, stray, code);
  }
}

void Strays::close() {
  owner_ = nullptr;
  topics_.clear();
}

}  // namespace waybill::kafka
