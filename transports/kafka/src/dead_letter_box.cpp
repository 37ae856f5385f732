#include "dead_letter_box.hpp"

#include "protocol/settings.hpp"
#include "wire/names.hpp"

#include <algorithm>

namespace waybill::kafka {
namespace {

/// The broker takes 4,096 bytes of metadata with an offset.
constexpr std::size_t k_most_metadata = 4'000;

}  // namespace

KafkaDeadLetterBox::KafkaDeadLetterBox(Environment environment, const Options& options, const Registry& registry)
    : environment_(std::move(environment)),
      options_(options),
      formats_(Formats::of(*environment_.serializer, registry)),
      topic_(options.prefix + environment_.dead_letter),
      startup_(options) {}

Result<void> KafkaDeadLetterBox::open() {
  if (is_closed_) return Error(errc::closed, "the dead letters were closed", End::rejected);
  if (producer_) return {};
  auto producer = Producer::make(environment_, options_, client_name(options_, false), *this);
  if (!producer) return producer.error();
  producer_ = std::move(*producer);
  admin_ = std::make_unique<Admin>(environment_.executor, producer_->get(), options_);
  GroupOffsets::Place place{options_.prefix + "waybill-dead-letters", topic_, k_dead_letter_partition};
  offsets_ =
      std::make_unique<GroupOffsets>(environment_.executor, producer_->get(), std::move(place), options_.start_timeout);
  return {};
}

asio::awaitable<Result<void>> KafkaDeadLetterBox::finish() {
  const Error late(errc::timeout, "no answer in time", End::unknown);
  Result<void> outcome = co_await wait(step_, environment_.executor, options_.start_timeout, late);
  step_.reset();
  if (!outcome && outcome.error().code() == errc::timeout)
    co_return co_await startup_.explain(environment_.executor, outcome.error());
  co_return outcome;
}

asio::awaitable<Result<std::vector<DeadLetter>>> KafkaDeadLetterBox::list(std::size_t limit) {
  if (auto opened = open(); !opened) co_return opened.error();
  admin_->check({topic_}, [step = begin()](const Result<std::vector<Admin::Topic>>& found) {
    step->set(found ? Result<void>() : Result<void>(found.error()));
  });
  Result<void> outcome = co_await finish();
  if (!outcome && outcome.error().code() == make_code(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)) {
    co_return std::vector<DeadLetter>();
  }
  if (outcome) outcome = co_await read_decisions();
  if (outcome) outcome = co_await scan(limit);
  if (!outcome) co_return outcome.error();
  std::vector<DeadLetter> letters;
  for (const KeptRecord& record : records_) letters.push_back(letter_of(record));
  co_return letters;
}

asio::awaitable<Result<void>> KafkaDeadLetterBox::read_decisions() {
  offsets_->read([this, step = begin()](Result<GroupOffsets::Committed> committed) {
    if (committed) decided_ = DecidedOffsets(committed->offset, committed->metadata);
    step->set(committed ? Result<void>() : Result<void>(committed.error()));
  });
  Result<void> outcome = co_await finish();
  if (!outcome || decided_.first_open() == 0) co_return outcome;
  // A group without members loses its offsets after a week (offsets.retention.minutes), unless they are written again.
  const GroupOffsets::Committed again{decided_.first_open(), decided_.metadata()};
  offsets_->write(again, [step = begin()](const Result<GroupOffsets::Committed>& written) {
    step->set(written ? Result<void>() : Result<void>(written.error()));
  });
  co_return co_await finish();
}

asio::awaitable<Result<void>> KafkaDeadLetterBox::scan(std::size_t limit) {
  const auto wanted = [this](std::int64_t offset) { return !decided_.contains(offset); };
  scan_ = std::make_unique<DeadLetterScan>(begin(), wanted, limit);
  Result<void> outcome = scan_->start(environment_, options_, topic_, decided_.first_open());
  if (outcome) outcome = co_await finish();
  if (!scan_) co_return Error(errc::closed, "the dead letters were closed", End::rejected);
  records_ = std::move(scan_->records);
  there_ = std::move(scan_->offsets);
  scan_->close();
  scan_.reset();
  co_return outcome;
}

DeadLetter KafkaDeadLetterBox::letter_of(const KeptRecord& kept) const {
  DeadLetter letter;
  letter.id = std::to_string(kept.offset);
  IncomingRecord record = kept.view(topic_);
  const RecordHeader* origin = record.find(header::k_origin);
  if (origin && origin->second) {
    record.topic = *origin->second;
    if (record.topic.starts_with(options_.prefix)) record.topic.remove_prefix(options_.prefix.size());
  }
  ReplyAddress unused;
  if (auto packet = parse_delivery(record, formats_, false, unused)) {
    letter.packet = packet->own();
  } else {  // of a format that is not built in: its bytes
    letter.packet.serializer = environment_.serializer;
    if (const RecordHeader* error = record.find(header::k_error); error && error->second) letter.error = *error->second;
    if (origin && origin->second) letter.origin = *origin->second;
  }
  read_death_headers(letter);
  return letter;
}

const KeptRecord* KafkaDeadLetterBox::find(const DeadLetter& letter) const noexcept {
  const auto is_it = [&letter](const KeptRecord& record) { return std::to_string(record.offset) == letter.id; };
  const auto found = std::find_if(records_.begin(), records_.end(), is_it);
  return found == records_.end() ? nullptr : &*found;
}

asio::awaitable<Result<void>> KafkaDeadLetterBox::replay(const DeadLetter& letter) {
  const KeptRecord* kept = find(letter);
  if (!kept || !is_topic_name(letter.origin)) {
    co_return Error(errc::unsupported, "the dead letter " + letter.id + " does not say which topic it came from",
                    End::rejected);
  }
  const OutgoingRecord record = compose_replay(kept->view(letter.origin));
  begin();
  const auto code = producer_->send(producer_->topic(letter.origin), record, 1);
  if (code) co_return make_error(code, "the dead letter cannot be sent to " + letter.origin, End::rejected);
  Result<void> sent = co_await finish();
  if (!sent) co_return sent;
  co_return co_await drop(letter);
}

asio::awaitable<Result<void>> KafkaDeadLetterBox::drop(const DeadLetter& letter) {
  const KeptRecord* kept = find(letter);
  if (!kept) co_return Error(errc::invalid_config, "there is no dead letter " + letter.id, End::rejected);
  DecidedOffsets decided = decided_;
  decided.decide(kept->offset);
  decided.advance(there_);
  const GroupOffsets::Committed committed{decided.first_open(), decided.metadata()};
  if (committed.metadata.size() > k_most_metadata) {
    co_return Error(errc::overloaded, "too many dead letters were decided out of order: decide the oldest first",
                    End::rejected);
  }
  offsets_->write(committed, [step = begin()](const Result<GroupOffsets::Committed>& written) {
    step->set(written ? Result<void>() : Result<void>(written.error()));
  });
  Result<void> outcome = co_await finish();
  if (!outcome) co_return outcome;
  decided_ = std::move(decided);
  const std::int64_t offset = kept->offset;
  std::erase_if(records_, [offset](const KeptRecord& record) { return record.offset == offset; });
  co_return outcome;
}

void KafkaDeadLetterBox::on_sent(Ticket, rd_kafka_resp_err_t code, End end) {
  if (!step_) return;
  step_->set(code ? Result<void>(make_error(code, "the broker did not take the message", end)) : Result<void>());
}

/// From within librdkafka; nobody else's code runs by setting a step.
void KafkaDeadLetterBox::on_producer_error(rd_kafka_resp_err_t code, std::string_view reason, bool) {
  const bool is_clear = startup_.note(code, reason);
  if (is_clear && step_) step_->set(startup_.error(make_error(code, std::string(reason), End::rejected)));
}

void KafkaDeadLetterBox::close() {
  if (std::exchange(is_closed_, true)) return;
  scan_.reset();
  if (offsets_) offsets_->close();
  if (admin_) admin_->close();
  if (producer_) producer_->close();
}

}  // namespace waybill::kafka
