#include "waybill/packet.hpp"

#include <algorithm>

namespace waybill {

const std::string* Headers::find(std::string_view name) const noexcept {
  const auto entry = std::find_if(entries_.rbegin(), entries_.rend(), [&](const Entry& e) { return e.first == name; });
  return entry == entries_.rend() ? nullptr : &entry->second;
}

void Headers::set(std::string_view name, std::string_view value) {
  erase(name);
  entries_.emplace_back(name, value);
}

void Headers::erase(std::string_view name) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.first == name; });
}

Packet Packet::own() const {
  Packet copy = *this;
  std::string names;
  names.reserve(pattern.text.size() + route.size() + id.text.size());
  names.append(pattern.text).append(route).append(id.text);
  copy.storage_ = Slice::copy(names);
  const std::string_view all = copy.storage_.view();
  copy.pattern.text = all.substr(0, pattern.text.size());
  copy.route = all.substr(pattern.text.size(), route.size());
  copy.id.text = all.substr(pattern.text.size() + route.size());
  copy.payload = payload.own();
  copy.metadata = metadata.own();
  return copy;
}

}  // namespace waybill
