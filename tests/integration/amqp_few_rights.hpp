// Users of RabbitMQ who lack one right each.
#pragma once

#include <string>
#include <string_view>

namespace waybill::test {

/// A user who lacks one right.
struct FewRights {
  enum Role { service, events, client, talker, looker, player };
  const char* user;
  Role role;
  const char* options;  ///< Q, D and E stand for the queue, that of dead letters, and the exchange.
  const char* configure;
  const char* write;
  const char* read;
  const char* right;  ///< What is missing, and
  const char* what;   ///< of what.
};
inline constexpr FewRights k_few_rights[] = {
    {"u1", FewRights::service, "queue=Q", "^$", ".*", ".*", "configure", "queue Q"},
    {"u2", FewRights::service, "queue=Q", ".*", ".*", "^$", "read", "queue Q"},
    {"u3", FewRights::service, "queue=Q&no_assert=true", "^$", ".*", "^$", "read", "queue Q"},
    {"u4", FewRights::service, "queue=Q&dead_letter=D-new", "^Q$", ".*", ".*", "configure", "queue D-new"},
    {"u5", FewRights::service, "queue=Q", ".*", "^$", ".*", "write", "default exchange"},
    {"u6", FewRights::service, "queue=Q&wildcards=true&exchange=E", "^Q$", ".*", ".*", "configure", "exchange E"},
    {"u7", FewRights::service, "queue=Q&wildcards=true&exchange=E", ".*", "^amq.default$", ".*", "write", "queue Q"},
    {"u8", FewRights::service, "queue=Q&wildcards=true&exchange=E", ".*", ".*", "^Q$", "read", "exchange E"},
    {"u9", FewRights::client, "queue=Q", "^$", ".*", ".*", "configure", "queue Q"},
    {"u10", FewRights::client, "queue=Q", ".*", "^$", ".*", "write", "default exchange"},
    {"u11", FewRights::client, "queue=Q&delivery=at_most_once", ".*", "^$", ".*", "write", "default exchange"},
    {"u12", FewRights::client, "wildcards=true&exchange=E", "^$", ".*", ".*", "configure", "exchange E"},
    {"u13", FewRights::talker, "wildcards=true&exchange=E", ".*", "^amq.default$", ".*", "write", "exchange E"},
    {"u14", FewRights::talker, "wildcards=true&exchange=E", ".*", "^$", ".*", "write", "exchange E"},
    {"u15", FewRights::talker, "queue=E&no_assert=true&exchange=E&wildcards=true", "^$", "^$", "^$", "write",
     "exchange E"},
    {"u16", FewRights::events, "queue=Q&dead_letter=D", ".*", "^$", ".*", "write", "default exchange"},
    {"u18", FewRights::looker, "queue=Q&dead_letter=D", ".*", ".*", "^$", "read", "queue D"},
    {"u19", FewRights::player, "queue=Q&dead_letter=D", ".*", "^$", ".*", "write", "default exchange"},
    {"u17", FewRights::events, "queue=Q&attempts=3&backoff=1ms", ".*", "^$", ".*", "write", "default exchange"},
};

/// With the names that stand for Q, D and E.
inline std::string named(std::string_view text) {
  std::string out;
  for (const char c : text) (out += c) += std::string_view("QDE").find(c) == std::string_view::npos ? "" : "-rights";
  return out;
}

}  // namespace waybill::test
