#include "random_bits.hpp"

#include <pthread.h>
#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <cstddef>
#include <random>

namespace waybill::detail {
namespace {

constexpr std::uint32_t k_uses_of_a_key = 1u << 20;

struct Source {
  SipHashKey key{};
  std::uint32_t left = 0;  ///< How often the key may still be used.
};
thread_local constinit Source source;

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

SipHashKey draw_key() {
  SipHashKey key;
  char* at = reinterpret_cast<char*>(key.data());
  std::size_t missing = sizeof(key);
  while (missing > 0) {
    const ssize_t got = getrandom(at, missing, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {  // a kernel without getrandom: the library's own source
      std::random_device device;
      for (std::uint64_t& word : key) word = (std::uint64_t{device()} << 32) | device();
      break;
    }
    at += got;
    missing -= static_cast<std::size_t>(got);
  }
  return key;
}

}  // namespace

std::uint64_t siphash(const SipHashKey& key, std::uint64_t value) noexcept {
  constexpr std::uint64_t k_length = std::uint64_t{sizeof(value)} << 56;
  SipState state(key);
  state.take(value);
  state.take(k_length);
  return state.finish();
}

std::uint64_t random_bits() {
  if (source.left == 0) {
    // The child of a fork() has the thread that forked, and must not go on with that thread's key.
    static const int registered = pthread_atfork(nullptr, nullptr, [] { source.left = 0; });
    (void)registered;
    source.key = draw_key();
    source.left = k_uses_of_a_key;
  }
  return siphash(source.key, source.left--);
}

void seed_random_bits(std::uint64_t seed) noexcept {
  source.key = {seed, ~seed};
  source.left = UINT32_MAX;
}

}  // namespace waybill::detail
