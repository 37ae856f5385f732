#include "waybill/transport/packet.hpp"

namespace waybill {

Headers::Headers(std::vector<Entry> entries)
    : entries_(entries.empty() ? nullptr : new std::vector<Entry>(std::move(entries))) {}

Headers::Headers(const Headers& other) : entries_(other.empty() ? nullptr : new std::vector<Entry>(*other.entries_)) {}

void Headers::Drop::operator()(const std::vector<Entry>* entries) const noexcept { delete entries; }

std::vector<Headers::Entry>& Headers::entries() {
  if (!entries_) entries_.reset(new std::vector<Entry>());
  return *entries_;
}

const std::string* Headers::find(std::string_view name) const noexcept {
  for (std::size_t i = size(); i > 0; --i) {
    if ((*entries_)[i - 1].first == name) return &(*entries_)[i - 1].second;
  }
  return nullptr;
}

void Headers::set(std::string_view name, std::string_view value) {
  erase(name);
  entries().emplace_back(name, value);
}

void Headers::erase(std::string_view name) {
  if (entries_) std::erase_if(*entries_, [&](const Entry& entry) { return entry.first == name; });
}

Packet Packet::own() const {
  Packet copy = *this;
  Buffer names;
  names.reserve(pattern.text.size() + route.size() + id.text.size());
  for (const std::string_view name : {pattern.text, route, id.text}) names.append(name);
  copy.storage_ = names.take();
  const std::string_view all = copy.storage_.view();
  copy.pattern.text = all.substr(0, pattern.text.size());
  copy.route = all.substr(pattern.text.size(), route.size());
  copy.id.text = all.substr(pattern.text.size() + route.size());
  copy.payload = payload.own();
  copy.metadata = metadata.own();
  return copy;
}

}  // namespace waybill
