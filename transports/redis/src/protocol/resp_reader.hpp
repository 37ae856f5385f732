// RespReader: RESP2 out of a server's bytes, by hiredis's reader, without a tree of replies. Touches no socket.
#pragma once

#include "waybill/slice.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct redisReader;
struct redisReadTask;

namespace waybill::redis {

/// What arrives, in order. Views are valid during the call. Must not throw: it is called from within hiredis.
class RespSink {
 public:
  enum class Change : std::uint8_t { subscribed, unsubscribed };

  /// A message of a subscription; `pattern` is empty unless it came through PSUBSCRIBE.
  virtual void on_message(std::string_view pattern, std::string_view channel, const Slice& body) noexcept = 0;
  /// SUBSCRIBE, PSUBSCRIBE or its opposite has taken effect.
  virtual void on_subscription(Change change, std::string_view name) noexcept = 0;
  virtual void on_integer(std::int64_t value) noexcept = 0;    ///< `:7`
  virtual void on_status(std::string_view text) noexcept = 0;  ///< `+PONG`, also as a subscriber gets it.
  virtual void on_error(std::string_view text) noexcept = 0;   ///< `-ERR ...`
  // An array that is no push: its elements one by one, what is within them left out, then its end.
  virtual void on_element(std::size_t index, std::string_view text) noexcept = 0;
  virtual void on_element(std::size_t index, std::int64_t value) noexcept = 0;
  virtual void on_array(std::size_t index, std::size_t size) noexcept = 0;  ///< An element that is an array.
  virtual void on_array_end() noexcept = 0;

 protected:
  ~RespSink() = default;
};

class RespReader {
 public:
  /// A publisher's arrays are answers; a subscriber's are, if they do not begin as a push does.
  enum class Role : std::uint8_t { subscriber, publisher };

  RespReader(RespSink& sink, Role role, std::size_t max_message);
  ~RespReader();
  RespReader(const RespReader&) = delete;
  RespReader& operator=(const RespReader&) = delete;

  /// Takes all bytes and tells the sink what is whole. False: they are no RESP, or a message is too large; problem()
  /// says why, and nothing more may be fed.
  bool feed(const char* data, std::size_t size);
  const std::string& problem() const noexcept { return problem_; }

 private:
  struct Callbacks;
  enum class Kind : std::uint8_t { other, message, pattern_message, subscribed, unsubscribed, pong, answer };

  bool feed_some(const char* data, std::size_t size);
  void take_text(const redisReadTask& task, char* text, std::size_t size) noexcept;
  void take_element(std::size_t index, std::string_view text) noexcept;
  void take_integer(const redisReadTask& task, std::int64_t value) noexcept;
  bool broken(std::string problem);
  std::size_t pending() const noexcept;

  struct Free {
    void operator()(redisReader* reader) const noexcept;
  };
  RespSink& sink_;
  const Role role_;
  const std::size_t max_pending_;
  std::unique_ptr<redisReader, Free> reader_;
  Kind kind_ = Kind::other;  // of the array that is being read
  std::string pattern_;
  std::string channel_;
  std::string problem_;
};

}  // namespace waybill::redis
