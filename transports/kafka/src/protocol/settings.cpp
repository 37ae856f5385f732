#include "protocol/settings.hpp"

#include "waybill/transports/socket/dial.hpp"
#include "wire/wire.hpp"

#include <algorithm>

namespace waybill::kafka {
namespace {

/// Sets one after the other; keeps the first mistake.
class Setter {
 public:
  explicit Setter(rd_kafka_conf_t* conf) : conf_(conf) {}

  void set(const std::string& name, const std::string& value) {
    char problem[512] = "";
    if (rd_kafka_conf_set(conf_, name.c_str(), value.c_str(), problem, sizeof(problem)) == RD_KAFKA_CONF_OK) return;
    if (mistake_.empty()) mistake_ = problem;
  }
  void set(const std::string& name, std::chrono::milliseconds value) { set(name, std::to_string(value.count())); }
  void set_if(bool wanted, const std::string& name, const std::string& value) {
    if (wanted) set(name, value);
  }
  void note_mistake(const std::string& mistake) {
    if (mistake_.empty()) mistake_ = mistake;
  }
  const std::string& mistake() const noexcept { return mistake_; }

 private:
  rd_kafka_conf_t* conf_;
  std::string mistake_;
};

void set_common(Setter& conf, const Options& options, const std::string& client_id) {
  conf.set("bootstrap.servers", socket::to_text(options.hosts));
  conf.set("client.id", client_id);
  conf.set("log.queue", "true");  // log lines come with the other events, on our thread
  conf.set("socket.nagle.disable", "true");
  conf.set("socket.timeout.ms", "20000");  // a connection whose broker is silent for so long is made anew
  conf.set("reconnect.backoff.ms", "50");
  conf.set("reconnect.backoff.max.ms", "1000");
  conf.set("topic.metadata.refresh.fast.interval.ms", "20");  // topics that were created just now
  conf.set("topic.metadata.propagation.max.ms", "3000");      // so long a topic may be new, and not gone
  conf.set("allow.auto.create.topics", "false");              // created by us, or an error
  conf.set("statistics.interval.ms", options.statistics);
  const bool has_sasl = !options.user.empty();
  conf.set("security.protocol",
           options.tls ? (has_sasl ? "sasl_ssl" : "ssl") : (has_sasl ? "sasl_plaintext" : "plaintext"));
  if (has_sasl) {
    conf.set("sasl.mechanisms", options.mechanism);
    conf.set("sasl.username", options.user);
    conf.set("sasl.password", options.password);
  }
  if (!options.tls) return;
  conf.set("enable.ssl.certificate.verification", options.verify ? "true" : "false");
  conf.set("ssl.endpoint.identification.algorithm", options.verify ? "https" : "none");
  conf.set_if(!options.ca.empty(), "ssl.ca.location", options.ca);
  conf.set_if(!options.cert.empty(), "ssl.certificate.location", options.cert);
  conf.set_if(!options.key.empty(), "ssl.key.location", options.key);
  conf.set_if(!options.key_password.empty(), "ssl.key.password", options.key_password);
}

void set_producer(Setter& conf, const Options& options) {
  conf.set("enable.idempotence", "true");  // with acks=all, in order, each once
  conf.set("linger.ms", "0");              // its default costs each request and each reply 5 ms
  conf.set("sticky.partitioning.linger.ms", "0");
  conf.set("partitioner", "murmur2_random");  // as the Java client and kafkajs
  conf.set("message.timeout.ms", options.send_timeout);
  // With room for what a dead letter has beyond the record that was received.
  conf.set("message.max.bytes",
           std::to_string(std::min<std::size_t>(options.max_message + k_most_death, 1'000'000'000)));
  conf.set("queue.buffering.max.messages", "2000000");
  conf.set("queue.buffering.max.kbytes", std::to_string(std::max<std::size_t>(options.max_unsent / 1024, 1)));
}

/// Before 2.3 a member without an assignment aborts the process when it leaves; before 2.6.1 members join for ever.
void check_assignment(Setter& conf, const std::string& name, const std::string& value) {
  constexpr int k_least = 0x020601ff;
  if (name != "partition.assignment.strategy" || value.find("cooperative-sticky") == std::string::npos) return;
  if (rd_kafka_version() >= k_least) return;
  conf.note_mistake("rdkafka." + name + "=" + value + ": needs librdkafka 2.6.1 or newer, and this is " +
                    rd_kafka_version_str());
}

void set_consumer(Setter& conf, const Options& options, const std::string& group_id) {
  conf.set("group.id", group_id);
  conf.set("enable.partition.eof", "true");  // tells that a partition is positioned
  conf.set("fetch.error.backoff.ms", "20");
  conf.set("queued.max.messages.kbytes", "16384");
  conf.set("enable.auto.offset.store", "false");
  if (has_brokers_decide(options)) return;
  conf.set("session.timeout.ms", options.session_timeout);
  conf.set("heartbeat.interval.ms", std::min(options.session_timeout / 3, std::chrono::milliseconds(1000)));
}

}  // namespace

bool has_brokers_decide(const Options& options) {
  const auto is_it = [](const auto& setting) {
    return setting.first == "group.protocol" && setting.second == "consumer";
  };
  return std::any_of(options.native.begin(), options.native.end(), is_it);
}

Result<Conf> make_conf(const Options& options, Role role, const std::string& client_id, const std::string& group_id) {
  Conf conf(rd_kafka_conf_new());
  Setter setter(conf.get());
  set_common(setter, options, client_id);
  if (role == Role::producer || role == Role::single || role == Role::admin) {
    set_producer(setter, options);
    setter.set_if(role == Role::single, "batch.num.messages", "1");
    setter.set_if(role == Role::admin, "enable.idempotence", "false");
  } else {
    set_consumer(setter, options, group_id);
    const bool commits = role == Role::group_consumer;
    // How often an idle consumer asks. A partition that is added waits for the question under way: to a reader of replies
    // that is a first request to a topic.
    setter.set("fetch.wait.max.ms", commits ? "500" : "100");
    setter.set("enable.auto.commit", commits ? "true" : "false");
    setter.set_if(commits, "auto.commit.interval.ms", "1000");
    // Where records were deleted that were not read yet, or the topic was made anew; other beginnings are set by us.
    setter.set("auto.offset.reset", "earliest");
    if (commits) {
      // Its topics are there before it reads them: one that is missing was deleted. A newer librdkafka says so of a young
      // topic only after this time, and may never if it is made anew meanwhile.
      setter.set("topic.metadata.propagation.max.ms", "200");
      setter.set_if(!has_brokers_decide(options), "partition.assignment.strategy", "range,roundrobin");
      setter.set("topic.metadata.refresh.interval.ms", options.discovery);
    }
  }
  for (const auto& [name, value] : options.native) {
    if (role == Role::group_consumer) check_assignment(setter, name, value);
    setter.set(name, value);
  }
  if (setter.mistake().empty()) return conf;
  return Error(errc::invalid_config, "kafka URL: " + setter.mistake(), End::rejected);
}

}  // namespace waybill::kafka
