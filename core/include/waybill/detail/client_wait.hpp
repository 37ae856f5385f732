// Waiting for a client's link, or for all that it has sent to be handed over: with any completion token.
#pragma once

#include "waybill/detail/completion.hpp"
#include "waybill/detail/unique_function.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/associated_cancellation_slot.hpp>

#include <cstdint>
#include <memory>

namespace waybill::detail {

class ClientCore;

const asio::any_io_executor& executor_of(const ClientCore& core) noexcept;

/// Names one wait, so that it can be cancelled from any thread.
using WaitId = std::uint64_t;
WaitId new_wait(ClientCore& core) noexcept;
void cancel_wait(const std::weak_ptr<ClientCore>& core, WaitId id);
using StartWait = void(const std::shared_ptr<ClientCore>& core, WaitId id, UniqueFunction<void(Result<void>)> done);
StartWait connect_then;
StartWait flush_then;

/// Begins a wait that the handler's cancellation slot ends.
template <class Handler>
void wait_for(const std::shared_ptr<ClientCore>& core, StartWait* start, Handler handler) {
  const WaitId id = new_wait(*core);
  auto slot = asio::get_associated_cancellation_slot(handler);
  if (slot.is_connected()) {
    slot.assign([weak = std::weak_ptr<ClientCore>(core), id](asio::cancellation_type) { cancel_wait(weak, id); });
  }
  start(core, id, make_completion<void>(SlotClearing<Handler>{{std::move(handler)}}, executor_of(*core)));
}

}  // namespace waybill::detail
