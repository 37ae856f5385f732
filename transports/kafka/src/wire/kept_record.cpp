#include "wire/kept_record.hpp"

namespace waybill::kafka {
namespace {

std::optional<std::string> keep(const Bytes& bytes) {
  return bytes ? std::optional<std::string>(*bytes) : std::nullopt;
}
Bytes view_of(const std::optional<std::string>& kept) noexcept { return kept ? Bytes(*kept) : Bytes(); }

}  // namespace

KeptRecord::KeptRecord(const IncomingRecord& record)
    : offset(record.offset), key(keep(record.key)), value(keep(record.value)) {
  for (const auto& [name, bytes] : record.headers) headers.emplace_back(std::string(name), keep(bytes));
}

KeptRecord::KeptRecord(const OutgoingRecord& record)
    : key(keep(record.content.key)), value(keep(record.content.value)) {
  for (const auto& [name, bytes] : record.headers) headers.emplace_back(std::string(name), keep(bytes));
}

IncomingRecord KeptRecord::view(std::string_view topic) const {
  IncomingRecord record;
  record.topic = topic;
  record.offset = offset;
  record.key = view_of(key);
  record.value = view_of(value);
  for (const auto& [name, bytes] : headers) record.headers.emplace_back(name, view_of(bytes));
  return record;
}

}  // namespace waybill::kafka
