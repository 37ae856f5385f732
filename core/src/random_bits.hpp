// Bits that nobody can guess, for correlation ids, at a price that each call can pay.
#pragma once

#include <array>
#include <cstdint>

namespace waybill::detail {

using SipHashKey = std::array<std::uint64_t, 2>;

/// SipHash-2-4 (Aumasson and Bernstein, 2012) of the eight bytes of `value`, least significant first: without the key the
/// outcome cannot be foretold from any number of others.
std::uint64_t siphash(const SipHashKey& key, std::uint64_t value) noexcept;

/// The hash of a counter under a key that the system's generator draws for each thread, and anew after a while.
/// The system's own bits cost twice as much, even by the page.
std::uint64_t random_bits();

/// For tests that must run the same way again: this thread's bits now follow from `seed`, and can be guessed.
void seed_random_bits(std::uint64_t seed) noexcept;

}  // namespace waybill::detail
