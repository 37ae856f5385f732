#include "json_reader.hpp"

#include "json_decode.hpp"

#include <memory>
#include <vector>

namespace waybill::json {
namespace {

/// What a parser may keep between two texts: about four bytes for each byte of text.
constexpr std::size_t k_kept_capacity = std::size_t{1} << 20;

struct ThreadParsers {
  std::vector<std::unique_ptr<ondemand::parser>> parsers;
  std::size_t in_use = 0;
};
thread_local ThreadParsers thread_parsers;

}  // namespace

Parser::Parser() {
  ThreadParsers& all = thread_parsers;
  if (all.in_use == all.parsers.size()) all.parsers.push_back(std::make_unique<ondemand::parser>());
  parser_ = all.parsers[all.in_use++].get();
}

Parser::~Parser() {
  ThreadParsers& all = thread_parsers;
  --all.in_use;
  if (parser_->capacity() > k_kept_capacity) all.parsers[all.in_use] = std::make_unique<ondemand::parser>();
}

Read Reader::read_of(simdjson::error_code error) {
  if (error == simdjson::SUCCESS) return Read::ok;
  if (error == simdjson::INCORRECT_TYPE) return Read::mismatch;
  failure_.set(errc::payload_malformed, "not valid JSON: " + std::string(simdjson::error_message(error)));
  return Read::malformed;
}

Read Reader::malformed_token(std::string_view token) {
  failure_.set(errc::payload_malformed, "not valid JSON: " + detail::quote_for_error(token) + " is not a value");
  return Read::malformed;
}

bool Reader::unquote(const char* raw, std::string_view& text, std::string& storage) {
  const char* stop = find_quote_or_backslash(raw, end_);
  if (stop >= end_) return false;
  if (*stop == '"') [[likely]] {
    text = {raw, static_cast<std::size_t>(stop - raw)};
    return true;
  }
  while (stop < end_ && *stop == '\\') stop = find_quote_or_backslash(stop + 2, end_);
  if (stop >= end_) return false;
  storage.clear();
  if (!append_unescaped({raw, static_cast<std::size_t>(stop - raw)}, storage)) return false;
  text = storage;
  return true;
}

Read Reader::scan_source(const char* start, std::string_view& text) {
  const Scan scan = scan_value(start, end_);
  if (scan.outcome == Scan::Outcome::too_deep) {
    failure_.set(errc::too_large, "nested deeper than " + std::to_string(detail::k_max_depth));
    return Read::stopped;
  }
  if (scan.outcome != Scan::Outcome::ok) return malformed_token({scan.end, std::size_t(scan.end < end_)});
  text = {start, static_cast<std::size_t>(scan.end - start)};
  return Read::ok;
}

Read Reader::source_of(ondemand::value& from, std::string_view& text) {
  return scan_source(token_of(from).data(), text);
}

Read Reader::source_of(ondemand::document&, std::string_view& text) {
  const char* const end = document_text_.data() + document_text_.size();
  const Read read = scan_source(skip_space(document_text_.data(), end), text);
  if (read != Read::ok) return read;
  const char* const rest = skip_space(text.data() + text.size(), end);
  if (rest != end) return malformed_token({rest, 1});
  if (document_text_.data() == payload_.data()) has_checked_document_ = true;  // not one inside it
  return Read::ok;
}

/// A Buffer's {"type":"Buffer","data":[...]}, or a list of integers from 0 to 255.
template <class Value>
Read Reader::bytes(Value& from, std::string_view& to) {
  std::string content;
  const auto read_list = [&](auto& list) {
    content.clear();
    return this->list(list, [&](auto& item) {
      std::uint64_t byte = 0;
      if (natural(item, byte) == Read::ok && byte <= 255) {
        content += static_cast<char>(byte);
        return true;
      }
      return failure_.set(errc::payload_mismatch, "expected a byte from 0 to 255, found " + describe(item));
    });
  };
  Read read = Read::ok;
  if (found(from) == Found::list) {
    read = read_list(from);
  } else {
    bool has_type = false;
    bool has_data = false;
    read = map(from, [&](Key& key, ondemand::value& value) {
      const std::string_view name = key.text();
      std::string_view type;
      if (name == "type") {
        if (text(value, type) == Read::ok && type == "Buffer") return has_type = true;
        return failure_.set(errc::payload_mismatch, "expected bytes, found another object");
      }
      if (name != "data") return true;
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

namespace {

Result<void> fail(Reader& reader, const TypeInfo& type) { return reader.failure().error(type); }

/// Whether nothing follows the value.
bool is_at_end(ondemand::document& document, std::string_view text) {
  const char* const end = text.data() + text.size();
  const char* start = skip_space(text.data(), end);
  if (*start == '{' || *start == '[') {
    const char* rest = nullptr;
    return document.current_location().get(rest) == simdjson::OUT_OF_BOUNDS;
  }
  const Scan scan = scan_value(start, end);
  return scan.outcome == Scan::Outcome::ok && skip_space(scan.end, end) == end;
}

Result<void> decode_raw(const Slice& payload, const Serializer& serializer, ValueOut out) {
  const char* const end = payload.data() + payload.size();
  const char* start = skip_space(payload.data(), end);
  const Scan scan = scan_value(start, end);
  if (scan.outcome == Scan::Outcome::too_deep) {
    return Error(errc::too_large, "payload: nested deeper than " + std::to_string(detail::k_max_depth), End::rejected);
  }
  if (scan.outcome != Scan::Outcome::ok || skip_space(scan.end, end) != end) {
    return Error(errc::payload_malformed, "payload: not valid JSON", End::rejected);
  }
  const std::string_view text(start, static_cast<std::size_t>(scan.end - start));
  *static_cast<Payload*>(out.address) = Payload(payload.part(text).own(), serializer);
  return {};
}

}  // namespace

Result<void> decode(const Slice& payload, const Serializer& serializer, ValueOut out) {
  Reader reader(payload, serializer);
  const std::string_view text = payload.view();
  if (text.empty()) {
    if (detail::decode_nothing(out, reader.failure())) return {};
    return fail(reader, *out.type);
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    return Error(errc::payload_malformed, "payload: not valid JSON: it starts with a byte order mark", End::rejected);
  }
  Parser parser;
  ondemand::document document;
  if (const auto error = parser.iterate(text).get(document)) {
    if (error == simdjson::UTF8_ERROR) {
      return decode(Slice::copy(replace_invalid_utf8(text)), serializer, out);
    }
    reader.read_of(error);
    return fail(reader, *out.type);
  }
  if (out.type->kind == Kind::raw) return decode_raw(payload, serializer, out);
  detail::Decoder<Reader> decoder(reader);
  if (!decoder.value(document, out.address, *out.type)) return fail(reader, *out.type);
  if (!reader.has_checked_document() && !is_at_end(document, text)) {
    reader.failure().set(errc::payload_malformed, "not valid JSON: something follows the value");
    return fail(reader, *out.type);
  }
  return {};
}

}  // namespace waybill::json
