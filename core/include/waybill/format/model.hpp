// The data model between types and formats: a value is an address plus a description of its type, so that N types and
// M formats need N + M pieces. fields.hpp derives the descriptions; serializers walk them (detail/walk_*.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace waybill {

/// What a type is to a format. Integers and floats are told apart by size, so that walkers load and store them
/// directly. A type with more to tell than its kind has a description that derives from TypeInfo, named at the kind.
enum class Kind : std::uint8_t {
  null,  ///< A type without content (std::monostate).
  boolean,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float32,
  float64,
  text,          ///< std::string.
  text_view,     ///< std::string_view; can be encoded only.
  text_pointer,  ///< const char*; can be encoded only.
  text_array,    ///< char[N] that ends with a zero; can be encoded only.
  bytes,         ///< BytesType.
  enumeration,   ///< EnumType.
  optional,      ///< OptionalType.
  list,          ///< ListType.
  map,           ///< MapType: keys are texts.
  tuple,         ///< TupleType.
  object,        ///< ObjectType.
  variant,       ///< VariantType.
  time,          ///< TimeType.
  dynamic,       ///< DynamicType: a value that knows its own shape.
  raw,           ///< Payload: bytes that some serializer made, passed on undecoded.
};

/// The description of a type. One object per type, alive until the program ends.
struct TypeInfo {
  Kind kind;
  std::string_view name;  ///< For people, without namespaces: "Order".
};

/// Gives a description; a function, so that types may contain themselves.
using TypeAccess = const TypeInfo& (*)();

/// The description of T, made at its first use. Defined in fields.hpp; types from outside are described there too.
/// Not describable: a static_assert that names the reason.
template <class T>
const TypeInfo& type_of();

/// Fills one element that a container has made room for; false stops. The type-erased half of a walker's loop.
struct Fill {
  bool (*call)(void* context, void* element);
  void* context;
  bool operator()(void* element) const { return call(context, element); }
};

struct BytesType : TypeInfo {
  std::string_view (*view)(const void* value);
  void (*assign)(void* value, std::string_view bytes);
};

struct EnumType : TypeInfo {
  struct Entry {
    std::int64_t value;
    std::string_view name;
  };
  std::span<const Entry> entries;
  std::int64_t (*load)(const void* value);
  void (*store)(void* value, std::int64_t number);
};

struct OptionalType : TypeInfo {
  TypeAccess value_type;
  const void* (*get)(const void* value);  ///< Null when empty.
  void* (*emplace)(void* value);          ///< Makes a default-constructed content, replacing the old one.
  void (*reset)(void* value);
  std::size_t heap_size;  ///< Bytes that emplace() takes from the heap; 0: the content lies in the value.
};

struct ListType : TypeInfo {
  TypeAccess item_type;
  std::size_t fixed_size;  ///< Of an array: exactly as many items; k_any_size otherwise.
  std::size_t (*size)(const void* list);
  /// Calls visit for each item until it returns false; returns whether all were visited.
  bool (*each)(const void* list, bool (*visit)(void* context, const void* item), void* context);
  void (*clear)(void* list);
  /// Adds item number `index`. REQUIRES: index == items added since clear(), and index < fixed_size.
  bool (*append)(void* list, std::size_t index, Fill fill);
  std::size_t item_size;  ///< Bytes that one more item takes.

  static constexpr std::size_t k_any_size = static_cast<std::size_t>(-1);
};

struct MapType : TypeInfo {
  enum class Added { ok, stopped, bad_key };
  TypeAccess value_type;
  std::string_view key_name;  ///< For people: "a text", "an integer".
  std::size_t (*size)(const void* map);
  bool (*each)(const void* map, bool (*visit)(void* context, std::string_view key, const void* value), void* context);
  void (*clear)(void* map);
  Added (*append)(void* map, std::string_view key, Fill fill);  ///< The last of equal keys wins.
  std::size_t entry_size;                                       ///< Bytes that one more entry takes, about.
};

/// One member of an object or of a tuple.
struct Field {
  std::string_view name;      ///< Empty in a tuple.
  std::string_view json_key;  ///< `,"name":`, escaped.
  std::size_t offset;         ///< In bytes, from the start of the object.
  Kind kind;                  ///< Of the member, so that scalars need no call of type().
  bool required;              ///< Decoding fails when it is missing.
  TypeAccess type;
  /// Makes the member what it is in a fresh object. Only for members that decoding would else merge with what they hold
  /// when their name is there twice; null for all others, and where the object or the member does not allow it.
  void (*restore)(void* member) = nullptr;
};

struct TupleType : TypeInfo {
  std::span<const Field> items;
};

struct ObjectType : TypeInfo {
  std::span<const Field> fields;
};

struct VariantType : TypeInfo {
  std::span<const TypeAccess> alternatives;
  std::size_t (*index)(const void* value);
  const void* (*get)(const void* value);
  void* (*emplace)(void* value, std::size_t index);
};

struct TimeType : TypeInfo {
  std::int64_t (*load)(
      const void* value);  ///< Milliseconds since 1970-01-01T00:00:00Z; INT64_MAX: more than that holds.
  /// REQUIRES: least <= milliseconds <= most.
  void (*store)(void* value, std::int64_t milliseconds);
  std::int64_t least;  ///< What the type holds: a time_point of nanoseconds ends in 2262.
  std::int64_t most;
};

/// Takes a value apart into calls, in the order of its text. Each returns false when it wants no more.
class ValueSink {
 public:
  virtual bool null() = 0;
  virtual bool boolean(bool value) = 0;
  virtual bool integer(std::int64_t value) = 0;
  virtual bool natural(std::uint64_t value) = 0;  ///< Only for values beyond std::int64_t, when read from bytes.
  virtual bool number(double value) = 0;
  virtual bool text(std::string_view value) = 0;  ///< Valid during the call.
  virtual bool bytes(std::string_view value) = 0;
  virtual bool begin_list(std::size_t size) = 0;  ///< k_unknown_size when read from a format that does not say.
  virtual bool end_list() = 0;
  virtual bool begin_map(std::size_t size) = 0;
  virtual bool key(std::string_view name) = 0;
  virtual bool end_map() = 0;

  static constexpr std::size_t k_unknown_size = static_cast<std::size_t>(-1);

 protected:
  ~ValueSink() = default;
};

/// A value in bytes that can be played into a sink, once.
class ValueSource {
 public:
  /// False: the bytes are malformed or too deep, or the sink wanted no more.
  virtual bool play(ValueSink& sink) = 0;

 protected:
  ~ValueSource() = default;
};

/// A value that knows its own shape at run time (nlohmann::json), or whose shape other code knows (its to_json).
struct DynamicType : TypeInfo {
  /// False, or any std::exception: the value cannot be encoded; `problem` says why. Sizes must be given.
  bool (*write)(const void* value, ValueSink& sink, std::string& problem);
  /// False, or any std::exception: the bytes do not fit; `problem` says what was expected, if it is known.
  bool (*read)(void* value, ValueSource& source, std::string& problem);
};

/// A value to be encoded; borrowed.
struct ValueRef {
  const void* address = nullptr;
  const TypeInfo* type = nullptr;

  template <class T>
  static ValueRef of(const T& value) {
    return {&value, &type_of<T>()};
  }
};

namespace detail {

/// Whether there is a text in T that belongs to somebody else: it can be sent, but nothing can be decoded into it.
/// Defined in fields.hpp. `Outer` are the types around T.
template <class T, class... Outer>
consteval bool has_borrowed_text();

}  // namespace detail

/// A value to be decoded into; borrowed, default-constructed by its owner.
struct ValueOut {
  void* address = nullptr;
  const TypeInfo* type = nullptr;

  template <class T>
  static ValueOut of(T& value) {
    static_assert(!detail::has_borrowed_text<T>(),
                  "waybill cannot decode into std::string_view or const char*, nor into a type that has one: nobody "
                  "would own the text. Use std::string.");
    return {&value, &type_of<T>()};
  }
};

/// A value of any describable type, owned and shared; immutable.
class AnyValue {
 public:
  AnyValue() = default;

  template <class T>
  static AnyValue make(T value) {
    AnyValue any;
    any.value_ = std::make_shared<const T>(std::move(value));
    any.type_ = &type_of<T>();
    return any;
  }
  explicit operator bool() const noexcept { return type_ != nullptr; }
  ValueRef ref() const noexcept { return {value_.get(), type_}; }

 private:
  std::shared_ptr<const void> value_;
  const TypeInfo* type_ = nullptr;
};

}  // namespace waybill
