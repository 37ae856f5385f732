// Bits that nobody can guess, for correlation ids, at a price that each call can pay.
#pragma once

#include <array>
#include <cstdint>

namespace waybill::detail {

using ChaChaKey = std::array<std::uint32_t, 8>;
using ChaChaBlock = std::array<std::uint64_t, 8>;

/// Block number `counter` of ChaCha8 (Bernstein, 2008) with a nonce of zeros: without the key nothing of it can be foretold
/// from any other blocks.
void chacha8(const ChaChaKey& key, std::uint64_t counter, ChaChaBlock& block) noexcept;

using SipHashKey = std::array<std::uint64_t, 2>;

/// SipHash-2-4 (Aumasson and Bernstein, 2012) of the eight bytes of `value`, least significant first.
std::uint64_t siphash(const SipHashKey& key, std::uint64_t value) noexcept;

/// Of a stream whose key the system's generator draws for each thread, and anew after a while. The system's own bits cost
/// many times as much, even by the page.
std::uint64_t random_bits();

/// For tests that must run the same way again: this thread's bits now follow from `seed`, and can be guessed.
void seed_random_bits(std::uint64_t seed) noexcept;

}  // namespace waybill::detail
