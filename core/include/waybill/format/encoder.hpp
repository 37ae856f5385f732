// Encoder: walks a value by its description and calls a Writer, which knows the format. Written once for all formats.
//
// A Writer has these members; those that return bool may refuse by calling failure().set(...):
//
//   static constexpr bool k_needs_size;          // begin_object() is told how many fields will follow
//   void null(); void boolean(bool); void integer(std::int64_t); void natural(std::uint64_t);
//   void number(double); void number(float);
//   bool text(std::string_view);                 // refuses what is not UTF-8
//   bool bytes(std::string_view);
//   void begin_list(std::size_t size); void item(bool first); void end_list();
//   void begin_object(std::size_t size);         // size: 0 unless k_needs_size
//   void field(const Field&, bool first);        // the name of a described member
//   bool key(std::string_view, bool first);      // any other name
//   void end_object();
//   bool raw(const Payload&);                    // appends its bytes, if they are of this format
//   Failure& failure();
#pragma once

#include "waybill/format/coding.hpp"
#include "waybill/payload.hpp"

#include <cstddef>
#include <exception>
#include <string>
#include <string_view>

namespace waybill::format {

template <class Writer>
class Encoder {
 public:
  explicit Encoder(Writer& writer) : writer_(writer) {}

  /// False: the value cannot be encoded; writer.failure() says why.
  bool value(const void* from, Kind kind, TypeAccess access, int depth) {
    switch (kind) {
      case Kind::null: return writer_.null(), true;
      case Kind::boolean: return writer_.boolean(load<bool>(from)), true;
      case Kind::int8: return writer_.integer(load<std::int8_t>(from)), true;
      case Kind::int16: return writer_.integer(load<std::int16_t>(from)), true;
      case Kind::int32: return writer_.integer(load<std::int32_t>(from)), true;
      case Kind::int64: return writer_.integer(load<std::int64_t>(from)), true;
      case Kind::uint8: return writer_.integer(load<std::uint8_t>(from)), true;
      case Kind::uint16: return writer_.integer(load<std::uint16_t>(from)), true;
      case Kind::uint32: return writer_.integer(load<std::uint32_t>(from)), true;
      case Kind::uint64: return writer_.natural(load<std::uint64_t>(from)), true;
      case Kind::float32: return writer_.number(load<float>(from)), true;
      case Kind::float64: return writer_.number(load<double>(from)), true;
      case Kind::text: return writer_.text(*static_cast<const std::string*>(from));
      case Kind::text_view: return writer_.text(*static_cast<const std::string_view*>(from));
      case Kind::text_pointer: return pointed_text(*static_cast<const char* const*>(from));
      case Kind::text_array: return pointed_text(static_cast<const char*>(from));
      case Kind::raw: return raw(*static_cast<const Payload*>(from));
      default: return compound(from, access(), depth);
    }
  }

  bool value(const void* from, const TypeInfo& type) {
    if (type.kind < Kind::bytes || type.kind == Kind::raw) return value(from, type.kind, nullptr, 0);
    return compound(from, type, 0);
  }

 private:
  bool pointed_text(const char* text) { return text ? writer_.text(text) : (writer_.null(), true); }

  bool raw(const Payload& payload) { return payload.empty() ? (writer_.null(), true) : writer_.raw(payload); }

  bool compound(const void* from, const TypeInfo& type, int depth) {
    if (depth >= k_max_depth) {
      return writer_.failure().set(errc::too_large, "nested deeper than " + std::to_string(k_max_depth));
    }
    switch (type.kind) {
      case Kind::bytes: return writer_.bytes(static_cast<const BytesType&>(type).view(from));
      case Kind::enumeration: return enumeration(from, static_cast<const EnumType&>(type));
      case Kind::optional: return optional(from, static_cast<const OptionalType&>(type), depth);
      case Kind::list: return list(from, static_cast<const ListType&>(type), depth);
      case Kind::map: return map(from, static_cast<const MapType&>(type), depth);
      case Kind::tuple: return tuple(from, static_cast<const TupleType&>(type), depth);
      case Kind::object: return object(from, static_cast<const ObjectType&>(type), depth);
      case Kind::variant: return variant(from, static_cast<const VariantType&>(type), depth);
      case Kind::time: return time(static_cast<const TimeType&>(type).load(from));
      case Kind::dynamic: return dynamic(from, static_cast<const DynamicType&>(type), depth);
      default: return value(from, type.kind, nullptr, depth);
    }
  }

  /// A value whose description is at hand.
  bool described(const void* from, const TypeInfo& type, int depth) {
    if (type.kind < Kind::bytes || type.kind == Kind::raw) return value(from, type.kind, nullptr, depth);
    return compound(from, type, depth);
  }

  bool enumeration(const void* from, const EnumType& type) {
    const std::int64_t number = type.load(from);
    const std::string_view name = enum_name(type, number);
    if (name.empty()) {
      return writer_.failure().set(errc::payload_mismatch,
                                   std::string(type.name) + " has no name for the value " + std::to_string(number));
    }
    return writer_.text(name);
  }

  bool optional(const void* from, const OptionalType& type, int depth) {
    const void* content = type.get(from);
    return content ? described(content, type.value_type(), depth + 1) : (writer_.null(), true);
  }

  bool list(const void* from, const ListType& type, int depth) {
    struct Visit {
      Encoder* self;
      const TypeInfo& item;
      std::size_t index;
      int depth;
    } visit{this, type.item_type(), 0, depth + 1};
    writer_.begin_list(type.size(from));
    const auto item = [](void* context, const void* address) {
      Visit& v = *static_cast<Visit*>(context);
      v.self->writer_.item(v.index == 0);
      if (!v.self->described(address, v.item, v.depth)) return false;
      ++v.index;
      return true;
    };
    if (!type.each(from, item, &visit)) {
      writer_.failure().at_index(visit.index);
      return false;
    }
    writer_.end_list();
    return true;
  }

  bool map(const void* from, const MapType& type, int depth) {
    struct Visit {
      Encoder* self;
      const TypeInfo& value;
      bool first;
      int depth;
    } visit{this, type.value_type(), true, depth + 1};
    writer_.begin_object(type.size(from));
    const auto entry = [](void* context, std::string_view key, const void* address) {
      Visit& v = *static_cast<Visit*>(context);
      if (!v.self->writer_.key(key, v.first)) return false;
      v.first = false;
      if (v.self->described(address, v.value, v.depth)) return true;
      v.self->writer_.failure().at_field(key);
      return false;
    };
    if (!type.each(from, entry, &visit)) return false;
    writer_.end_object();
    return true;
  }

  bool tuple(const void* from, const TupleType& type, int depth) {
    writer_.begin_list(type.items.size());
    for (std::size_t i = 0; i < type.items.size(); ++i) {
      const Field& item = type.items[i];
      writer_.item(i == 0);
      if (!value(static_cast<const char*>(from) + item.offset, item.kind, item.type, depth + 1)) {
        writer_.failure().at_index(i);
        return false;
      }
    }
    writer_.end_list();
    return true;
  }

  /// Empty optionals and payloads are left out of objects, as JavaScript leaves out undefined.
  static bool is_left_out(const Field& field, const void* address) {
    if (field.kind == Kind::optional) return !static_cast<const OptionalType&>(field.type()).get(address);
    return field.kind == Kind::raw && static_cast<const Payload*>(address)->empty();
  }

  bool object(const void* from, const ObjectType& type, int depth) {
    const char* base = static_cast<const char*>(from);
    std::size_t size = 0;
    if constexpr (Writer::k_needs_size) {
      for (const Field& field : type.fields) size += field.required || !is_left_out(field, base + field.offset);
    }
    writer_.begin_object(size);
    bool first = true;
    for (const Field& field : type.fields) {
      const void* address = base + field.offset;
      if (!field.required && is_left_out(field, address)) continue;
      writer_.field(field, first);
      first = false;
      if (!value(address, field.kind, field.type, depth + 1)) [[unlikely]] {
        writer_.failure().at_field(field.name);
        return false;
      }
    }
    writer_.end_object();
    return true;
  }

  bool variant(const void* from, const VariantType& type, int depth) {
    const std::size_t index = type.index(from);
    if (index >= type.alternatives.size()) {
      return writer_.failure().set(errc::payload_mismatch, "the variant holds no value (valueless by exception)");
    }
    return described(type.get(from), type.alternatives[index](), depth + 1);
  }

  bool time(std::int64_t milliseconds) {
    char text[32];
    const std::size_t size = format_iso_time(milliseconds, text);
    if (!size) return writer_.failure().set(errc::payload_mismatch, "the time is outside the years that a Date holds");
    return writer_.text(std::string_view(text, size));
  }

  /// Plays a dynamic value into the writer.
  class Sink final : public ValueSink {
   public:
    Sink(Writer& writer, int depth) : writer_(writer), depth_(depth) {}
    bool null() override { return before(), writer_.null(), true; }
    bool boolean(bool value) override { return before(), writer_.boolean(value), true; }
    bool integer(std::int64_t value) override { return before(), writer_.integer(value), true; }
    bool natural(std::uint64_t value) override { return before(), writer_.natural(value), true; }
    bool number(double value) override { return before(), writer_.number(value), true; }
    bool text(std::string_view value) override { return before(), writer_.text(value); }
    bool bytes(std::string_view value) override { return before(), writer_.bytes(value); }
    bool begin_list(std::size_t size) override {
      before();
      if (!enter(true)) return false;
      writer_.begin_list(size);
      return true;
    }
    bool end_list() override { return leave(), writer_.end_list(), true; }
    bool begin_map(std::size_t size) override {
      before();
      if (!enter(false)) return false;
      writer_.begin_object(size);
      return true;
    }
    bool key(std::string_view name) override {
      const bool first = first_;
      first_ = false;
      return writer_.key(name, first);
    }
    bool end_map() override { return leave(), writer_.end_object(), true; }

   private:
    void before() {
      if (!in_list_) return;
      writer_.item(first_);
      first_ = false;
    }
    bool enter(bool list) {
      if (depth_ >= k_max_depth) {
        return writer_.failure().set(errc::too_large, "nested deeper than " + std::to_string(k_max_depth));
      }
      ++depth_;
      kinds_.push_back(in_list_);
      in_list_ = list;
      first_ = true;
      return true;
    }
    void leave() {
      --depth_;
      in_list_ = kinds_.back();
      kinds_.pop_back();
      first_ = false;
    }
    Writer& writer_;
    int depth_;
    bool in_list_ = false;
    bool first_ = true;
    std::vector<bool> kinds_;
  };

  bool dynamic(const void* from, const DynamicType& type, int depth) {
    Sink sink(writer_, depth);
    std::string problem;
    try {
      if (type.write(from, sink, problem)) return true;
    } catch (const std::exception& error) {
      problem = error.what();
    }
    if (!problem.empty()) return writer_.failure().set(errc::payload_mismatch, std::move(problem));
    if (writer_.failure().problem.empty()) writer_.failure().problem = "the value cannot be encoded";
    return false;
  }

  Writer& writer_;
};

}  // namespace waybill::format
