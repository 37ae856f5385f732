#include "config/config_options.hpp"
#include "middleware/seen_messages.hpp"
#include "middleware/waiters.hpp"
#include "waybill/middleware.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace waybill::middleware {

namespace {

using detail::SeenMessages;
constexpr std::size_t k_longest_id = 512;  // bytes; what is longer is nobody's id

/// What the handlers behind one middleware share, perhaps on several threads.
struct Memory {
  explicit Memory(DeduplicateOptions its)
      : options(std::move(its)), seen(options.window, static_cast<std::size_t>(options.max_messages)) {}
  const DeduplicateOptions options;
  std::mutex mutex;
  SeenMessages seen;
  detail::Waiters waiters;
};

/// Empty: it has none.
std::string id_of(const DeduplicateOptions& options, const Context& context) {
  std::string id;
  if (options.key) {
    id = options.key(context);
  } else if (const std::string* header = context.header(options.header)) {
    id = *header;
  } else if (!options.property.empty()) {
    if (const std::string* property = context.properties().find(options.property)) id = *property;
  }
  return id.size() <= k_longest_id ? id : std::string();
}

/// One message on its way through its handler, or waiting for another one with its id.
class Handling {
 public:
  Handling(std::shared_ptr<Memory> memory, const Context& context, const std::string& id)
      : memory_(std::move(memory)), clock_(detail::Clock::of(context.executor())) {
    std::string key(context.pattern());
    key.append(1, '\n').append(id);
    const std::lock_guard lock(memory_->mutex);
    entry_ = memory_->seen.enter(key, clock_.now());
    if (!is_waiting()) return;
    timer_ = std::make_shared<Timer>(context.executor(), context.deadline().value_or(detail::TimePoint::max()));
    memory_->waiters.add(entry_.ticket, timer_);
  }
  Handling(const Handling&) = delete;
  Handling& operator=(const Handling&) = delete;
  ~Handling() {
    const std::lock_guard lock(memory_->mutex);
    memory_->waiters.remove(entry_.ticket);
    for (const auto ticket : memory_->seen.leave(entry_.ticket, is_handled_, clock_.now())) {
      memory_->waiters.wake(ticket);
    }
  }

  bool is_waiting() const noexcept { return entry_.standing == SeenMessages::Standing::waiting; }
  bool is_duplicate() const noexcept { return entry_.standing == SeenMessages::Standing::duplicate; }
  bool is_late() const { return clock_.now() >= timer_->expiry(); }
  const std::shared_ptr<Timer>& timer() const noexcept { return timer_; }
  void ask() {
    const std::lock_guard lock(memory_->mutex);
    entry_.standing = memory_->seen.ask(entry_.ticket);
  }
  void handled() noexcept { is_handled_ = true; }

 private:
  std::shared_ptr<Memory> memory_;
  detail::Clock clock_;
  std::shared_ptr<Timer> timer_;  // of one that waits, or did
  SeenMessages::Entry entry_{};
  bool is_handled_ = false;
};

Result<void> answer_duplicate(const Context& context, const std::string& id) {
  if (context.is_request()) return Error("duplicate", "the message " + id + " was handled before");
  if (context.log().wants(LogLevel::debug)) {
    context.log().debug("the event " + std::string(context.pattern()) + " was handled before: " + id);
  }
  return {};
}

asio::awaitable<Result<void>> run_once(std::shared_ptr<Memory> memory, Context& context, Next next) {
  const std::string id = id_of(memory->options, context);
  if (id.empty()) co_return co_await next();
  Handling handling(std::move(memory), context, id);
  while (handling.is_waiting()) {
    const bool is_wanted = co_await detail::wait_uncancelled(handling.timer());
    if (!is_wanted) co_return Error(errc::cancelled, "cancelled while another one was handled", End::rejected);
    handling.ask();
    if (handling.is_waiting() && handling.is_late()) {
      co_return Error(errc::timeout, "the message " + id + " is being handled still", End::unknown);
    }
  }
  if (handling.is_duplicate()) co_return answer_duplicate(context, id);
  Result<void> outcome = co_await next();
  if (outcome && !context.is_given_back()) handling.handled();
  co_return outcome;
}

}  // namespace

Result<void> DeduplicateOptions::validate() const {
  detail::Mistakes mistakes;
  if (header.empty() && property.empty() && !key) {
    mistakes.push_back("deduplicate: needs a header, a property or a key to know messages by");
  }
  if (window.count() <= 0) mistakes.push_back("deduplicate: window must be more than 0");
  if (max_messages < 1) mistakes.push_back("deduplicate: max_messages must be at least 1");
  return detail::outcome_of(mistakes);
}

Middleware deduplicate(DeduplicateOptions options) {
  options.validate().value();
  const auto memory = std::make_shared<Memory>(std::move(options));
  return {"deduplicate", [memory](Context& context, Next next) { return run_once(memory, context, std::move(next)); },
          Context::Side::service};
}

}  // namespace waybill::middleware
