// Sends what a handler's Stream<T> yields, as fast as it yields and the caller takes.
#pragma once

#include "waybill/detail/asio.hpp"
#include "waybill/detail/exchange.hpp"
#include "waybill/stream.hpp"

#include <asio/steady_timer.hpp>

#include <memory>

namespace waybill::detail {

/// A value is held back until the stream has taken its next step, so that the last one can be marked as such, as NestJS
/// does: a stream that ends right after a value needs no packet of its own for its end.
///
/// Threads: the handler's. Ends when the stream does, when the caller is gone, or when it is stopped.
class StreamPump : public std::enable_shared_from_this<StreamPump> {
 public:
  using Done = Arrival<Result<void>>;
  StreamPump(std::unique_ptr<StreamSource> source, Exchange& exchange, const Log& log);

  /// Completes with the error that the stream ended with, if any. The exchange outlives it.
  static asio::awaitable<Result<void>> run(std::shared_ptr<StreamPump> self);

 private:
  void pump();
  bool take(StreamSource::Step step);
  void send_held(bool last);
  void watch();
  void finish(Result<void> outcome);

  std::unique_ptr<StreamSource> source_;
  Exchange& exchange_;
  const Log& log_;
  std::shared_ptr<Done> done_;
  asio::steady_timer watch_;
  Buffer held_;
  bool has_held_ = false;
  bool waiting_ = false;
  bool finished_ = false;
};

}  // namespace waybill::detail
