// Both frame readers on arbitrary bytes in arbitrary pieces: no crash, and pieces give what the whole gives.
#include "wire/binary_frame.hpp"
#include "wire/nest_frame.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace waybill;
using namespace waybill::tcp;

template <class Next>
std::vector<std::string> play(const char* data, std::size_t size, std::size_t piece, Next next) {
  std::vector<std::string> seen;
  Buffer tail;
  for (std::size_t from = 0; from < size; from += piece) {
    tail.append(data + from, piece < size - from ? piece : size - from);
    std::size_t at = 0;
    for (;;) {
      std::string what;
      const int outcome = next(tail.data(), tail.size(), at, what);
      if (outcome < 0) {
        seen.push_back("broken");
        return seen;
      }
      if (outcome == 0) break;
      seen.push_back(std::move(what));
    }
    if (at) tail.erase(0, at);
  }
  return seen;
}

std::vector<std::string> play_nest(const char* data, std::size_t size, std::size_t piece) {
  NestFrameReader reader(SIZE_MAX, 1 << 16);
  return play(data, size, piece, [&](const char* bytes, std::size_t count, std::size_t& at, std::string& what) {
    waybill::Slice text;
    const auto outcome = reader.next(bytes, count, at, text);
    what = std::string(text.view()) + (text.is_known_utf8() ? "" : " (not UTF-8)");
    return outcome == NestFrameReader::Outcome::frame ? 1 : outcome == NestFrameReader::Outcome::more ? 0 : -1;
  });
}

std::vector<std::string> play_binary(const char* data, std::size_t size, std::size_t piece) {
  BinaryFrameReader reader(1 << 16, [](std::string_view) { return nullptr; });
  return play(data, size, piece, [&](const char* bytes, std::size_t count, std::size_t& at, std::string& what) {
    Packet packet;
    const auto outcome = reader.next(bytes, count, at, packet);
    what = std::string(packet.pattern.text) + "|" + std::string(packet.id.text);
    if (outcome == BinaryFrameReader::Outcome::sign) what = std::to_string(static_cast<int>(reader.sign()));
    if (outcome == BinaryFrameReader::Outcome::more) return 0;
    return outcome == BinaryFrameReader::Outcome::broken ? -1 : 1;
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t piece = 1 + data[0] % 16;
  const char* bytes = reinterpret_cast<const char*>(data) + 1;
  const std::size_t count = size - 1;
  if (play_nest(bytes, count, piece) != play_nest(bytes, count, count + 1)) std::abort();
  if (play_binary(bytes, count, piece) != play_binary(bytes, count, count + 1)) std::abort();
  return 0;
}
