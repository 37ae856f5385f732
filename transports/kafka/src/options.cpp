// Options: what a URL says, checked, every mistake told.
#include "waybill/transport/tls_url.hpp"
#include "waybill/transports/kafka.hpp"

namespace waybill::kafka {
namespace {

/// Settings of librdkafka that take away, or bring beside the URL, what its scheme and its options say.
void check_tls(OptionReader& reader, const Options& options) {
  for (const auto& [name, value] : options.native) {
    const std::string full = "rdkafka." + name;
    if (name == "security.protocol" && value.ends_with("ssl") != options.tls)
      reader.mistake(full + "=" + value + ": TLS is chosen by the scheme, kafkas:// or kafka://");
    if (name == "enable.ssl.certificate.verification" || name == "ssl.endpoint.identification.algorithm")
      reader.mistake(full + ": write verify=true or verify=false");
    else if (!options.tls && (name.starts_with("ssl.") || name.starts_with("enable.ssl.")))
      reader.mistake(full + ": needs TLS, write kafkas:// or tls=true");
  }
}

}  // namespace

Result<Options> Options::from_url(const Url& url) {
  Options options;
  OptionReader reader(url);
  options.hosts = url.hosts;
  options.user = url.user;
  options.password = url.password;
  constexpr const char* k_mechanisms[] = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"};
  options.mechanism = k_mechanisms[reader.choice("mechanism", "PLAIN|SCRAM-SHA-256|SCRAM-SHA-512", 0)];

  options.group_id = reader.text("group_id|groupId", options.group_id);
  options.client_id = reader.text("client_id|clientId", options.client_id);
  options.postfix = reader.flag("postfix", options.postfix);
  options.prefix = reader.text("prefix");
  options.from_beginning = reader.flag("from_beginning|fromBeginning", options.from_beginning);
  options.create_topics = reader.flag("create_topics|allowAutoTopicCreation", options.create_topics);
  options.partitions = static_cast<int>(reader.number("partitions", 0, 0, 10'000));
  options.replication = static_cast<int>(reader.number("replication", 0, 0, 100));
  if (options.partitions == 0) options.partitions = -1;
  if (options.replication == 0) options.replication = -1;
  options.reply_partition = static_cast<int>(reader.number("reply_partition", 0, 0, 1'000'000));

  options.start_timeout = reader.duration("start_timeout", options.start_timeout);
  options.join_timeout = reader.duration("join_timeout", options.join_timeout);
  options.send_timeout = reader.duration("send_timeout", options.send_timeout);
  options.session_timeout = reader.duration("session_timeout|sessionTimeout", options.session_timeout);
  options.ping_interval = reader.duration("ping_interval", options.ping_interval);
  options.ping_timeout = reader.duration("ping_timeout", options.ping_timeout);
  options.revoke_timeout = reader.duration("revoke_timeout", options.revoke_timeout);
  options.retry_backoff = reader.duration("retry_backoff", options.retry_backoff);
  options.discovery = reader.duration("discovery", options.discovery);
  options.statistics = reader.duration("statistics", options.statistics);
  options.max_message = reader.size("max_message", options.max_message);
  options.max_unsent = reader.size("max_unsent", options.max_unsent);
  options.max_in_hand = reader.size("max_in_hand", options.max_in_hand);

  transport::read_tls(reader, url, "kafkas", options);
  options.native = reader.passthrough("rdkafka.");
  check_tls(reader, options);

  if (options.user.empty() != options.password.empty()) reader.mistake("SASL needs a user and a password");
  if (!url.path.empty()) reader.mistake("kafka has no path: \"/" + url.path + "\"");
  if (options.max_message < 1'000 || options.max_message > 1'000'000'000)
    reader.mistake("max_message: must be from 1000 bytes to 1000000000 bytes");
  if (options.discovery.count() < 10 || options.discovery > std::chrono::hours(1))
    reader.mistake("discovery: must be from 10ms to 1h");
  if (options.ping_timeout.count() == 0) reader.mistake("ping_timeout: must not be 0");
  if (options.group_id.empty()) reader.mistake("group_id: must not be empty");
  if (auto finished = reader.finish(); !finished) return finished.error();
  return options;
}

}  // namespace waybill::kafka
