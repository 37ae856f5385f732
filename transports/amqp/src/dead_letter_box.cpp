#include "dead_letter_box.hpp"

#include "error.hpp"
#include "topology.hpp"

#include <algorithm>

namespace waybill::amqp {
namespace {

constexpr std::size_t k_at_once = 64;

/// A name that the message has each time it is listed: what it holds, as a number.
std::string fingerprint(const Packet& packet, std::string_view body) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  const auto add = [&hash](std::string_view bytes) {
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    hash = (hash ^ 0xff) * 0x100000001b3u;
  };
  add(body);
  for (const auto& [name, value] : packet.headers) {
    add(name);
    add(value);
  }
  constexpr char k_digits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, hash >>= 4) *digit = k_digits[hash & 15];
  return text;
}

/// What a broker's own dead lettering (x-dead-letter-exchange) notes.
void read_broker_headers(DeadLetter& letter) {
  const auto read = [&letter](std::string_view name, std::string& into) {
    const std::string* const value = letter.packet.headers.find(name);
    if (into.empty() && value) into = *value;
  };
  read("x-first-death-queue", letter.origin);
  read("x-first-death-reason", letter.error);
}

}  // namespace

LetterDesk::LetterDesk(Environment environment, const Options& options, const Registry& registry)
    : environment_(std::move(environment)),
      options_(options),
      formats_(*environment_.serializer, registry),
      sent_([this](Ticket, const Result<Accepted>& outcome) {
        if (step_) step_->set(outcome ? Result<void>() : Result<void>(outcome.error()));
      }) {}

LetterDesk::~LetterDesk() { drop_link(); }

asio::awaitable<Result<void>> LetterDesk::open() {
  if (is_closed_) co_return Error(errc::closed, "the dead letters were closed", End::rejected);
  if (is_ready_) co_return Result<void>();
  const auto opening = std::make_shared<Opening>(environment_.executor, options_, true);
  opening_ = opening;
  const std::string role = "dead letters";
  Result<void> outcome = co_await Opening::run(opening, *this, role);
  opening_.reset();
  if (!outcome) drop_link();
  co_return outcome;
}

void LetterDesk::on_session_open() {
  Session& session = link_->session();
  session.open_channel(k_look, {});
  session.open_channel(k_send, {});
  Declaration declaration(session, k_send, options_, [this](const Error& error) { lost(error); });
  declaration.confirms([this](const Result<Method>&) {
    sent_.channel_open();
    is_ready_ = true;
    if (opening_) opening_->finish({});
  });
}

std::shared_ptr<LetterDesk::Step> LetterDesk::begin() {
  step_ = std::make_shared<Step>(environment_.executor);
  return step_;
}

asio::awaitable<Result<std::vector<DeadLetter>>> LetterDesk::list(std::shared_ptr<LetterDesk> self, std::size_t limit) {
  Result<void> opened = co_await self->open();
  if (!opened) co_return opened.error();
  self->give_all_back();
  self->is_empty_ = false;
  while (!self->is_empty_ && self->letters_.size() < limit) {
    const auto step = self->begin();
    self->get(std::min(limit - self->letters_.size(), k_at_once));
    std::optional<Result<void>> outcome = co_await Step::wait(step);
    if (!outcome) co_return Error(errc::cancelled, "listing was cancelled", End::rejected);
    if (!*outcome) co_return outcome->error();
  }
  std::vector<DeadLetter> letters = std::move(self->letters_);
  self->letters_.clear();
  co_return letters;
}

void LetterDesk::give_all_back() {
  letters_.clear();
  Session& session = link_->session();
  if (!held_.empty() && session.is_channel_open(k_look)) {
    amqp_basic_nack_t nack{};
    nack.delivery_tag = held_.back().tag;
    nack.multiple = nack.requeue = 1;
    append_method(link_->out(), k_look, AMQP_BASIC_NACK_METHOD, &nack);
  }
  held_.clear();
  if (!session.is_channel_open(k_look)) session.open_channel(k_look, {});
}

void LetterDesk::get(std::size_t count) {
  missing_answers_ = count;
  amqp_basic_get_t get{};
  get.queue = to_bytes(environment_.dead_letter);
  for (std::size_t i = 0; i < count; ++i) {
    link_->session().call(k_look, AMQP_BASIC_GET_METHOD, &get, {AMQP_BASIC_GET_OK_METHOD, AMQP_BASIC_GET_EMPTY_METHOD},
                          "looking into the queue " + environment_.dead_letter, [this](const Result<Method>& answer) {
                            const bool is_gone = !answer && answer.error().code() == errc::invalid_config;
                            if (!answer && !is_gone) return;  // the link is lost, which ends the step
                            if (!answer || answer->id == AMQP_BASIC_GET_EMPTY_METHOD) is_empty_ = true;
                            if (--missing_answers_ == 0 && step_) step_->set({});
                          });
  }
}

void LetterDesk::on_message(ChannelId channel, const Method& method, const Properties& properties, const Slice& body) {
  if (method.id == AMQP_BASIC_GET_OK_METHOD) return add_letter(method.as<amqp_basic_get_ok_t>(), properties, body);
  if (method.id == AMQP_BASIC_RETURN_METHOD && channel == k_send) {
    const auto& given_back = method.as<amqp_basic_return_t>();
    sent_.returned(to_view(given_back.exchange), to_view(given_back.routing_key), body.view(),
                   to_view(given_back.reply_text));
  }
}

void LetterDesk::add_letter(const amqp_basic_get_ok_t& got, const Properties& properties, const Slice& body) {
  DeadLetter letter;
  const auto parsed = parse_delivery(properties, body, formats_, letter.packet);
  if (!parsed) environment_.log.debug("amqp: a dead letter is no packet: " + std::string(parsed.error().message()));
  letter.packet = letter.packet.own();
  letter.id = fingerprint(letter.packet, body.view());
  read_death_headers(letter);
  read_broker_headers(letter);
  const auto same = std::count_if(held_.begin(), held_.end(), [&letter](const Held& held) {
    return held.id.substr(0, held.id.find('-')) == letter.id;
  });
  if (same) letter.id += '-' + std::to_string(same + 1);
  held_.push_back({letter.id, got.delivery_tag});
  letters_.push_back(std::move(letter));
}

Result<std::uint64_t> LetterDesk::tag_of(const std::string& id) const {
  for (const Held& held : held_) {
    if (held.id == id && is_ready_) return held.tag;
  }
  return Error(errc::invalid_config, "the dead letter " + id + " is not among those that were listed last",
               End::rejected);
}

asio::awaitable<Result<void>> LetterDesk::replay(std::shared_ptr<LetterDesk> self, DeadLetter letter) {
  const auto tag = self->tag_of(letter.id);
  if (!tag) co_return tag.error();
  if (letter.origin.empty()) {
    co_return Error(errc::unsupported, "nobody noted which queue the dead letter " + letter.id + " was taken from",
                    End::rejected);
  }
  Packet packet = letter.packet;
  remove_death_headers(packet.headers);
  packet.headers.erase(header::k_attempt);
  Envelope envelope;
  envelope.channel = k_send;
  envelope.routing_key = letter.origin;
  envelope.mandatory = true;
  envelope.delivery_mode = 2;
  Buffer& kept = self->sent_.buffer();
  const std::size_t begins_at = kept.size();
  const auto appended =
      append_message(kept, envelope, packet, self->formats_.own(), self->link_->session().frame_max());
  if (!appended) co_return appended.error();
  const auto step = self->begin();
  self->sent_.added(1, begins_at, *appended);
  self->sent_.send(self->link_->out());
  std::optional<Result<void>> confirmed = co_await Step::wait(step);
  if (!confirmed) co_return Error(errc::cancelled, "sending was cancelled", End::unknown);
  if (!*confirmed) co_return *confirmed;
  co_return co_await drop(self, letter.id);
}

asio::awaitable<Result<void>> LetterDesk::drop(std::shared_ptr<LetterDesk> self, std::string id) {
  const auto tag = self->tag_of(id);
  if (!tag) co_return tag.error();
  const auto step = self->acknowledge(*tag);
  std::optional<Result<void>> outcome = co_await Step::wait(step);
  if (!outcome) co_return Error(errc::cancelled, "removing was cancelled", End::unknown);
  co_return *outcome;
}

std::shared_ptr<LetterDesk::Step> LetterDesk::acknowledge(std::uint64_t tag) {
  const auto step = begin();
  held_.erase(std::remove_if(held_.begin(), held_.end(), [tag](const Held& held) { return held.tag == tag; }),
              held_.end());
  append_ack(link_->out(), k_look, tag, false);
  Declaration declaration(link_->session(), k_look, options_, [step](const Error& error) { step->set(error); });
  declaration.prefetch(0, [step](const Result<Method>&) { step->set({}); });
  return step;
}

void LetterDesk::on_method(ChannelId channel, const Method& method) {
  if (channel != k_send) return;
  if (method.id == AMQP_BASIC_ACK_METHOD) {
    const auto& ack = method.as<amqp_basic_ack_t>();
    sent_.confirmed(ack.delivery_tag, ack.multiple);
  } else if (method.id == AMQP_BASIC_NACK_METHOD) {
    const auto& nack = method.as<amqp_basic_nack_t>();
    sent_.refused(nack.delivery_tag, nack.multiple);
  }
}

void LetterDesk::on_channel_closed(ChannelId channel, const Error& error) {
  if (channel == k_send) lost(error);
}

void LetterDesk::lost(const Error& error) {
  drop_link();
  if (opening_) opening_->finish(error);
  if (step_) step_->set(error);
}

void LetterDesk::drop_link() {
  is_ready_ = false;
  sent_.clear();
  held_.clear();
  letters_.clear();
  if (!link_) return;
  const socket::Ref<Link> link = std::exchange(link_, {});
  link->finish_quietly();
}

void LetterDesk::close() {
  if (std::exchange(is_closed_, true)) return;
  if (opening_) opening_->cancel();
  drop_link();
  if (step_) step_->set(Error(errc::closed, "the dead letters were closed", End::rejected));
}

}  // namespace waybill::amqp
