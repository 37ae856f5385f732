#include "waybill/testing.hpp"

namespace waybill {

namespace {

/// What the system may still bring: a post of another thread, one of Asio's own timers.
constexpr std::chrono::milliseconds k_real_patience{200};

std::shared_ptr<const Registry> registry_of(const memory::Broker& broker) {
  auto registry = std::make_shared<Registry>();
  add_built_in_serializers(*registry);
  registry->add_transport("memory", broker.factory());
  return registry;
}

std::string line_of(LogLevel level, std::string_view text) {
  static constexpr std::string_view k_names[] = {"debug", "info", "warning", "error", "off"};
  return std::string(k_names[static_cast<std::size_t>(level)]).append(" ").append(text);
}

/// To the next moment that something waits for, and all that waits for that moment: none of it sees what the others began.
bool move_on(VirtualTime& time, VirtualTime::Duration limit = VirtualTime::Duration::max()) {
  if (!time.advance_to_next(limit)) return false;
  while (time.advance_to_next(time.now())) {
  }
  return true;
}

/// Something begins itself anew, for ever, while the clock stands still.
void refuse_endless(std::size_t turns) {
  constexpr std::size_t k_most = 1'000'000;
  if (turns < k_most) return;
  throw Error(errc::timeout,
              std::to_string(k_most) + " steps were run and the clock has not moved: something never waits",
              End::unknown);
}

}  // namespace

TestBed::TestBed(LogLevel log_level)
    : time_(std::make_shared<VirtualTime>()),
      loop_(std::make_unique<asio::io_context>(1)),
      lines_(std::make_shared<std::vector<std::string>>()) {
  time_->drive(*loop_);
  memory::BrokerOptions options;
  options.name = "bed";
  options.time = time_;
  broker_ = memory::Broker::make(options);
  registry_ = registry_of(*broker_);
  log_ = Log(log_sink(), log_level);
}

TestBed::~TestBed() {
  settle();
  loop_.reset();
}

Config TestBed::config(std::string_view options) const {
  return Config::listen({"memory://bed?" + std::string(options)});
}

ClientConfig TestBed::client_config(std::string_view options) const {
  return ClientConfig::from_url("memory://bed?" + std::string(options));
}

LogSink TestBed::log_sink() const {
  return [lines = lines_](LogLevel level, std::string_view line) { lines->push_back(line_of(level, line)); };
}

bool TestBed::has_logged(std::string_view part) const {
  for (const std::string& line : *lines_) {
    if (line.find(part) != std::string::npos) return true;
  }
  return false;
}

void TestBed::settle() {
  if (loop_->stopped()) loop_->restart();
  for (std::size_t turns = 0; loop_->poll_one() != 0; ++turns) refuse_endless(turns);
}

bool TestBed::eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  const VirtualTime::Duration give_up = time_->now() + limit;
  for (std::size_t turns = 0; !condition(); ++turns) {
    refuse_endless(turns);
    if (loop_->stopped()) loop_->restart();
    if (loop_->poll_one() != 0) continue;
    turns = 0;
    if (time_->now() < give_up && move_on(*time_)) continue;
    if (time_->now() >= give_up || loop_->run_one_for(k_real_patience) == 0) return condition();
  }
  return true;
}

void TestBed::advance(std::chrono::milliseconds by) {
  const VirtualTime::Duration end = time_->now() + by;
  settle();
  while (move_on(*time_, end)) settle();
  time_->advance(end - time_->now());
  settle();
}

}  // namespace waybill
