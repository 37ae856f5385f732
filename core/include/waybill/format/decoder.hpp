// Decoder: fills a value by its description from a Reader, which knows the format. Written once for all formats.
//
// A Reader is used through its type Value, a cursor at one value that can be read once, and these members, of which
// each takes `Value&` (a Reader may have several Value types; then they are overloaded or templates):
//
//   Found found(Value&);                          // what is there, without consuming it
//   Read boolean(Value&, bool&);
//   Read integer(Value&, std::int64_t&); Read natural(Value&, std::uint64_t&);
//   Read number(Value&, double&);
//   int any_number(Value&, std::int64_t&, std::uint64_t&, double&);   // which it is: 0, 1, 2; -1: malformed
//   Read text(Value&, std::string_view&);         // valid until the next call
//   Read bytes(Value&, std::string_view&);        // the same; formats without bytes accept their own form of them
//   Read raw(Value&, Payload&);                   // the bytes of the value
//   bool skip(Value&);
//   Read list(Value&, visit);                     // visit(Value&) -> bool for each item; false ends with Read::stopped
//   Read map(Value&, visit);                      // visit(Key&, Value&) -> bool for each entry
//   Read replay(Value&, use);                     // use(again, size of the value in bytes); again(read) calls read(Value&)
//                                                 // on the value, repeatedly
//   std::string describe(Value&);                 // for errors: `"two"`, `a list`
//   Failure& failure();
// A Key has `bool is(const Field&)`, quick, `bool is_exact()`, whether is() can be trusted when it says no, and
// `std::string_view text()`.
#pragma once

#include "waybill/format/coding.hpp"
#include "waybill/format/decoder_choice.hpp"
#include "waybill/format/player.hpp"
#include "waybill/payload.hpp"

#include <cmath>
#include <exception>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace waybill::format {

template <class Reader>
class Decoder : private Player<Reader> {
 public:
  /// `payload_size` is that of all the bytes, in bytes.
  Decoder(Reader& reader, std::size_t payload_size) : Player<Reader>(reader, payload_size) {}

  /// False: reader.failure() says why.
  template <class Value>
  bool value(Value& from, void* to, const TypeInfo& type, int depth = 0) {
    return value(from, to, type.kind, type, depth);
  }

 private:
  using Player<Reader>::reader_;
  using Player<Reader>::fail;
  using Player<Reader>::check;
  using Player<Reader>::take_memory;

  /// Delays the call of a description until it is needed.
  struct Lazy {
    TypeAccess access;
    operator const TypeInfo&() const { return access(); }
  };

  template <class Value, class Type>
  [[gnu::always_inline]] bool value(Value& from, void* to, Kind kind, const Type& type, int depth) {
    switch (kind) {
      case Kind::null: return null(from, type);
      case Kind::boolean: {
        bool flag = false;
        if (!check(reader_.boolean(from, flag), from, type)) return false;
        store(to, flag);
        return true;
      }
      case Kind::int8: return integer<std::int8_t>(from, to, type);
      case Kind::int16: return integer<std::int16_t>(from, to, type);
      case Kind::int32: return integer<std::int32_t>(from, to, type);
      case Kind::int64: return integer<std::int64_t>(from, to, type);
      case Kind::uint8: return integer<std::uint8_t>(from, to, type);
      case Kind::uint16: return integer<std::uint16_t>(from, to, type);
      case Kind::uint32: return integer<std::uint32_t>(from, to, type);
      case Kind::uint64: return integer<std::uint64_t>(from, to, type);
      case Kind::float32: {
        double number = 0;
        if (!check(reader_.number(from, number), from, type)) return false;
        const auto narrow = static_cast<float>(number);
        if (std::isinf(narrow) && !std::isinf(number)) [[unlikely]] {
          return reader_.failure().set(errc::payload_mismatch,
                                       expected_but_found("a number that a float holds", number_text(number)));
        }
        store(to, narrow);
        return true;
      }
      case Kind::float64: {
        double number = 0;
        if (!check(reader_.number(from, number), from, type)) return false;
        store(to, number);
        return true;
      }
      case Kind::text: {
        std::string_view text;
        if (!check(reader_.text(from, text), from, type)) return false;
        store_text(to, text);
        return true;
      }
      default: {
        const TypeInfo& info = type;
        return compound(from, to, info, depth);
      }
    }
  }

  template <class Value>
  bool compound(Value& from, void* to, const TypeInfo& type, int depth) {
    if (depth >= k_max_depth) {
      return reader_.failure().set(errc::too_large, "nested deeper than " + std::to_string(k_max_depth));
    }
    switch (type.kind) {
      case Kind::bytes: {
        std::string_view bytes;
        if (!check(reader_.bytes(from, bytes), from, type)) return false;
        static_cast<const BytesType&>(type).assign(to, bytes);
        return true;
      }
      case Kind::enumeration: return enumeration(from, to, static_cast<const EnumType&>(type));
      case Kind::optional: return optional(from, to, static_cast<const OptionalType&>(type), depth);
      case Kind::list: return list(from, to, static_cast<const ListType&>(type), depth);
      case Kind::map: return map(from, to, static_cast<const MapType&>(type), depth);
      case Kind::tuple: return tuple(from, to, static_cast<const TupleType&>(type), depth);
      case Kind::object: return object(from, to, static_cast<const ObjectType&>(type), depth);
      case Kind::variant: return variant(from, to, static_cast<const VariantType&>(type), depth);
      case Kind::time: return time(from, to, static_cast<const TimeType&>(type));
      case Kind::dynamic: return dynamic(from, to, static_cast<const DynamicType&>(type), depth);
      case Kind::raw: return check(reader_.raw(from, *static_cast<Payload*>(to)), from, type);
      case Kind::text_view:
      case Kind::text_pointer:
      case Kind::text_array:
        return reader_.failure().set(errc::payload_mismatch,
                                     "cannot be decoded into a borrowed text: use std::string in this type");
      default: return value(from, to, type.kind, type, depth);
    }
  }

  template <class Value>
  bool null(Value& from, const TypeInfo& type) {
    if (reader_.found(from) != Found::null) return fail(Read::mismatch, from, describe_expected(type));
    return reader_.skip(from);
  }

  template <class Integer, class Value, class Type>
  bool integer(Value& from, void* to, const Type& type) {
    using Wide = std::conditional_t<std::is_signed_v<Integer>, std::int64_t, std::uint64_t>;
    Wide number = 0;
    Read read;
    if constexpr (std::is_signed_v<Integer>) {
      read = reader_.integer(from, number);
    } else {
      read = reader_.natural(from, number);
    }
    if (read == Read::ok &&
        (number < Wide{std::numeric_limits<Integer>::min()} || number > Wide{std::numeric_limits<Integer>::max()})) {
      return reader_.failure().set(errc::payload_mismatch,
                                   expected_but_found(range_text<Integer>(), std::to_string(number)));
    }
    if (read == Read::range) return fail(read, from, range_text<Integer>());
    if (!check(read, from, type)) return false;
    store(to, static_cast<Integer>(number));
    return true;
  }

  template <class Integer>
  static std::string range_text() {
    return "an integer from " + std::to_string(std::numeric_limits<Integer>::min()) + " to " +
           std::to_string(std::numeric_limits<Integer>::max());
  }

  template <class Value>
  bool enumeration(Value& from, void* to, const EnumType& type) {
    const EnumType::Entry* entry = nullptr;
    if (reader_.found(from) == Found::number) {  // an enum of numbers on the other side
      std::int64_t number = 0;
      const Read read = reader_.integer(from, number);
      if (read != Read::ok) return fail(read, from, enum_choices(type));
      entry = find_enum(type, number);
      if (!entry) {
        return reader_.failure().set(errc::payload_mismatch,
                                     expected_but_found(enum_choices(type), std::to_string(number)));
      }
    } else {
      std::string_view text;
      const Read read = reader_.text(from, text);
      if (read != Read::ok) return fail(read, from, enum_choices(type));
      entry = find_enum(type, text);
      if (!entry) {
        return reader_.failure().set(errc::payload_mismatch,
                                     expected_but_found(enum_choices(type), quote_for_error(text)));
      }
    }
    type.store(to, entry->value);
    return true;
  }

  template <class Value>
  bool optional(Value& from, void* to, const OptionalType& type, int depth) {
    if (reader_.found(from) == Found::null) {
      type.reset(to);
      return reader_.skip(from);
    }
    if (!take_memory(type.heap_size)) return false;
    return value(from, type.emplace(to), type.value_type(), depth + 1);
  }

  template <class Value>
  bool list(Value& from, void* to, const ListType& type, int depth) {
    const TypeInfo& item_type = type.item_type();
    std::size_t index = 0;
    type.clear(to);
    const Read read = reader_.list(from, [&](auto& item) {
      if (index >= type.fixed_size) {
        return reader_.failure().set(errc::payload_mismatch, expected_but_found(count_text(type.fixed_size), "more"));
      }
      if (!take_memory(type.item_size)) return false;
      const auto fill = [&](void* element) { return value(item, element, item_type, depth + 1); };
      if (!type.append(to, index, fill_with(fill))) {
        reader_.failure().at_index(index);
        return false;
      }
      ++index;
      return true;
    });
    if (!check(read, from, type)) return false;
    if (type.fixed_size != ListType::k_any_size && index != type.fixed_size) {
      return reader_.failure().set(errc::payload_mismatch,
                                   expected_but_found(count_text(type.fixed_size), std::to_string(index)));
    }
    return true;
  }

  template <class F>
  static Fill fill_with(const F& function) {
    return {[](void* context, void* element) { return (*static_cast<const F*>(context))(element); },
            const_cast<F*>(&function)};
  }

  template <class Value>
  bool map(Value& from, void* to, const MapType& type, int depth) {
    const TypeInfo& value_type = type.value_type();
    type.clear(to);
    const Read read = reader_.map(from, [&](auto& key, auto& content) {
      if (!take_memory(type.entry_size)) return false;
      const std::string name(key.text());
      const auto fill = [&](void* element) { return value(content, element, value_type, depth + 1); };
      switch (type.append(to, name, fill_with(fill))) {
        case MapType::Added::ok: return true;
        case MapType::Added::stopped: break;
        case MapType::Added::bad_key:
          return reader_.failure().set(
              errc::payload_mismatch,
              expected_but_found(std::string(type.key_name) + " as key", quote_for_error(name)));
      }
      reader_.failure().at_field(name);
      return false;
    });
    return check(read, from, type);
  }

  template <class Value>
  bool tuple(Value& from, void* to, const TupleType& type, int depth) {
    std::size_t index = 0;
    const Read read = reader_.list(from, [&](auto& item) {
      if (index >= type.items.size()) {
        return reader_.failure().set(errc::payload_mismatch, expected_but_found(count_text(type.items.size()), "more"));
      }
      const Field& field = type.items[index];
      if (!value(item, static_cast<char*>(to) + field.offset, field.kind, Lazy{field.type}, depth + 1)) {
        reader_.failure().at_index(index);
        return false;
      }
      ++index;
      return true;
    });
    if (!check(read, from, type)) return false;
    if (index == type.items.size()) return true;
    return reader_.failure().set(errc::payload_mismatch,
                                 expected_but_found(count_text(type.items.size()), std::to_string(index)));
  }

  template <class Value>
  bool object(Value& from, void* to, const ObjectType& type, int depth) {
    std::size_t expected = 0;
    SeenFields seen(type.fields.size());
    const Read read = reader_.map(from, [&](auto& key, auto& content) {
      // Senders mostly write the fields in the order of the type.
      const std::size_t index =
          expected < type.fields.size() && key.is(type.fields[expected]) ? expected : find_field(key, type, expected);
      if (index == k_no_field) return reader_.skip(content);
      const Field& field = type.fields[index];
      expected = index + 1;
      if (!seen.add(index) && !restore(field, to)) [[unlikely]]
        return false;
      if (value(content, static_cast<char*>(to) + field.offset, field.kind, Lazy{field.type}, depth + 1)) [[likely]] {
        return true;
      }
      reader_.failure().at_field(field.name);
      return false;
    });
    if (!check(read, from, type)) return false;
    if (seen.has_all()) return true;
    for (std::size_t i = 0; i < type.fields.size(); ++i) {
      const Field& field = type.fields[i];
      if (!field.required || seen.has(i)) continue;
      reader_.failure().set(errc::payload_mismatch,
                            expected_but_found(describe_expected(field.type()), "nothing (the field is missing)"));
      reader_.failure().at_field(field.name);
      return false;
    }
    return true;
  }

  /// A name is there twice: the last wins, and nothing of the first is left.
  bool restore(const Field& field, void* object) {
    if (field.restore) {
      field.restore(static_cast<char*>(object) + field.offset);
    } else if (field.kind == Kind::object || field.kind == Kind::tuple) {
      reader_.failure().set(errc::payload_mismatch, "its name is there twice");
      reader_.failure().at_field(field.name);
      return false;
    }
    return true;
  }

  template <class Value>
  bool variant(Value& from, void* to, const VariantType& type, int depth) {
    bool fits = false;
    std::string found;
    const Found there = reader_.found(from);
    const bool is_only_one = type.alternatives.size() == 1;
    const Read read = reader_.replay(from, [&](auto&& again, std::size_t size) {
      if (!rereading_.allows(size)) {
        reader_.failure().set(errc::too_large, "too many ways to read variants within variants");
        return;
      }
      const bool looks_first = rereading_.is_inside() && there == Found::map && !is_only_one;
      const Rereading::Inside inside(rereading_);
      for (std::size_t i = 0; i < type.alternatives.size() && !fits; ++i) {
        const TypeInfo& alternative = type.alternatives[i]();
        if (!is_only_one && !may_be(alternative.kind, there)) continue;
        if (looks_first && !again([&](auto& copy) { return may_be_object(reader_, copy, alternative); })) continue;
        reader_.failure().problem.clear();
        fits = again([&](auto& copy) { return value(copy, type.emplace(to, i), alternative, depth + 1); });
        if (!fits && reader_.failure().code == errc::too_large) return;
      }
      if (!fits) again([&](auto& copy) { return found = reader_.describe(copy), true; });
    });
    if (read != Read::ok) return check(read, from, type);
    if (fits) {
      reader_.failure().problem.clear();
      return true;
    }
    if (reader_.failure().code == errc::too_large || is_only_one) return false;
    return reader_.failure().set(errc::payload_mismatch, expected_but_found(alternatives_text(type), found));
  }

  template <class Value>
  bool time(Value& from, void* to, const TimeType& type) {
    std::string_view text;
    if (!check(reader_.text(from, text), from, type)) return false;
    std::int64_t milliseconds = 0;
    if (!parse_iso_time(text, milliseconds)) {
      return reader_.failure().set(errc::payload_mismatch,
                                   expected_but_found(describe_expected(type), quote_for_error(text)));
    }
    if (milliseconds < type.least || milliseconds > type.most) {
      return reader_.failure().set(errc::payload_mismatch,
                                   expected_but_found(time_range_text(type), quote_for_error(text)));
    }
    type.store(to, milliseconds);
    return true;
  }

  template <class Value>
  bool dynamic(Value& from, void* to, const DynamicType& type, int depth) {
    typename Player<Reader>::template Source<Value> source(*this, from, depth);
    std::string problem;
    try {
      if (type.read(to, source, problem)) return true;
    } catch (const std::exception& error) {
      problem = error.what();
    }
    if (!reader_.failure().problem.empty()) return false;
    if (problem.empty()) problem = "expected " + describe_expected(type);
    return reader_.failure().set(errc::payload_mismatch, std::move(problem));
  }

  Rereading rereading_;
};

}  // namespace waybill::format
