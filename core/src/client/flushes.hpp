// Who waits until all that a client has sent is handed over.
#pragma once

#include "waybill/detail/clock.hpp"
#include "waybill/detail/unique_function.hpp"
#include "waybill/result.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace waybill::detail {

/// Each flush has three stages: what waited for a link when it began must have left, then the transport hands over what it
/// has, then what was unconfirmed at that time must be confirmed. Knows numbers and no link: its owner tells it what has
/// happened, and calls those that have ended.
///
/// Threads: one.
class Flushes {
 public:
  using Done = UniqueFunction<void(Result<void>)>;
  struct Ended {
    Done done;
    Result<void> outcome;
  };

  /// How far the client is.
  struct Standing {
    std::uint64_t first_waiting = 0;      ///< What has a lower number has left for the link.
    std::uint64_t first_unconfirmed = 0;  ///< What has a lower number is confirmed.
    std::uint64_t next_unconfirmed = 0;   ///< What is sent next gets this number.
    std::uint64_t losses = 0;             ///< Of the link, so far.
    /// What a loss means for what was handed over before it; null: nothing, it is sent again.
    const Error* loss = nullptr;
  };

  /// Waits for all that has a number below `next_waiting`.
  void add(std::uint64_t id, TimePoint give_up, std::uint64_t next_waiting, Done done);
  /// Something that waited for a link has failed: who flushes it is told, in the end.
  void failed(std::uint64_t waiting, const Error& error);

  /// Moves all on as far as they come. `forgotten`: a failure that the first to end takes along.
  std::vector<Ended> advance(const Standing& standing, std::optional<Error>& forgotten);
  /// True once after advance(): the transport is to be flushed, and transport_flushed() to be called when that has ended.
  /// One at a time: one that never ends must not become many.
  bool take_order() noexcept { return std::exchange(is_ordered_, false); }
  /// `failure`: the transport could not.
  void transport_flushed(const std::optional<Error>& failure);

  /// Those whose time is up, that of this id, all: they end with `outcome`.
  std::vector<Ended> take_late(TimePoint now, const Error& outcome);
  std::vector<Ended> take(std::uint64_t id, const Error& outcome);
  std::vector<Ended> take_all(const Error& outcome);

  bool empty() const noexcept { return flushes_.empty(); }
  /// No flush gives up earlier; max() if there is none.
  TimePoint earliest() const noexcept;

 private:
  enum class Stage { waiting, transport, confirms };
  struct Flush {
    std::uint64_t id;
    TimePoint give_up;
    Done done;
    std::uint64_t mark;  ///< Of what waits, or of what is unconfirmed.
    Stage stage = Stage::waiting;
    std::uint64_t needs = 0;   ///< That many flushes of the transport must have ended.
    std::uint64_t losses = 0;  ///< When the transport's flush was asked for.
    std::optional<Error> failure;
  };
  std::optional<Result<void>> step(Flush& flush, const Standing& standing, std::optional<Error>& forgotten);
  template <class Which>
  std::vector<Ended> take_if(Which which, const Error& outcome);

  std::vector<Flush> flushes_;
  std::uint64_t begun_ = 0;  // flushes of the transport
  std::uint64_t ended_ = 0;
  bool is_ordered_ = false;
};

}  // namespace waybill::detail
