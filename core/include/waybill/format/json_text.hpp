// JSON text where it is not the payload: in patterns, ids, configuration and tables. A strict reader, and what
// JavaScript would write.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::format {

/// Reads one JSON text from front to back, as strictly as JSON.parse. It never recurses and takes linear time.
/// Every read returns false at the first mistake; offset() then says where it is, and nothing more may be read.
/// The text is borrowed. Bytes of 0x80 and above are taken as they are: check is_utf8() where it matters.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) noexcept : text_(text) {}

  /// The first character of the next token, or '\0' at the end.
  char peek() noexcept;
  /// Takes `c` if it is the next token.
  bool take(char c) noexcept;
  /// The content of a text, its escapes resolved. A lone surrogate becomes U+FFFD.
  bool read_string(std::string& content);
  /// A number as a double; too large is an infinity, too small is 0.
  bool read_number(double& number) noexcept;
  /// A number as it stands there.
  bool read_number_text(std::string_view& digits) noexcept;
  /// One of the words true, false and null.
  bool read_word(std::string_view word) noexcept;
  /// Any value, unlooked at and nested as deeply as it likes; memory is one byte for each level.
  bool skip_value();
  /// True when nothing but white space is left.
  bool at_end() noexcept { return peek() == '\0' && offset_ == text_.size(); }
  std::size_t offset() const noexcept { return offset_; }

 private:
  bool skip_scalar();
  bool read_escape(std::string& content);
  bool read_hex(unsigned& unit) noexcept;
  std::string_view text_;
  std::size_t offset_ = 0;
};

/// One member of an object: its key, and its value as text that is ready to be written.
struct JsonMember {
  std::string key;
  std::string value;
};

/// Puts members into JavaScript's order: integer-like keys first, ascending, the others as they came.
void sort_as_javascript(std::vector<JsonMember>& members);

/// The text that JavaScript gives a number: shortest digits that read back the same, `1e+21`, `0` for -0, `Infinity`.
void append_number(double number, std::string& out);
/// The text in quotes as JSON.stringify writes it. Bytes of 0x80 and above go in as they are.
void append_quoted(std::string_view text, std::string& out);

/// The same without the quotes, to a std::string or a Buffer: escapes what must be, copies the runs between.
template <class Out>
void append_escaped(std::string_view text, Out& out) {
  constexpr char k_hex[] = "0123456789abcdef";
  constexpr std::string_view k_short = "btn_fr";  // of 08 to 0D
  std::size_t from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.data() + from, i - from);
    from = i + 1;
    out.push_back('\\');
    if (c >= 0x20) {
      out.push_back(text[i]);
    } else if (c >= '\b' && c <= '\r' && c != '\v') {
      out.push_back(k_short[c - std::size_t{'\b'}]);
    } else {
      const char digits[] = {'u', '0', '0', k_hex[c >> 4], k_hex[c & 15]};
      out.append(digits, sizeof digits);
    }
  }
  out.append(text.data() + from, text.size() - from);
}

/// Rewrites a JSON text as JSON.stringify would: no white space, numbers shortest, repeated keys merged.
/// At most `max_depth` levels. Returns false and the offset of the first mistake if the text is no such JSON.
bool compact_json(std::string_view text, std::size_t max_depth, std::string& out, std::size_t& mistake_at);

}  // namespace waybill::format
