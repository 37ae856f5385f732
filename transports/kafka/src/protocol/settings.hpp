// librdkafka's configuration from ours.
#pragma once

#include "protocol/handle.hpp"
#include "waybill/result.hpp"
#include "waybill/transports/kafka.hpp"

#include <string>

namespace waybill::kafka {

enum class Role {
  producer,
  single,          ///< A producer whose records share no batch: one that is refused costs no other.
  admin,           ///< A producer that sends nothing: it needs no right to.
  group_consumer,  ///< Of a listener: in a group, commits what was stored.
  reply_consumer,  ///< Of a connection: assigns by hand, commits nothing.
  scanner,         ///< Of dead letters: as reply_consumer, from the oldest on where an offset is gone.
};

/// Of the group protocol "consumer" (KIP-848), where the brokers decide what the classic one has members decide: librdkafka
/// refuses their settings beside it.
bool has_brokers_decide(const Options& options);

/// Errors: invalid_config that names the setting (those of rdkafka.NAME too).
Result<Conf> make_conf(const Options& options, Role role, const std::string& client_id, const std::string& group_id);

}  // namespace waybill::kafka
