#include "service/observed_delivery.hpp"

#include "service/packet_trace.hpp"

#include <new>

namespace waybill::detail {

namespace {

thread_local bool t_is_over = false;  // what the thread's own end ends comes without

/// Blocks of one thread for its next deliveries.
class Blocks {
 public:
  ~Blocks() {
    t_is_over = true;
    while (void* const block = take()) ::operator delete(block);
  }
  void* take() noexcept {
    Block* const block = first_;
    if (!block) return nullptr;
    first_ = block->next;
    --count_;
    return block;
  }
  bool keep(void* block) noexcept {
    if (count_ == k_most) return false;
    first_ = new (block) Block{first_};
    ++count_;
    return true;
  }

 private:
  static constexpr std::size_t k_most = 64;
  struct Block {
    Block* next;
  };
  Block* first_ = nullptr;
  std::size_t count_ = 0;
};

thread_local Blocks t_blocks;

}  // namespace

void* ObservedDelivery::operator new(std::size_t size) {
  void* const kept = t_is_over ? nullptr : t_blocks.take();
  return kept ? kept : ::operator new(size);
}

void ObservedDelivery::operator delete(void* block) noexcept {
  if (t_is_over || !t_blocks.keep(block)) ::operator delete(block);
}

void ObservedDelivery::begin(const std::shared_ptr<Observer>& observer, std::string_view url, const RouteEntry* entry,
                             std::uint64_t number, TimePoint now, bool traces, Delivery& delivery) {
  const ObservedMessage message{url,
                                entry ? std::string_view(entry->pattern.route()) : std::string_view(),
                                delivery.packet.kind == PacketKind::request,
                                number,
                                delivery.attempt,
                                entry ? entry->place : k_no_route,
                                delivery.packet.payload.size()};
  ObservedDelivery* between = nullptr;
  delivery.interpose([&](DeliverySource& source) -> DeliverySource& {
    between = new ObservedDelivery(source, observer, message, now);  // ends with its delivery, see drop_delivery()
    return *between;
  });
  observer->message_came(message);
  if (traces) observer->message_traced(message, between->step_.emplace(trace_of(delivery.packet)));
}

void ObservedDelivery::handled(const Error* error, TimePoint now) const noexcept {
  observer_->message_handled(message_, error, now - began_);
}

void ObservedDelivery::reply(const Delivery& delivery, const Packet& packet) {
  message_.sent += packet.payload.size();
  source_.reply(delivery, packet);
}

void ObservedDelivery::settle(const Delivery& delivery, Settlement settlement) {
  Fate fate = Fate::acknowledged;
  if (settlement == Settlement::retry) fate = Fate::retried;
  if (settlement == Settlement::reject) fate = Fate::dropped;
  if (settlement == Settlement::ack && delivery.failure) fate = Fate::parked;
  observer_->message_settled(message_, fate);
  source_.settle(delivery, settlement);
}

void ObservedDelivery::drop_delivery() noexcept {
  source_.drop_delivery();
  delete this;
}

}  // namespace waybill::detail
