#include "waybill/reply_stream.hpp"

#include "waybill/transport/held_bytes.hpp"

#include <asio/post.hpp>

#include <atomic>
#include <deque>
#include <optional>

namespace waybill::detail {

namespace {

bool is_error(const Packet& packet) noexcept {
  return packet.kind == PacketKind::error || packet.kind == PacketKind::no_handler;
}

Error read_cancelled() { return Error(errc::cancelled, "reading the stream was cancelled", End::unknown); }

}  // namespace

/// Shared by the stream, which may be read from any thread, and the call, which fills it on the client's executor.
struct ReplyQueue::State {
  SerialExecutor executor;
  Reader reader;
  std::uint64_t reading = 0;                     ///< The number of the reader's read.
  std::atomic<std::uint64_t> last_cancelled{0};  ///< From then on a value is no longer for that read.
  std::deque<Packet> packets;
  std::optional<Error> error;
  std::optional<Packet> failure;  ///< The other side's.
  bool is_ended = false;
  UniqueFunction<void()> cancel;
  UniqueFunction<void(bool)> pause;
  std::size_t bytes = 0;
  std::size_t accounted = 0;  ///< Of them, in the process's account.
  bool is_paused = false;

  // An eager reader is given time to catch up; one that waits for something else fails at the bound, loudly. Where all
  // streams and connections of the process hold much, the bound is small: who reads pays nothing for who does not.
  static constexpr std::size_t k_many = 1024;
  static constexpr std::size_t k_many_bytes = 512u << 10;
  static constexpr std::size_t k_most = 65536;
  static constexpr std::size_t k_most_bytes = 64u << 20;
  static constexpr std::size_t k_most_bytes_when_short = 1u << 20;
  static constexpr std::size_t k_short = 256u << 20;
  static constexpr std::size_t k_grain = 64u << 10;  // of the account, which all threads share

  explicit State(SerialExecutor home) : executor(std::move(home)) {}
  ~State() { account(0); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void account(std::size_t held) noexcept {
    held = held / k_grain * k_grain;
    if (held == accounted) return;
    transport::hold_bytes(static_cast<std::ptrdiff_t>(held) - static_cast<std::ptrdiff_t>(accounted));
    accounted = held;
  }
  bool is_hoarding() const noexcept { return bytes > k_most_bytes_when_short && transport::held_bytes() > k_short; }
  /// Another value is in the queue, or one less.
  void adjust(std::ptrdiff_t by) {
    bytes += static_cast<std::size_t>(by);
    account(bytes);
    if (packets.size() >= k_many || bytes >= k_many_bytes) {
      is_paused = true;
      if (by > 0) pause(true);  // again for each: a pause ends by itself
    } else if (is_paused && packets.size() <= k_many / 4 && bytes <= k_many_bytes / 4) {
      is_paused = false;
      pause(false);
    }
  }

  void on_event(const ReplyEvent& event) {
    if (is_ended) return;
    if (event.is_final) is_ended = true;
    if (event.error) error = *event.error;
    if (event.packet && is_error(*event.packet)) {
      failure = event.packet->own();
      if (reader && reading > last_cancelled) std::exchange(reader, {})(event);
      return;
    }
    const bool has_value = event.packet && (event.packet->kind != PacketKind::end);
    if (reader && reading > last_cancelled) {
      Reader waiting = std::move(reader);
      waiting(event);
      return;
    }
    if (!has_value) return;
    const bool is_short = is_hoarding();
    if (is_short || packets.size() == k_most || bytes > k_most_bytes) {
      is_ended = true;
      error = Error(errc::overloaded,
                    "the stream is read too slowly: " + std::to_string(packets.size()) + " values of " +
                        std::to_string(bytes) + " bytes wait",
                    End::unknown);
      if (is_short) {
        packets.clear();
        adjust(-static_cast<std::ptrdiff_t>(bytes));
      }
      if (cancel) cancel();
      return;
    }
    packets.push_back(event.packet->own());
    adjust(static_cast<std::ptrdiff_t>(event.packet->payload.size()));
  }

  void cancel_read(std::uint64_t number) {
    if (!reader || reading != number) return;
    const Error cancelled = read_cancelled();
    Reader waiting = std::move(reader);
    waiting({nullptr, nullptr, &cancelled, false});
  }

  void read(std::uint64_t number, Reader next) {
    if (number <= last_cancelled) {
      const Error cancelled = read_cancelled();
      next({nullptr, nullptr, &cancelled, false});
    } else if (!packets.empty()) {
      const Packet packet = std::move(packets.front());
      packets.pop_front();
      adjust(-static_cast<std::ptrdiff_t>(packet.payload.size()));
      next({&packet, nullptr, nullptr, false});
    } else if (error) {  // again and again: whoever reads beside something else may have missed it
      const Error same = *error;
      next({nullptr, nullptr, &same, true});
    } else if (failure) {
      const Packet same = *failure;
      next({&same, nullptr, nullptr, true});
    } else if (is_ended) {
      next({});
    } else {
      reader = std::move(next);
      reading = number;
    }
  }
};

/// What the call tells. Dropped before the end, with the loop, it takes the reader along: a coroutine that owns the stream, and
/// so what keeps it.
struct ReplyQueue::Feed {
  explicit Feed(std::shared_ptr<State> of) noexcept : state(std::move(of)) {}
  Feed(Feed&&) noexcept = default;
  Feed& operator=(Feed&&) = delete;
  ~Feed() {
    if (state && !state->is_ended) const Reader dropped = std::move(state->reader);
  }
  void operator()(const ReplyEvent& event) const { state->on_event(event); }
  std::shared_ptr<State> state;
};

bool is_closing_null(const Packet& packet) {
  if (packet.kind != PacketKind::value || !packet.last || !packet.has_payload) return false;
  std::optional<bool> value = true;
  return packet.serializer->decode(packet.payload, ValueOut::of(value)) && !value;
}

ReplyQueue::ReplyQueue(Call call) : state_(std::make_shared<State>(call.executor())) {
  state_->cancel = call.canceller();
  state_->pause = call.pauser();
  call.on_reply(Feed(state_));
}

ReplyQueue::~ReplyQueue() { cancel(); }

void ReplyQueue::read(std::uint64_t number, Reader reader) {
  asio::post(state_->executor.get(), [state = state_, number, reader = std::move(reader)]() mutable {
    state->read(number, std::move(reader));
  });
}

UniqueFunction<void()> ReplyQueue::read_canceller(std::uint64_t number) const {
  return [weak = std::weak_ptr<State>(state_), number] {
    const std::shared_ptr<State> state = weak.lock();
    if (!state) return;
    state->last_cancelled = number;  // at once: whoever cancels does not take what this read would still get
    asio::post(state->executor.get(), [state, number] { state->cancel_read(number); });
  };
}

void ReplyQueue::cancel() {
  asio::post(state_->executor.get(), [state = state_] {
    if (!state->is_ended && state->cancel) state->cancel();
  });
}

const SerialExecutor& ReplyQueue::executor() const noexcept { return state_->executor; }

}  // namespace waybill::detail
