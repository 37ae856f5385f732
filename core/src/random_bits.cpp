#include "random_bits.hpp"

#include <pthread.h>
#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <random>

namespace waybill::detail {
namespace {

constexpr std::uint64_t k_blocks_of_a_key = 1u << 17;

struct Source {
  ChaChaBlock bits{};
  std::uint32_t left = 0;     ///< Of `bits`, from the front.
  bool is_seeded = false;     ///< Then `seed` and `counter` make them.
  std::uint64_t counter = 0;  ///< Of blocks of this key, or of seeded words.
  ChaChaKey key{};
  SipHashKey seed{};
};
thread_local constinit Source source;

/// One row of the state. The compiler takes a vector of the machine for it, where there is one.
using Row [[gnu::vector_size(16)]] = std::uint32_t;

template <int By>
Row rotate(Row row) noexcept {
  return row << By | row >> (32 - By);
}
void quarter_rounds(Row& a, Row& b, Row& c, Row& d) noexcept {
  a += b;
  d = rotate<16>(d ^ a);
  c += d;
  b = rotate<12>(b ^ c);
  a += b;
  d = rotate<8>(d ^ a);
  c += d;
  b = rotate<7>(b ^ c);
}
template <int By>
Row turn(Row row) noexcept {
  return Row{row[By], row[(By + 1) % 4], row[(By + 2) % 4], row[(By + 3) % 4]};
}

class SipState {
 public:
  explicit SipState(const SipHashKey& key) noexcept
      : a_(key[0] ^ 0x736f6d6570736575),
        b_(key[1] ^ 0x646f72616e646f6d),
        c_(key[0] ^ 0x6c7967656e657261),
        d_(key[1] ^ 0x7465646279746573) {}

  void take(std::uint64_t word) noexcept {
    d_ ^= word;
    round();
    round();
    a_ ^= word;
  }
  std::uint64_t finish() noexcept {
    c_ ^= 0xff;
    for (int i = 0; i < 4; ++i) round();
    return a_ ^ b_ ^ c_ ^ d_;
  }

 private:
  void round() noexcept {
    a_ += b_;
    c_ += d_;
    b_ = std::rotl(b_, 13) ^ a_;
    d_ = std::rotl(d_, 16) ^ c_;
    a_ = std::rotl(a_, 32) + d_;
    c_ += b_;
    d_ = std::rotl(d_, 21) ^ a_;
    b_ = std::rotl(b_, 17) ^ c_;
    c_ = std::rotl(c_, 32);
  }
  std::uint64_t a_, b_, c_, d_;
};

ChaChaKey draw_key() {
  ChaChaKey key;
  char* at = reinterpret_cast<char*>(key.data());
  std::size_t missing = sizeof(key);
  while (missing > 0) {
    const ssize_t got = getrandom(at, missing, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {  // a kernel without getrandom: the library's own source
      std::random_device device;
      for (std::uint32_t& word : key) word = device();
      break;
    }
    at += got;
    missing -= static_cast<std::size_t>(got);
  }
  return key;
}

void refill() {
  source.left = source.bits.size();
  if (source.is_seeded) {
    for (std::uint64_t& word : source.bits) word = siphash(source.seed, source.counter--);
    return;
  }
  if (source.counter == 0) {
    // The child of a fork() has the thread that forked, and must not go on with that thread's key.
    static const int registered = pthread_atfork(nullptr, nullptr, [] { source.counter = source.left = 0; });
    (void)registered;
    source.key = draw_key();
    source.counter = k_blocks_of_a_key;
  }
  chacha8(source.key, source.counter--, source.bits);
}

}  // namespace

void chacha8(const ChaChaKey& key, std::uint64_t counter, ChaChaBlock& block) noexcept {
  const Row first{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  const Row second{key[0], key[1], key[2], key[3]};
  const Row third{key[4], key[5], key[6], key[7]};
  const Row fourth{static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32), 0, 0};
  Row a = first, b = second, c = third, d = fourth;
  for (int i = 0; i < 4; ++i) {
    quarter_rounds(a, b, c, d);
    b = turn<1>(b), c = turn<2>(c), d = turn<3>(d);
    quarter_rounds(a, b, c, d);
    b = turn<3>(b), c = turn<2>(c), d = turn<1>(d);
  }
  const Row rows[4] = {a + first, b + second, c + third, d + fourth};
  static_assert(sizeof rows == sizeof block);
  std::memcpy(block.data(), rows, sizeof rows);
}

std::uint64_t siphash(const SipHashKey& key, std::uint64_t value) noexcept {
  constexpr std::uint64_t k_length = std::uint64_t{sizeof(value)} << 56;
  SipState state(key);
  state.take(value);
  state.take(k_length);
  return state.finish();
}

std::uint64_t random_bits() {
  if (source.left == 0) refill();
  return source.bits[source.bits.size() - source.left--];
}

void seed_random_bits(std::uint64_t seed) noexcept {
  source.seed = {seed, ~seed};
  source.counter = UINT32_MAX;
  source.is_seeded = true;
  source.left = 0;
}

}  // namespace waybill::detail
