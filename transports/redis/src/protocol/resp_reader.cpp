#include "protocol/resp_reader.hpp"

#include <algorithm>
#include <new>
#include <type_traits>
#include <utility>

extern "C" {
#include <hiredis/hiredis.h>
#include <hiredis/sds.h>
}

namespace waybill::redis {
namespace {

// hiredis moves what is left to the front of its buffer each time that 1 KiB is done with: small portions keep that
// cheap. While one large message is being gathered nothing is moved.
constexpr std::size_t k_portion = 4u << 10;
constexpr std::size_t k_large_portion = 64u << 10;
constexpr std::size_t k_room_for_head = 64u << 10;  // names of channel and pattern beside the body

void* const k_nothing = reinterpret_cast<void*>(1);  // the reader wants an object for each reply; ours is never used

using ElementCount = std::conditional_t<(HIREDIS_MAJOR >= 1), std::size_t, int>;

}  // namespace

/// hiredis's callbacks: C calls them, so nothing may be thrown.
struct RespReader::Callbacks {
  static RespReader& self(const redisReadTask* task) noexcept { return *static_cast<RespReader*>(task->privdata); }

  static void* on_string(const redisReadTask* task, char* text, std::size_t size) noexcept {
    self(task).take_text(*task, text, size);
    return k_nothing;
  }
  static void* on_array(const redisReadTask* task, ElementCount size) noexcept {
    RespReader& reader = self(task);
    if (!task->parent) {
      reader.kind_ = reader.role_ == Role::publisher ? Kind::answer : Kind::other;
    } else if (!task->parent->parent && reader.kind_ == Kind::answer) {
      reader.sink_.on_array(static_cast<std::size_t>(task->idx), static_cast<std::size_t>(size));
    }
    return k_nothing;
  }
  static void* on_integer(const redisReadTask* task, long long value) noexcept {
    self(task).take_integer(*task, value);
    return k_nothing;
  }
  static void* on_nil(const redisReadTask*) noexcept { return k_nothing; }
  static void free_nothing(void*) noexcept {}

  static redisReplyObjectFunctions table() noexcept {
    redisReplyObjectFunctions functions{};
    functions.createString = on_string;
    functions.createArray = on_array;
    functions.createInteger = on_integer;
    functions.createNil = on_nil;
    functions.freeObject = free_nothing;
    return functions;
  }
};

void RespReader::Free::operator()(redisReader* reader) const noexcept { redisReaderFree(reader); }

RespReader::RespReader(RespSink& sink, Role role, std::size_t max_message)
    : sink_(sink), role_(role), max_pending_(max_message + k_room_for_head) {
  static redisReplyObjectFunctions functions = Callbacks::table();
  reader_.reset(redisReaderCreateWithFunctions(&functions));
  if (!reader_) throw std::bad_alloc();
  reader_->privdata = this;
}

RespReader::~RespReader() = default;

std::size_t RespReader::pending() const noexcept { return reader_->len - reader_->pos; }

bool RespReader::feed(const char* data, std::size_t size) {
  while (size > 0) {
    const std::size_t portion = std::min(size, std::clamp(pending(), k_portion, k_large_portion));
    if (!feed_some(data, portion)) return false;
    data += portion;
    size -= portion;
  }
  return true;
}

bool RespReader::feed_some(const char* data, std::size_t size) {
  if (redisReaderFeed(reader_.get(), data, size) != REDIS_OK) return broken(reader_->errstr);
  // Slices promise readable bytes behind their end.
  sds roomy = sdsMakeRoomFor(reader_->buf, k_padding);
  if (!roomy) return broken("out of memory");
  reader_->buf = roomy;
  for (;;) {
    void* reply = nullptr;
    if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) return broken(reader_->errstr);
    if (!reply) break;
    if (std::exchange(kind_, Kind::other) == Kind::answer) sink_.on_array_end();
  }
  if (pending() > max_pending_) return broken("a message is larger than max_message");
  return true;
}

bool RespReader::broken(std::string problem) {
  problem_ = std::move(problem);
  return false;
}

void RespReader::take_text(const redisReadTask& task, char* text, std::size_t size) noexcept {
  const std::string_view content(text, size);
  if (task.parent) {
    if (!task.parent->parent) take_element(static_cast<std::size_t>(task.idx), content);
  } else if (task.type == REDIS_REPLY_ERROR) {
    sink_.on_error(content);
  } else {
    sink_.on_status(content);
  }
}

void RespReader::take_element(std::size_t index, std::string_view text) noexcept {
  if (kind_ == Kind::answer) return sink_.on_element(index, text);
  if (index == 0) {
    kind_ = text == "message"                                 ? Kind::message
            : text == "pmessage"                              ? Kind::pattern_message
            : text == "subscribe" || text == "psubscribe"     ? Kind::subscribed
            : text == "unsubscribe" || text == "punsubscribe" ? Kind::unsubscribed
            : text == "pong"                                  ? Kind::pong
                                                              : Kind::answer;
    if (kind_ == Kind::pong) sink_.on_status("PONG");
    if (kind_ == Kind::answer) sink_.on_element(index, text);
    return;
  }
  // A row of messages has one name: comparing costs less than copying.
  const bool is_pattern = kind_ == Kind::pattern_message && index == 1;
  const std::size_t body = kind_ == Kind::pattern_message ? 3 : 2;
  if (is_pattern) {
    if (pattern_ != text) pattern_ = text;
  } else if (index < body) {
    if (channel_ != text) channel_ = text;
  } else if (kind_ == Kind::message) {
    sink_.on_message({}, channel_, Slice::borrow(text));
  } else if (kind_ == Kind::pattern_message) {
    sink_.on_message(pattern_, channel_, Slice::borrow(text));
  }
}

void RespReader::take_integer(const redisReadTask& task, std::int64_t value) noexcept {
  if (!task.parent) return sink_.on_integer(value);
  if (task.parent->parent) return;
  if (kind_ == Kind::answer) return sink_.on_element(static_cast<std::size_t>(task.idx), value);
  if (task.idx != 2) return;
  if (kind_ == Kind::subscribed) sink_.on_subscription(RespSink::Change::subscribed, channel_);
  if (kind_ == Kind::unsubscribed) sink_.on_subscription(RespSink::Change::unsubscribed, channel_);
}

}  // namespace waybill::redis
