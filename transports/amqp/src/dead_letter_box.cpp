#include "dead_letter_box.hpp"

#include "protocol/error.hpp"
#include "protocol/topology.hpp"
#include "wire/pass_on.hpp"

#include <algorithm>

namespace waybill::amqp {
namespace {

constexpr std::size_t k_at_once = 64;
constexpr int k_patience = 2;  // times start_timeout, for one answer

/// A name that the message has each time it is listed: what it holds, as a number.
std::string fingerprint(const Packet& packet, std::string_view body) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  const auto add = [&hash](std::string_view bytes) {
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    hash = (hash ^ 0xff) * 0x100000001b3u;
  };
  add(body);
  for (const auto& [name, value] : packet.headers) {
    if (name == k_delivery_count) continue;  // a quorum queue counts looks at it
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
      set_up_(std::make_shared<SetUp>(environment_.executor, k_send, options_, environment_.log)),
      sent_([this](Ticket, const Result<Accepted>& outcome, const Confirms::Shown&) {
        if (step_) step_->set(outcome ? Result<void>() : Result<void>(outcome.error()));
      }) {}

LetterDesk::~LetterDesk() { drop_link(Error(errc::closed, "the dead letters were closed", End::rejected)); }

asio::awaitable<Result<void>> LetterDesk::open() {
  if (is_closed_) co_return Error(errc::closed, "the dead letters were closed", End::rejected);
  if (is_ready_) co_return Result<void>();
  const auto opening = std::make_shared<Opening>(environment_.executor, options_, true);
  opening_ = opening;
  const std::string role = "dead letters";
  Result<void> outcome = co_await Opening::run(opening, *this, role);
  opening_.reset();
  if (!outcome) drop_link(outcome.error());
  co_return outcome;
}

void LetterDesk::on_session_open() {
  if (opening_) opening_->logged_in({});
}

asio::awaitable<Result<void>> LetterDesk::set_up() {
  const auto self = shared_from_this();
  if (link_) set_up_->use(*link_);
  SetUp::Ask ask = [self](Session& session, const Declaration::Failed& failed, const Session::Done& done) {
    session.open_channel(k_look, {});
    Declaration(session, k_send, self->options_, failed).confirms(done);
  };
  auto asking = SetUp::asked(set_up_, k_send, std::move(ask));
  const SetUp::Name confirms = co_await std::move(asking);
  if (!confirms) co_return confirms.error();
  sent_.channel_open();
  is_ready_ = true;
  co_return Result<void>();
}

std::shared_ptr<LetterDesk::Step> LetterDesk::begin() {
  step_ = std::make_shared<Step>(environment_.executor);
  expect_more();
  return step_;
}

/// As long as something comes the broker may take its time.
void LetterDesk::expect_more() {
  if (link_) link_->expect(std::chrono::steady_clock::now() + options_.start_timeout * k_patience);
}

/// It reads nothing from a link that has published: what was sent may be taken later, when nobody looks at it any more.
void LetterDesk::on_blocked(std::string_view reason) {
  if (!reason.empty())
    lost(Error(errc::overloaded, "the broker takes no messages for now: " + std::string(reason), End::unknown));
}

/// What an operation ends with; `what`: was cancelled.
Result<void> LetterDesk::ended(std::optional<Result<void>> outcome, const char* what) {
  if (link_) link_->settled();
  if (!outcome) return Error(errc::cancelled, std::string(what) + " was cancelled", End::unknown);
  return std::move(*outcome);
}

asio::awaitable<Result<std::vector<DeadLetter>>> LetterDesk::list(std::shared_ptr<LetterDesk> self, std::size_t limit) {
  Result<void> opened = co_await self->open();
  if (!opened) co_return opened.error();
  self->give_all_back();
  self->is_empty_ = false;
  while (!self->is_empty_ && self->letters_.size() < limit) {
    const auto step = self->begin();
    self->get(std::min(limit - self->letters_.size(), k_at_once));
    std::optional<Result<void>> arrived = co_await Step::wait(step);
    const Result<void> outcome = self->ended(std::move(arrived), "listing");
    if (!outcome) co_return outcome.error();
  }
  std::vector<DeadLetter> letters = std::move(self->letters_);
  self->letters_.clear();
  co_return letters;
}

void LetterDesk::give_all_back() {
  letters_.clear();
  Session& session = link_->session();
  if (!held_.empty() && session.is_channel_open(k_look)) {
    // Told, so that no queue counts it as a delivery that failed; newer ones count lost links.
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

void LetterDesk::on_message(ChannelId channel, const Method& method, const Incoming& message) {
  if (method.id == AMQP_BASIC_GET_OK_METHOD) return add_letter(method.as<amqp_basic_get_ok_t>(), message);
  if (method.id == AMQP_BASIC_RETURN_METHOD && channel == k_send) {
    const auto& given_back = method.as<amqp_basic_return_t>();
    sent_.returned(to_view(given_back.exchange), to_view(given_back.routing_key), message.body.view(),
                   to_view(given_back.reply_text));
  }
}

void LetterDesk::on_unreadable(ChannelId, const Method& method, const Error& why) {
  if (method.id != AMQP_BASIC_GET_OK_METHOD) return;
  environment_.log.warning("amqp: a dead letter cannot be shown: " + std::string(why.message()));
  held_.push_back({{}, method.as<amqp_basic_get_ok_t>().delivery_tag, {}});
}

void LetterDesk::add_letter(const amqp_basic_get_ok_t& got, const Incoming& message) {
  DeadLetter letter;
  const auto parsed = parse_delivery(message.properties, message.body, formats_, letter.packet);
  if (!parsed) environment_.log.debug("amqp: a dead letter is no packet: " + std::string(parsed.error().message()));
  letter.packet = letter.packet.own();
  letter.id = fingerprint(letter.packet, message.body.view());
  read_death_headers(letter);
  read_broker_headers(letter);
  const auto same = std::count_if(held_.begin(), held_.end(), [&letter](const Held& held) {
    return held.id.substr(0, held.id.find('-')) == letter.id;
  });
  if (same) letter.id += '-' + std::to_string(same + 1);
  held_.push_back({letter.id, got.delivery_tag, message.whole.own()});
  expect_more();
  letters_.push_back(std::move(letter));
}

Result<const LetterDesk::Held*> LetterDesk::held(const std::string& id) const {
  for (const Held& held : held_) {
    if (held.id == id && is_ready_) return &held;
  }
  return Error(errc::invalid_config, "the dead letter " + id + " is not among those that were listed last",
               End::rejected);
}

asio::awaitable<Result<void>> LetterDesk::replay(std::shared_ptr<LetterDesk> self, DeadLetter letter) {
  const auto held = self->held(letter.id);
  if (!held) co_return held.error();
  if (letter.origin.empty()) {
    co_return Error(errc::unsupported, "nobody noted which queue the dead letter " + letter.id + " was taken from",
                    End::rejected);
  }
  Envelope envelope;
  envelope.channel = k_send;
  envelope.routing_key = letter.origin;
  envelope.mandatory = true;
  Buffer& kept = self->sent_.buffer();
  const std::size_t begins_at = kept.size();
  const Marks as_if_new;
  const auto appended =
      append_again(kept, envelope, (*held)->message.view(), as_if_new, self->link_->session().frame_max());
  if (!appended) co_return appended.error();
  const auto step = self->begin();
  self->sent_.added(1, begins_at, *appended);
  self->sent_.send(self->link_->out());
  std::optional<Result<void>> arrived = co_await Step::wait(step);
  const Result<void> confirmed = self->ended(std::move(arrived), "sending");
  if (!confirmed) co_return confirmed;
  co_return co_await drop(self, letter.id);
}

asio::awaitable<Result<void>> LetterDesk::drop(std::shared_ptr<LetterDesk> self, std::string id) {
  const auto held = self->held(id);
  if (!held) co_return held.error();
  const auto step = self->acknowledge((*held)->tag);
  std::optional<Result<void>> arrived = co_await Step::wait(step);
  co_return self->ended(std::move(arrived), "removing");
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
  // Of a queue that is gone the calls have been told.
  if (channel == k_send || error.code() != errc::invalid_config) lost(error);
}

void LetterDesk::lost(const Error& error) {
  drop_link(error);
  if (opening_) opening_->logged_in(error);
  if (step_) step_->set(error);
}

void LetterDesk::drop_link(const Error& error) {
  if (link_ && is_ready_ && link_->session().is_open()) give_all_back();
  is_ready_ = false;
  set_up_->stop(error);
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
  drop_link(Error(errc::closed, "the dead letters were closed", End::rejected));
  if (step_) step_->set(Error(errc::closed, "the dead letters were closed", End::rejected));
}

}  // namespace waybill::amqp
