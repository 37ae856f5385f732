#include "hostile_bytes.hpp"

#include <algorithm>

namespace waybill::test {

const std::vector<HostileBytes::Kind>& HostileBytes::all_kinds() {
  static const std::vector<Kind> kinds = {
      {"random bytes", &HostileBytes::random_bytes},
      {"soup of tokens", &HostileBytes::soup},
      {"absurd length", &HostileBytes::absurd_length},
      {"wrong length", &HostileBytes::wrong_length},
      {"deep nesting", &HostileBytes::deep_json},
      {"tiny frames", &HostileBytes::tiny_frames},
      {"half a frame", &HostileBytes::half_frame},
      {"mutated head", &HostileBytes::mutated_head},
      {"flipped bit", &HostileBytes::flipped_bit},
      {"gigantic fields", &HostileBytes::giants},
      {"replies", &HostileBytes::replies},
      {"bad text", &HostileBytes::bad_text},
      {"no serializer", &HostileBytes::no_serializer},
      {"serializer tables", &HostileBytes::serializer_tables},
      {"wrong types", &HostileBytes::wrong_types},
      {"many keys", &HostileBytes::many_keys},
      {"bad MessagePack", &HostileBytes::bad_msgpack},
      {"bad headers", &HostileBytes::bad_headers},
      {"flood", &HostileBytes::flood},
      {"streams", &HostileBytes::streams},
      {"prefaces", &HostileBytes::prefaces},
      {"other protocols", &HostileBytes::other_protocols},
  };
  return kinds;
}

std::size_t HostileBytes::kinds() { return all_kinds().size(); }

Attack HostileBytes::next() {
  const Kind& kind = all_kinds()[turn_ % kinds()];
  const std::size_t round = turn_++ / kinds();
  Attack attack;
  attack.kind = kind.name;
  attack.bytes = (this->*kind.make)();
  const std::size_t pace = below(8);
  attack.pace = pace == 0 ? Pace::drip : pace < 4 ? Pace::split : Pace::whole;
  if (below(3) == 0) attack.ending = Ending::reset;
  // A frame that never ends waits for its deadline: costly, so seldom.
  if (kind.make == &HostileBytes::half_frame && round % 8 == 1) attack.ending = Ending::wait;
  attack.seed = random_();
  return attack;
}

std::string HostileBytes::bytes(std::size_t count) {
  std::string text(count, '\0');
  for (char& c : text) c = static_cast<char>(random_() & 255);
  return text;
}

std::string HostileBytes::of(std::string_view alphabet, std::size_t count) {
  std::string text(count, '\0');
  for (char& c : text) c = alphabet[below(alphabet.size())];
  return text;
}

std::string HostileBytes::any_pattern() {
  return any<std::string>({R"("echo")", R"("order")", R"("payload")", R"("later")", R"("headers")", R"("countdown")",
                           R"("nobody")", R"({"cmd":"sum"})", R"({"b":[1,{"a":null}]})", "42", "null", "true", "[]"});
}

std::string HostileBytes::good_nest() {
  const std::string data =
      any<std::string>({R"("x")", "[1,2,3]", "7", "null", R"({"id":"a-1","quantity":2})", R"("\u00e4\ud83d\ude00")"});
  std::string json = R"({"pattern":)" + any_pattern() + R"(,"data":)" + data;
  if (below(3) == 0) json += R"(,"metadata":{"a":"b","waybill-deadline":"100"})";
  if (below(4) != 0) json += R"(,"id":"0123456789abcdef01234")";
  return nest_frame(json + "}");
}

std::string HostileBytes::good_binary() {
  BinaryParts parts;
  parts.kind = static_cast<unsigned char>(below(2));
  parts.pattern = any<std::string>({"echo", "order", "payload", "later", "headers", "nobody"});
  if (below(3) == 0) {
    put_number(parts.extra, 1, 2);
    put_number(parts.extra, 1, 2);
    put_number(parts.extra, 2, 4);
    parts.extra += "abc" + std::string(below(2) ? R"({"m":1})" : "");
  }
  return binary_frame(parts);
}

std::string HostileBytes::good_either() {
  std::string stream;
  const bool binary = below(2) != 0;
  if (binary) stream = k_binary_preface;
  for (std::size_t i = 0, count = 1 + below(8); i < count; ++i) stream += binary ? good_binary() : good_nest();
  return stream;
}

std::string HostileBytes::random_bytes() {
  const std::string all = bytes(1 + below(4096));
  return below(3) == 0 ? std::string(k_binary_preface) + all : all;
}

std::string HostileBytes::soup() { return of("0123456789#{}[]\":,\\ \n\tnulltruefalse-+.eE", 1 + below(2000)); }

std::string HostileBytes::absurd_length() {
  const std::string length = any<std::string>({"0",
                                               "-1",
                                               "-9223372036854775808",
                                               "99999999999999999999999",
                                               "18446744073709551615",
                                               "9223372036854775807",
                                               "4294967295",
                                               "2147483648",
                                               "",
                                               "NaN",
                                               "0x10",
                                               "1e9",
                                               " \t 12",
                                               "+5",
                                               "00000007",
                                               std::string(1023, '0') + "7",
                                               std::string(5000, '9'),
                                               "\xEF\xBB\xBF"
                                               "5",
                                               "1.5",
                                               "7abc",
                                               "Infinity"});
  return (below(2) ? good_nest() : "") + length + "#" + of("{}[]\"ab:,1", below(200)) + good_nest();
}

std::string HostileBytes::wrong_length() {
  const std::string json =
      R"({"pattern":"echo","data":")" + repeat("\xF0\x9F\x98\x80\xC3\xA4", 1 + below(20)) + R"(","id":"1"})";
  const std::size_t units = units_of(json);
  const std::size_t length = any<std::size_t>({json.size(), units - 1, units + 1, units / 2, units * 2, 1, units - 3});
  return std::to_string(length) + "#" + json + good_nest() + good_nest();
}

std::string HostileBytes::deep_json() {
  const std::size_t depth = any<std::size_t>({100, 127, 128, 129, 1000, 100'000});
  const bool objects = below(2) != 0;
  std::string deep = repeat(objects ? R"({"a":)" : "[", depth);
  if (objects) deep += "1";
  if (below(4) != 0) deep += repeat(objects ? "}" : "]", depth);
  const std::string place = any<std::string>({"data", "pattern", "metadata", "id", "extra"});
  std::string json = "{";
  if (place != "pattern") json += R"("pattern":)" + any_pattern() + ",";
  if (place != "data") json += R"("data":1,)";
  json += "\"" + place + "\":" + deep;
  if (place != "id") json += R"(,"id":"1")";
  return nest_frame(json + "}") + nest_frame(deep);
}

std::string HostileBytes::tiny_frames() {
  return repeat(
      any<std::string>({"1#0", "2#{}", "4#null", "2#\"\"", "2#[]", "1#1 1#0", "8#{\"id\":1}", "10#{\"data\":1}"}),
      500 + below(4000));
}

std::string HostileBytes::half_frame() {
  std::string stream = good_either();
  if (stream[0] != '\0') {
    stream.resize(1 + below(stream.size() - 1));
    return stream + "50#{\"pattern\"";  // surely unfinished, whatever was cut
  }
  // Cut at the end of the preface or of a frame it would be a good connection that is silent.
  if (below(8) == 0) return std::string(k_binary_preface.substr(0, 1 + below(k_binary_preface.size() - 1)));
  std::string last = good_binary();
  last.resize(1 + below(last.size() - 1));
  return stream + last;
}

std::string HostileBytes::mutated_head() {
  std::string frame = good_binary();
  struct Field {
    std::size_t at, size;
  };
  const Field field = any<Field>({{0, 4}, {4, 1}, {5, 1}, {6, 2}, {8, 2}, {10, 1}, {11, 1}, {12, 4}, {16, 4}});
  const std::uint64_t most = (std::uint64_t{1} << (8 * field.size)) - 1;
  const std::uint64_t value =
      any<std::uint64_t>({0, 1, most, most - 1, most / 2, most / 2 + 1, random_() & most, 15, 16, 17});
  std::string changed;
  put_number(changed, value, static_cast<int>(field.size));
  frame.replace(field.at, field.size, changed);
  return std::string(k_binary_preface) + (below(2) ? good_binary() : "") + frame + good_binary();
}

std::string HostileBytes::flipped_bit() {
  std::string stream = good_either() + (below(2) ? good_either() : "");
  const std::size_t at = below(stream.size());
  stream[at] = static_cast<char>(static_cast<unsigned char>(stream[at]) ^ (1u << below(8)));
  if (below(3) == 0) stream.resize(1 + below(stream.size()));
  return stream;
}

std::string HostileBytes::giants() {
  const std::size_t size = any<std::size_t>({257, 4097, 65'535, 1'000'000});
  switch (below(5)) {
    case 0: return nest_frame(R"({"pattern":"echo","data":"x","id":")" + repeat("i", size) + "\"}");
    case 1: return nest_frame(R"({"pattern":")" + repeat("p", size) + R"(","data":"x","id":"1"})");
    case 2:
      return nest_frame(R"({"pattern":"order","data":{"id":")" + repeat("d", size) + R"(","quantity":"no"},"id":"1"})");
    case 3: {
      BinaryParts parts;
      parts.pattern = repeat("p", std::min<std::size_t>(size, 65'535));
      return std::string(k_binary_preface) + binary_frame(parts);
    }
    default: {
      BinaryParts parts;
      parts.id = repeat("i", std::min<std::size_t>(size, 65'535));
      return std::string(k_binary_preface) + binary_frame(parts);
    }
  }
}

std::string HostileBytes::replies() {
  if (below(2)) {
    BinaryParts parts;
    parts.kind = static_cast<unsigned char>(2 + below(4));
    parts.flags = static_cast<unsigned char>(below(32));
    return std::string(k_binary_preface) + (below(2) ? good_binary() : "") + binary_frame(parts);
  }
  return nest_frame(R"({"response":1,"isDisposed":true,"id":"1"})") + nest_frame(R"({"err":"no","id":"1"})") +
         nest_frame(R"({"id":"1","status":"error","err":{}})") + nest_frame(R"({"isDisposed":true,"id":null})") +
         good_nest();
}

std::string HostileBytes::bad_text() {
  const std::string bad = any<std::string>({"\xFF",
                                            "\xC0\x80",
                                            "\xED\xA0\x80",
                                            "\xED\xB0\x80\xED\xA0\x80",
                                            "\xF4\x90\x80\x80",
                                            "\xF0\x9F\x98",
                                            "\x80\x80\x80",
                                            "\xE2\x82",
                                            "\\ud800",
                                            "\\udc00\\ud800",
                                            "\\ud83d\\u0041",
                                            "\\uZZZZ",
                                            "\\u12",
                                            "\\",
                                            "\\x",
                                            std::string(1, '\0'),
                                            "\n\r\x1B[31m",
                                            "\x7F",
                                            "\xEF\xBF\xBE",
                                            "\xF8\x88\x80\x80\x80"});
  const std::string text = "a" + bad + "b";
  if (below(3) == 0) {
    BinaryParts parts;
    (below(2) ? parts.pattern : parts.id) = text;
    parts.flags = static_cast<unsigned char>(2 | 4 | (below(4) << 3));
    parts.payload = "\"" + text + "\"";
    if (below(3) == 0) parts.name = text;
    return std::string(k_binary_preface) + binary_frame(parts) + good_binary();
  }
  std::string json = R"({"pattern":"echo","data":"x","metadata":{"k":"v"},"id":"1"})";
  const std::string place = any<std::string>({"echo", "\"x\"", "k", "v", "1", "pattern", "id"});
  const std::size_t at = json.find(place);
  json.replace(at, place.size(), place == "\"x\"" ? "\"" + text + "\"" : text);
  // Each byte that is no part of a character counts as one unit or less; the next frame tells whether it fits.
  return std::to_string(json.size() - below(3)) + "#" + json + good_nest();
}

std::string HostileBytes::no_serializer() {
  BinaryParts parts;
  parts.kind = static_cast<unsigned char>(below(2));
  parts.index = 255;
  parts.name.clear();
  parts.payload.clear();
  parts.flags = static_cast<unsigned char>(any<int>({4, 6, 0, 2, 5, 12, 28}));
  parts.pattern = any<std::string>({"echo", "order", "payload", "later", "headers", "countdown", "nobody", "note", ""});
  if (below(2)) put_number(parts.extra, 0, 2);
  return std::string(k_binary_preface) + repeat(binary_frame(parts), 1 + below(3)) + good_binary();
}

std::string HostileBytes::serializer_tables() {
  std::string stream(k_binary_preface);
  for (std::size_t i = 0, count = 1 + below(40); i < count; ++i) {
    BinaryParts parts;
    parts.index = static_cast<unsigned char>(below(below(4) ? 16 : 256));
    parts.name = any<std::string>({"json", "msgpack", "json", "msgpack", "", "JSON", bytes(below(256))});
    stream += binary_frame(parts);
  }
  return stream;
}

std::string HostileBytes::wrong_types() {
  std::string stream;
  for (int i = 0; i < 20; ++i) {
    const std::string data = any<std::string>({"1e999",
                                               "-0",
                                               "1e-400",
                                               repeat("9", 400),
                                               "-" + repeat("1", 50),
                                               "[[[]]]",
                                               R"({"id":1})",
                                               R"({"quantity":{}})",
                                               R"({"id":"a","id":2,"quantity":1e400})",
                                               "tru",
                                               "nul",
                                               "01",
                                               "1.",
                                               ".5",
                                               "+1",
                                               "[1,]",
                                               "{,}",
                                               R"({"a" 1})",
                                               "'x'",
                                               R"({"__proto__":{"a":1}})",
                                               "9223372036854775808",
                                               "\"" + repeat("\\u0000", 50) + "\"",
                                               "-",
                                               "1e",
                                               ""});
    const std::string id = any<std::string>({R"("1")", "null", "0", "{}", "[1]", R"("")", "1e999", "false", "nope"});
    stream += nest_frame(R"({"pattern":)" + any_pattern() + R"(,"data":)" + data + R"(,"id":)" + id + "}");
  }
  return stream;
}

std::string HostileBytes::many_keys() {
  const std::size_t count = any<std::size_t>({21, 1000, 50'000});
  std::string object = "{";
  for (std::size_t i = 0; i < count; ++i)
    object +=
        (i ? ",\"" : "\"") + (below(2) ? "k" + std::to_string(i) : std::string("pattern")) + "\":" + std::to_string(i);
  object += "}";
  const std::string place = any<std::string>({"pattern", "data", "metadata", "id"});
  return nest_frame(R"({"data":1,"pattern":"headers",")" + place + "\":" + object + "}") + nest_frame(object);
}

std::string HostileBytes::bad_msgpack() {
  using namespace std::string_literals;
  const std::size_t many = any<std::size_t>({127, 129, 100'000});
  BinaryParts parts;
  parts.name = "msgpack";
  parts.pattern = any<std::string>({"echo", "order", "payload", "later", "headers"});
  parts.payload = any<std::string>({repeat("\x91", many), repeat("\x81\xA1k", many), "\xDD\xFF\xFF\xFF\xFF"s,
                                    "\xDF\xFF\xFF\xFF\xFF"s, "\xDB\xFF\xFF\xFF\xFFx"s, "\xC6\xFF\xFF\xFF\xFF"s,
                                    "\xC9\xFF\xFF\xFF\xFF\x01"s, "\xC1"s, "\xDC\xFF\xFF"s + std::string(65'535, '\xC0'),
                                    "\xA5"
                                    "ab"s,
                                    "\x82\xA2id\xA1x\xA8quantity\xCF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s, "\xD9"s, ""s,
                                    bytes(below(300)), "\xC0\xC0"s});
  if (below(3) == 0) {  // and the same as metadata
    put_number(parts.extra, 0, 2);
    parts.extra += parts.payload;
    parts.payload = "\xA1x";
  }
  return std::string(k_binary_preface) + binary_frame(parts) + binary_frame(parts);
}

std::string HostileBytes::bad_headers() {
  BinaryParts parts;
  parts.pattern = any<std::string>({"headers", "echo", "later"});
  const std::size_t count = any<std::size_t>({0, 1, 1000, 10'900, 65'535});
  put_number(parts.extra, count, 2);
  const std::size_t name = any<std::size_t>({0, 0, 3, 65'535});
  const std::size_t value = any<std::size_t>({0, 0, 5, 0xFFFF'FFFF});
  for (std::size_t i = 0; i < std::min<std::size_t>(count, 10'900); ++i) {
    put_number(parts.extra, name, 2);
    put_number(parts.extra, value, 4);
    if (name < 10) parts.extra += repeat("n", name);
    if (value < 10) parts.extra += repeat("v", value);
  }
  return std::string(k_binary_preface) + binary_frame(parts) + good_binary();
}

std::string HostileBytes::flood() {
  const bool binary = below(2) != 0;
  std::string stream = binary ? std::string(k_binary_preface) : std::string();
  for (std::size_t i = 0, count = 200 + below(1500); i < count; ++i) stream += binary ? good_binary() : good_nest();
  return stream;
}

std::string HostileBytes::streams() {
  return repeat(nest_frame(R"({"pattern":"countdown","data":5000,"id":"1"})"), 1 + below(4)) +
         (below(2) ? nest_frame(R"({"pattern":"forever","data":0,"id":"2"})") : "");
}

std::string HostileBytes::prefaces() {
  using namespace std::string_literals;
  return any<std::string>({"\0"s, "\0W"s, "\0WB"s, "\0WB\0"s, "\0WB\2"s, "\0WB\xFF"s, "\0XB\1"s, "\0\0\0\0"s, "WB\1"s,
                           repeat(k_binary_preface, 1000), good_nest() + std::string(k_binary_preface)}) +
         (below(2) ? good_binary() : good_nest());
}

std::string HostileBytes::other_protocols() {
  using namespace std::string_literals;
  return any<std::string>({"GET / HTTP/1.1\r\nHost: a#b\r\n\r\n"s,
                           "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03"s + bytes(500), "*3\r\n$3\r\nSET\r\n"s,
                           "AMQP\0\0\x09\x01"s, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"s, "SSH-2.0-x\r\n"s}) +
         bytes(below(2000));
}

}  // namespace waybill::test
