#include "waybill/detail/call.hpp"

namespace waybill::detail {

void Mailbox::tell(const ReplyEvent& event) {
  if (ended_) return;
  if (event.is_final) ended_ = true;
  if (handler_) return handler_(event);
  if (letters_.size() == k_most || bytes_ > k_most_bytes) {
    ended_ = true;
    letters_.push_back(
        {{},
         {},
         Error(errc::overloaded, std::to_string(letters_.size()) + " replies came and nobody read them", End::unknown),
         true});
    return;
  }
  if (event.packet) bytes_ += event.packet->payload.size();
  Letter letter;
  if (event.packet) letter.packet = event.packet->own();
  if (event.accepted) letter.accepted = *event.accepted;
  if (event.error) letter.error = *event.error;
  letter.is_final = event.is_final;
  letters_.push_back(std::move(letter));
}

void Mailbox::attach(ReplyHandler handler) {
  handler_ = std::move(handler);
  const std::vector<Letter> letters = std::move(letters_);
  for (const Letter& letter : letters) {
    handler_({letter.packet ? &*letter.packet : nullptr, letter.accepted ? &*letter.accepted : nullptr,
              letter.error ? &*letter.error : nullptr, letter.is_final});
  }
}

}  // namespace waybill::detail
