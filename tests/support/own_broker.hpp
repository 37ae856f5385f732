// A broker that belongs to one test, so that it may be killed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace waybill::test {

/// Brings up one broker with scripts/brokers.sh, with ports and a folder of its own; both go with the object.
/// All members block, for seconds; they may be called on any thread.
class OwnBroker {
 public:
  /// `name` as the script knows it: redis, rabbitmq, kafka. `variable`: which of its URLs is wanted.
  OwnBroker(std::string name, const std::string& variable);
  ~OwnBroker();
  OwnBroker(const OwnBroker&) = delete;
  OwnBroker& operator=(const OwnBroker&) = delete;

  /// Empty if the broker did not come up.
  const std::string& url() const noexcept { return url_; }
  /// Of one of its ports, by the name that the script gives it ("kafka-via"); 0: it has none of that name.
  std::uint16_t port(const std::string& of) const;
  void kill();    ///< SIGKILL; its data and ports stay.
  void start();   ///< Returns when it answers again.
  void freeze();  ///< SIGSTOP: it is there, and does nothing. Returns when none of its threads runs any more.
  void thaw();
  void rabbitmqctl(const std::string& arguments) { run("rabbitmqctl " + arguments); }

 private:
  /// What the script prints; that it failed fails the test, with what it said.
  std::string run(const std::string& arguments) const;
  std::string name_;
  std::filesystem::path folder_;
  std::string url_;
};

}  // namespace waybill::test
