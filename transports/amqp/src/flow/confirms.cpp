#include "flow/confirms.hpp"

#include "protocol/error.hpp"
#include "wire/table.hpp"

#include <algorithm>

namespace waybill::amqp {
namespace {

constexpr std::size_t k_tidy_bytes = 64u << 10;
constexpr std::size_t k_tidy_records = 1'024;
constexpr std::size_t k_tidy_done = 64;

}  // namespace

void Confirms::added(Ticket ticket, std::size_t begins_at, const Layout& layout) {
  Record record{};
  record.ticket = ticket;
  record.size = static_cast<std::uint32_t>(bytes_.size() - begins_at);
  record.table_at = static_cast<std::uint32_t>(layout.table_at);
  record.body_at = static_cast<std::uint32_t>(layout.body_at);
  records_.push_back(record);
}

void Confirms::channel_open() noexcept {
  is_open_ = true;
  under_way_ = sent_bytes_ = 0;
  next_tag_ = 1;
  doubted_before_ = 0;
}

void Confirms::channel_lost() noexcept {
  is_open_ = false;
  if (done_) close_gaps();  // what is confirmed is not sent again
  for (std::size_t i = first_; i < first_ + under_way_; ++i) records_[i].is_returned = false;
  under_way_ = sent_bytes_ = 0;
}

void Confirms::channel_closed(const Error& error) {
  const bool is_culprit = suspects_ && under_way_ == 1;  // it has closed the channel twice
  suspects_ = std::max(suspects_, under_way_);
  channel_lost();
  if (!is_culprit) return;
  end(first_, error);
  drop_done();
}

void Confirms::send(Buffer& out) {
  if (!is_open_) return;
  while (first_ + under_way_ < records_.size()) {
    if (suspects_ && under_way_) return;
    Record& record = records_[first_ + under_way_];
    const std::string_view message = bytes_.view().substr(head_ + sent_bytes_, record.size);
    if (record.was_sent) {
      append_marked(record, message, out);
    } else {
      out.append(message);
    }
    record.was_sent = true;
    record.tag = next_tag_++;
    ++under_way_;
    sent_bytes_ += record.size;
  }
}

void Confirms::append_marked(const Record& record, std::string_view message, Buffer& out) const {
  std::string mark;
  append_text_entry(mark, header::k_resent, "1");
  const std::size_t start = out.size();
  out.append(message.substr(0, record.table_at + 4));
  out.append(mark);
  out.append(message.substr(record.table_at + 4));
  // The sizes of the table and of the header frame around it.
  const auto grow = [&](std::size_t at) {
    char* const size = out.data() + start + at;
    store<std::uint32_t>(size, load<std::uint32_t>(size) + static_cast<std::uint32_t>(mark.size()));
  };
  grow(record.table_at);
  const std::size_t method = k_frame_overhead + load<std::uint32_t>(message.data() + 3);
  grow(method + 3);
}

void Confirms::refused(std::uint64_t tag, bool multiple) {
  settle(tag, multiple,
         Error(errc::overloaded,
               nack_end_ == End::rejected ? "the queue did not take the message (basic.nack): it is full"
                                          : "a queue did not keep the message (basic.nack): it is full, was deleted, "
                                            "or failed; it may have delivered it "
                                            "before, and other queues may have it",
               nack_end_));
}

/// Behind the last that was sent on this channel if there is none with the tag.
std::size_t Confirms::find(std::uint64_t tag) const noexcept {
  const auto begin = records_.begin() + static_cast<std::ptrdiff_t>(first_);
  const auto end = begin + static_cast<std::ptrdiff_t>(under_way_);
  const auto at =
      std::lower_bound(begin, end, tag, [](const Record& record, std::uint64_t wanted) { return record.tag < wanted; });
  return static_cast<std::size_t>(at - begin);
}

void Confirms::settle(std::uint64_t tag, bool multiple, std::optional<Error> error) {
  const bool is_all = multiple && tag == 0;
  if (!is_all && tag >= next_tag_) return;  // the broker confirms what was never sent
  const std::size_t at = find(tag);
  const bool is_there = at < under_way_ && records_[first_ + at].tag == tag;
  if (!is_there && !multiple) return;
  const std::size_t end_at = is_all ? under_way_ : is_there ? at + 1 : at;
  for (std::size_t i = multiple ? 0 : at; i < end_at && i < under_way_; ++i) {
    if (!records_[first_ + i].is_done) end(first_ + i, error);
  }
  drop_done();
}

Confirms::Shown Confirms::shown(std::size_t index) const noexcept {
  std::size_t at = head_;
  for (std::size_t i = first_; i < index; ++i) at += records_[i].size;
  const Record& record = records_[index];
  Layout layout;
  layout.table_at = record.table_at;
  layout.body_at = record.body_at;
  return {bytes_.view().substr(at, record.size), layout};
}

void Confirms::end(std::size_t index, const std::optional<Error>& error) {
  Record& record = records_[index];
  record.is_done = true;
  ++done_;
  const Ticket ticket = record.ticket;
  if (record.is_returned) {
    return told_(ticket, no_route(reason_, record.tag < doubted_before_ ? End::unknown : End::rejected), shown(index));
  }
  if (error) {
    told_(ticket, *error, shown(index));
  } else if (ticket && !(ticket & k_failure_only)) {
    told_(ticket, Accepted{Accepted::By::confirmed, 0}, {});
  }
}

void Confirms::drop_done() {
  while (first_ < records_.size() && records_[first_].is_done) {
    const Record& record = records_[first_];
    head_ += record.size;
    if (under_way_) {
      --under_way_;
      sent_bytes_ -= record.size;
    }
    --done_;
    if (suspects_) --suspects_;
    ++first_;
  }
  if (empty()) return rewind();
  if (done_ > k_tidy_done && done_ > size() / 2) close_gaps();
  if (first_ > k_tidy_records && first_ > records_.size() / 2) {
    records_.erase(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  if (head_ > k_tidy_bytes && head_ > bytes_.size() / 2) {
    bytes_.erase(0, head_);
    head_ = 0;
  }
}

/// One that stays unconfirmed keeps no more in memory than there is.
void Confirms::close_gaps() {
  Buffer bytes;
  std::vector<Record> records;
  std::size_t at = head_;
  std::size_t under_way = 0, sent_bytes = 0, suspects = 0;
  for (std::size_t i = first_; i < records_.size(); ++i) {
    const Record& record = records_[i];
    const std::string_view message = bytes_.view().substr(at, record.size);
    at += record.size;
    if (record.is_done) continue;
    bytes.append(message);
    records.push_back(record);
    if (i < first_ + under_way_) {
      ++under_way;
      sent_bytes += record.size;
    }
    suspects += i < first_ + suspects_;
  }
  bytes_ = std::move(bytes);
  records_ = std::move(records);
  first_ = head_ = done_ = 0;
  under_way_ = under_way;
  sent_bytes_ = sent_bytes;
  suspects_ = suspects;
}

void Confirms::clear() noexcept {
  is_open_ = false;
  rewind();
}

void Confirms::rewind() noexcept {
  records_.clear();
  first_ = head_ = under_way_ = sent_bytes_ = suspects_ = done_ = 0;
  bytes_.clear();
  bytes_.shrink(1u << 20);
}

bool Confirms::looks_like(const Record& record, std::string_view message, std::string_view exchange,
                          std::string_view routing_key, std::string_view body) const noexcept {
  const auto short_text = [&message](std::size_t at) {
    return message.substr(at + 1, load<std::uint8_t>(message.data() + at));
  };
  const std::string_view own_exchange = short_text(k_frame_head + 6);
  if (own_exchange != exchange || short_text(k_frame_head + 6 + 1 + exchange.size()) != routing_key) return false;
  std::size_t at = record.body_at;
  while (at < message.size() && !body.empty()) {
    const auto size = load<std::uint32_t>(message.data() + at + 3);
    if (!body.starts_with(message.substr(at + k_frame_head, size))) return false;
    body.remove_prefix(size);
    at += k_frame_overhead + size;
  }
  return body.empty() && at == message.size();
}

Confirms::Record* Confirms::next_returned(std::string_view exchange, std::string_view routing_key,
                                          std::string_view body) noexcept {
  std::size_t at = head_;
  for (std::size_t i = first_; i < first_ + under_way_; ++i) {
    Record& record = records_[i];
    const std::string_view message = bytes_.view().substr(at, record.size);
    at += record.size;
    if (!record.is_done && !record.is_returned && looks_like(record, message, exchange, routing_key, body))
      return &record;
  }
  return nullptr;
}

void Confirms::returned(std::string_view exchange, std::string_view routing_key, std::string_view body,
                        std::string_view reason) {
  Record* const record = next_returned(exchange, routing_key, body);
  if (!record) return;
  record->is_returned = true;
  reason_ = reason;
}

}  // namespace waybill::amqp
