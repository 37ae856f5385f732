#include "client/flushes.hpp"

#include <algorithm>
#include <utility>

namespace waybill::detail {

void Flushes::add(std::uint64_t id, TimePoint give_up, std::uint64_t next_waiting, Done done) {
  flushes_.push_back({id, give_up, std::move(done), next_waiting, Stage::waiting, 0, 0, std::nullopt});
}

void Flushes::failed(std::uint64_t waiting, const Error& error) {
  for (Flush& flush : flushes_) {
    if (flush.stage == Stage::waiting && waiting < flush.mark && !flush.failure) flush.failure = error;
  }
}

std::vector<Flushes::Ended> Flushes::advance(const Standing& standing, std::optional<Error>& forgotten) {
  std::vector<Ended> ended;
  std::vector<Flush> rest;
  for (Flush& flush : flushes_) {
    if (std::optional<Result<void>> outcome = step(flush, standing, forgotten)) {
      ended.push_back({std::move(flush.done), *std::move(outcome)});
    } else {
      rest.push_back(std::move(flush));
    }
  }
  flushes_ = std::move(rest);
  return ended;
}

std::optional<Result<void>> Flushes::step(Flush& flush, const Standing& standing, std::optional<Error>& forgotten) {
  if (flush.stage == Stage::waiting) {
    if (standing.first_waiting < flush.mark) return std::nullopt;
    flush.stage = Stage::transport;
    flush.needs = is_ordered_ ? begun_ : begun_ + 1;  // one that runs may have begun before the last was sent
    flush.losses = standing.losses;
  }
  if (flush.stage == Stage::transport) {
    if (ended_ < flush.needs) {
      if (begun_ == ended_) {
        ++begun_;
        is_ordered_ = true;
      }
      return std::nullopt;
    }
    if (flush.losses != standing.losses && standing.loss) return *standing.loss;
    flush.stage = Stage::confirms;
    flush.mark = standing.next_unconfirmed;
  }
  if (standing.first_unconfirmed < flush.mark) return std::nullopt;
  if (const auto taken = std::exchange(forgotten, std::nullopt)) return *taken;
  if (flush.failure) return *flush.failure;
  return Result<void>();
}

void Flushes::transport_flushed(const std::optional<Error>& failure) {
  ++ended_;
  if (!failure) return;
  for (Flush& flush : flushes_) {
    if (flush.stage == Stage::transport && flush.needs <= ended_) flush.failure = *failure;
  }
}

template <class Which>
std::vector<Flushes::Ended> Flushes::take_if(Which which, const Error& outcome) {
  std::vector<Ended> ended;
  for (Flush& flush : flushes_) {
    if (which(flush)) ended.push_back({std::move(flush.done), outcome});
  }
  std::erase_if(flushes_, which);
  return ended;
}

std::vector<Flushes::Ended> Flushes::take_late(TimePoint now, const Error& outcome) {
  return take_if([now](const Flush& flush) { return flush.give_up <= now; }, outcome);
}

std::vector<Flushes::Ended> Flushes::take(std::uint64_t id, const Error& outcome) {
  return take_if([id](const Flush& flush) { return flush.id == id; }, outcome);
}

std::vector<Flushes::Ended> Flushes::take_all(const Error& outcome) {
  return take_if([](const Flush&) { return true; }, outcome);
}

TimePoint Flushes::earliest() const noexcept {
  TimePoint earliest = TimePoint::max();
  for (const Flush& flush : flushes_) earliest = std::min(earliest, flush.give_up);
  return earliest;
}

}  // namespace waybill::detail
