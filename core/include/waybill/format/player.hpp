// Player: plays a value of any format into a ValueSink, for types that take values of any shape. What a Reader offers
// says walk_decode.hpp.
#pragma once

#include "waybill/format/coding.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace waybill::format {

enum class Found : std::uint8_t { null, boolean, number, text, bytes, list, map, unknown };

enum class Read : std::uint8_t {
  ok,
  mismatch,   ///< It is something else.
  range,      ///< The number does not fit.
  malformed,  ///< The bytes are not valid; failure() may say more.
  stopped,    ///< The visitor did not want more, or failure() is set already.
};

/// What the walkers over a Reader share: how a failed read becomes a failure.
template <class Reader>
class Player {
 public:
  Player(Reader& reader, std::size_t payload_size)
      : reader_(reader), memory_left_(std::max(k_max_decoded, k_max_growth * payload_size)) {}

  /// A value of the bytes, ready to be played.
  template <class Value>
  class Source final : public ValueSource {
   public:
    Source(Player& player, Value& from, int depth) : player_(player), from_(from), depth_(depth) {}
    bool play(ValueSink& sink) override { return player_.play(from_, sink, depth_); }

   private:
    Player& player_;
    Value& from_;
    int depth_;
  };

  template <class Value>
  bool fail(Read read, Value& from, std::string_view expected) {
    Failure& failure = reader_.failure();
    switch (read) {
      case Read::ok: return true;
      case Read::stopped: return false;
      case Read::malformed:
        if (failure.problem.empty()) failure.set(errc::payload_malformed, "the bytes are not valid here");
        return false;
      case Read::range:
      case Read::mismatch: break;
    }
    return failure.set(errc::payload_mismatch, expected_but_found(expected, reader_.describe(from)));
  }

  template <class Value, class Type>
  bool check(Read read, Value& from, const Type& type) {
    if (read == Read::ok) [[likely]]
      return true;
    const TypeInfo& info = type;
    return fail(read, from, describe_expected(info));
  }

  /// Counts memory that decoding takes. False: it is too much, and reader.failure() says so.
  bool take_memory(std::size_t bytes) {
    if (bytes > memory_left_) [[unlikely]]
      return refuse_memory();
    memory_left_ -= bytes;
    return true;
  }

  /// False: reader.failure() says why, or the sink did not want more.
  template <class Value>
  bool play(Value& from, ValueSink& sink, int depth) {
    if (depth >= k_max_depth) {
      return reader_.failure().set(errc::too_large, "nested deeper than " + std::to_string(k_max_depth));
    }
    if (!take_memory(k_dynamic_size)) return false;
    switch (reader_.found(from)) {
      case Found::null: return reader_.skip(from) && sink.null();
      case Found::boolean: {
        bool flag = false;
        return check_played(reader_.boolean(from, flag), from) && sink.boolean(flag);
      }
      case Found::number: return play_number(from, sink);
      case Found::text: {
        std::string_view text;
        return check_played(reader_.text(from, text), from) && sink.text(text);
      }
      case Found::bytes: {
        std::string_view bytes;
        return check_played(reader_.bytes(from, bytes), from) && sink.bytes(bytes);
      }
      case Found::list: {
        if (!take_memory(k_container_size) || !sink.begin_list(ValueSink::k_unknown_size)) return false;
        const Read read = reader_.list(from, [&](auto& item) { return play(item, sink, depth + 1); });
        return check_played(read, from) && sink.end_list();
      }
      case Found::map: {
        if (!take_memory(k_container_size) || !sink.begin_map(ValueSink::k_unknown_size)) return false;
        const Read read = reader_.map(
            from, [&](auto& key, auto& content) { return sink.key(key.text()) && play(content, sink, depth + 1); });
        return check_played(read, from) && sink.end_map();
      }
      case Found::unknown: break;
    }
    return fail(Read::malformed, from, {});
  }

 private:
  [[gnu::noinline, gnu::cold]] bool refuse_memory() {
    return reader_.failure().set(
        errc::too_large, "its items would take more than " + std::to_string(k_max_decoded >> 20) + " MiB of memory");
  }

  // What a value of any shape takes in bytes, about, and what a list or map takes besides.
  static constexpr std::size_t k_dynamic_size = 16;
  static constexpr std::size_t k_container_size = 64;

  template <class Value>
  bool play_number(Value& from, ValueSink& sink) {
    std::int64_t integer = 0;
    std::uint64_t natural = 0;
    double number = 0;
    switch (reader_.any_number(from, integer, natural, number)) {
      case 0: return sink.integer(integer);
      case 1: return sink.natural(natural);
      case 2: return sink.number(number);
      default: return fail(Read::malformed, from, {});
    }
  }

  template <class Value>
  bool check_played(Read read, Value& from) {
    return read == Read::ok || fail(read, from, "a value");
  }

 protected:
  Reader& reader_;

 private:
  std::size_t memory_left_;
};

}  // namespace waybill::format
