#include "json_reader.hpp"

#include "json_scan.hpp"

#include <algorithm>
#include <cstring>

namespace waybill::json {

void Reader::Key::find() {
  if (std::exchange(is_found_, true)) return;
  const char* const end = reader_.end_;
  const char* const start = cursor_.at + 1;
  const char* const stop = cursor_.at < end && *cursor_.at == '"' ? text_end(start, end) : nullptr;
  const char* const colon = stop ? skip_space(stop, end) : end;
  if (colon == end || *colon != ':') {
    is_broken_ = is_exact_ = true;
    cursor_.at = end;
    content_ = {end, 0};
    return;
  }
  content_ = {start, static_cast<std::size_t>(stop - 1 - start)};
  is_exact_ = colon == stop && content_.find('\\') == std::string_view::npos;
  cursor_.at = skip_space(colon + 1, end);
}

Found Reader::found(const Cursor& from) const noexcept {
  const char* const at = from.at;
  if (at >= end_) return Found::unknown;
  const auto is_word = [this, at](std::string_view word) {
    return std::string_view(at, static_cast<std::size_t>(end_ - at)).starts_with(word);
  };
  switch (*at) {
    case '"': return Found::text;
    case '{': return Found::map;
    case '[': return Found::list;
    case 't': return is_word("true") ? Found::boolean : Found::unknown;
    case 'f': return is_word("false") ? Found::boolean : Found::unknown;
    case 'n': return is_word("null") ? Found::null : Found::unknown;
    default: return number_end(at, end_) ? Found::number : Found::unknown;
  }
}

Read Reader::wrong(const Cursor& from) { return found(from) == Found::unknown ? malformed(from.at) : Read::mismatch; }

Read Reader::malformed(const char* at) {
  const std::string_view rest(at, std::min<std::size_t>(static_cast<std::size_t>(end_ - at), 40));
  failure_.set(errc::payload_malformed,
               rest.empty() ? std::string("not valid JSON: it ends too early")
                            : "not valid JSON at " + format::quote_for_error(rest.substr(0, rest.find('\n'))));
  return Read::malformed;
}

Read Reader::boolean(Cursor& from, bool& to) {
  if (found(from) != Found::boolean) return wrong(from);
  to = *from.at == 't';
  from.at += to ? 4 : 5;
  return Read::ok;
}

Read Reader::integer_of(const Cursor& from, bool& negative, std::uint64_t& magnitude, const char*& stop) {
  if (found(from) != Found::number) return wrong(from);
  stop = number_end(from.at, end_);
  const std::string_view token(from.at, static_cast<std::size_t>(stop - from.at));
  if (format::exact_integer(token, negative, magnitude)) return Read::ok;
  return token.find_first_of(".eE") == std::string_view::npos ? Read::range : Read::mismatch;
}

Read Reader::any_integer(Cursor& from, std::int64_t& to) {
  bool negative = false;
  std::uint64_t magnitude = 0;
  const char* stop = nullptr;
  if (const Read read = integer_of(from, negative, magnitude, stop); read != Read::ok) return read;
  if (magnitude > std::uint64_t{INT64_MAX} + negative) return Read::range;
  to = negative ? static_cast<std::int64_t>(0 - magnitude) : static_cast<std::int64_t>(magnitude);
  from.at = stop;
  return Read::ok;
}

Read Reader::any_natural(Cursor& from, std::uint64_t& to) {
  bool negative = false;
  std::uint64_t magnitude = 0;
  const char* stop = nullptr;
  if (const Read read = integer_of(from, negative, magnitude, stop); read != Read::ok) return read;
  if (negative && magnitude) return Read::range;
  to = magnitude;
  from.at = stop;
  return Read::ok;
}

Read Reader::number(Cursor& from, double& to) {
  const char* const stop = number_end(from.at, end_);
  if (!stop) return wrong(from);
  if (!read_number({from.at, static_cast<std::size_t>(stop - from.at)}, to)) return malformed(from.at);
  from.at = stop;
  return Read::ok;
}

int Reader::any_number(Cursor& from, std::int64_t& integer, std::uint64_t& natural, double& number) {
  const char* const stop = number_end(from.at, end_);
  const std::string_view token(from.at, stop ? static_cast<std::size_t>(stop - from.at) : 0);
  if (token.find_first_of(".eE") == std::string_view::npos) {
    if (any_integer(from, integer) == Read::ok) return 0;
    if (any_natural(from, natural) == Read::ok) return 1;
  }
  return this->number(from, number) == Read::ok ? 2 : -1;
}

Read Reader::text_with_escapes(Cursor& from, std::string_view& to) {
  const char* const start = from.at + 1;
  const char* const stop = text_end(start, end_);
  if (!stop) return malformed(from.at);
  to = unescaped({start, static_cast<std::size_t>(stop - 1 - start)}, text_);
  from.at = stop;
  return Read::ok;
}

std::string_view Reader::unescaped(std::string_view content, std::string& storage) const {
  std::string replaced;
  if (!payload_.is_known_utf8() && !is_utf8(content)) content = replaced = replace_invalid_utf8(content);
  storage.clear();
  append_unescaped(content, storage);
  return storage;
}

Read Reader::scan(const Cursor& from, const char*& stop) {
  const Scan scan = scan_value(from.at, end_);
  if (scan.outcome == Scan::Outcome::too_deep) {
    failure_.set(errc::too_large, "nested deeper than " + std::to_string(format::k_max_depth));
    return Read::stopped;
  }
  if (scan.outcome != Scan::Outcome::ok) return malformed(scan.end);
  stop = scan.end;
  return Read::ok;
}

Read Reader::lend(Cursor& from, Payload& to) {
  const char* stop = nullptr;
  if (const Read read = scan(from, stop); read != Read::ok) return read;
  const std::string_view text(from.at, static_cast<std::size_t>(stop - from.at));
  to =
      Payload(payload_.is_known_utf8() || is_utf8(text) ? payload_.part(text) : Slice::copy(replace_invalid_utf8(text)),
              serializer_);
  from.at = stop;
  return Read::ok;
}

Read Reader::raw(Cursor& from, Payload& to) {
  const Read read = lend(from, to);
  if (read == Read::ok) to = to.own();
  return read;
}

bool Reader::skip(Cursor& from) {
  const char* stop = nullptr;
  if (scan(from, stop) != Read::ok) return false;
  from.at = stop;
  return true;
}

Read Reader::bytes(Cursor& from, std::string_view& to) {
  std::string content;
  const auto read_list = [&](Cursor& list) {
    content.clear();
    return this->list(list, [&](Cursor& item) {
      std::uint64_t byte = 0;
      const Cursor before = item;
      if (natural(item, byte) == Read::ok && byte <= 255) {
        content += static_cast<char>(byte);
        return true;
      }
      return failure_.set(errc::payload_mismatch, "expected a byte from 0 to 255, found " + describe(before));
    });
  };
  Read read = Read::ok;
  if (found(from) == Found::list) {
    read = read_list(from);
  } else {
    bool has_type = false;
    bool has_data = false;
    read = map(from, [&](Key& key, Cursor& value) {
      const std::string_view name = key.text();
      std::string_view type;
      if (name == "type") {
        if (text(value, type) == Read::ok && type == "Buffer") return has_type = true;
        return failure_.set(errc::payload_mismatch, "expected bytes, found another object");
      }
      if (name != "data") return skip(value);
      has_data = true;
      const Read data = read_list(value);
      if (data == Read::mismatch) return failure_.set(errc::payload_mismatch, "expected a list of bytes");
      return data == Read::ok;
    });
    if (read == Read::ok && !(has_type && has_data)) {
      failure_.set(errc::payload_mismatch, "expected bytes, found another object");
      return Read::stopped;
    }
  }
  text_ = std::move(content);
  to = text_;
  return read;
}

std::string Reader::describe(const Cursor& from) {
  switch (found(from)) {
    case Found::text: {
      Cursor copy = from;
      std::string_view content;
      return text(copy, content) == Read::ok ? format::quote_for_error(content) : "a broken text";
    }
    case Found::map: return "an object";
    case Found::list: return "a list";
    case Found::null: return "null";
    case Found::boolean: return *from.at == 't' ? "true" : "false";
    case Found::number: {
      const auto size = static_cast<std::size_t>(number_end(from.at, end_) - from.at);
      return std::string(from.at, std::min<std::size_t>(size, 40));
    }
    default: return "nothing";
  }
}

}  // namespace waybill::json
