#include "transports.hpp"

#include "inputs.hpp"
#include <waybill/registry.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace waybill::cli {
namespace {

std::string text_of(Support support) {
  switch (support) {
    case Support::native: return "native";
    case Support::emulated: return "emulated";
    case Support::impossible: break;
  }
  return "-";
}
std::string text_of(bool has) { return has ? "yes" : "-"; }

/// "tcp" for tcp and tcps, once.
std::vector<std::string> plain_schemes(const Registry& registry) {
  std::vector<std::string> schemes = registry.schemes();
  const std::vector<std::string> all = schemes;
  std::erase_if(schemes, [&all](const std::string& scheme) {
    return scheme.ends_with('s') && std::find(all.begin(), all.end(), scheme.substr(0, scheme.size() - 1)) != all.end();
  });
  return schemes;
}

struct Line {
  const char* name;
  std::string (*cell)(const Capabilities&);
};

constexpr Line k_lines[] = {
    {"events", [](const Capabilities& can) { return std::string(can.event_promise); }},
    {"requests", [](const Capabilities& can) { return text_of(can.requests); }},
    {"wildcards", [](const Capabilities& can) { return text_of(can.wildcards); }},
    {"groups", [](const Capabilities& can) { return text_of(can.groups); }},
    {"headers", [](const Capabilities& can) { return text_of(can.headers); }},
    {"redelivery", [](const Capabilities& can) { return text_of(can.redelivery); }},
    {"dead letters", [](const Capabilities& can) { return text_of(can.dead_letters); }},
    {"tells when nobody took a message", [](const Capabilities& can) { return text_of(can.receivers); }},
    {"tells when nobody handles a request", [](const Capabilities& can) { return text_of(can.tells_unhandled); }},
    {"confirms events", [](const Capabilities& can) { return text_of(can.confirms); }},
    {"keeps the order of a connection", [](const Capabilities& can) { return text_of(can.keeps_order); }},
    {"sees callers go", [](const Capabilities& can) { return text_of(can.sees_callers); }},
    {"hears that one call was given up", [](const Capabilities& can) { return text_of(can.hears_cancels); }},
    {"one service at an address", [](const Capabilities& can) { return text_of(can.sole_listener); }},
};

}  // namespace

Outcome transports() {
  const std::shared_ptr<const Registry> registry = default_registry();
  std::string head = "| |";
  std::string rule = "| --- |";
  std::vector<std::unique_ptr<Transport>> all;
  for (const std::string& scheme : plain_schemes(*registry)) {
    all.push_back(registry->make_transport(Url::parse(scheme + "://localhost").value()).value());
    head += ' ' + scheme + " |";
    rule += " --- |";
  }
  print_line(head);
  print_line(rule);
  for (const Line& line : k_lines) {
    std::string row = std::string("| ") + line.name + " |";
    for (const auto& transport : all) row += ' ' + line.cell(transport->capabilities()) + " |";
    print_line(row);
  }
  return Outcome();
}

}  // namespace waybill::cli
