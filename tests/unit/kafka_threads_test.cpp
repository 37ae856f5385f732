// librdkafka's threads leave the processor to a thread of ours that is in the middle of a burst.
#include "background_threads.hpp"
#include "handle.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace waybill::kafka {
namespace {

/// The scheduling policies of librdkafka's threads in this process, by the threads' names.
std::multimap<std::string, int> policies() {
  std::multimap<std::string, int> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(entry.path() / "comm"), name);
    if (!name.starts_with("rdk:")) continue;
    const std::string id = entry.path().filename();
    pid_t thread = 0;
    std::from_chars(id.data(), id.data() + id.size(), thread);
    found.emplace(name, ::sched_getscheduler(thread));
  }
  return found;
}

TEST(KafkaThreads, DoNotInterruptABurst) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char problem[256] = "";
  ASSERT_EQ(rd_kafka_conf_set(conf, "bootstrap.servers", "127.0.0.1:1", problem, sizeof(problem)), RD_KAFKA_CONF_OK);
  ASSERT_EQ(rd_kafka_conf_set(conf, "log_level", "0", problem, sizeof(problem)), RD_KAFKA_CONF_OK);
  Instance instance;
  {
    const BatchThreads threads;
    instance.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, problem, sizeof(problem)));
  }
  ASSERT_TRUE(instance) << problem;
  EXPECT_TRUE(test::eventually(test::k_patience, [] {
    const auto found = policies();
    return found.size() >= 2 &&
           std::all_of(found.begin(), found.end(), [](const auto& thread) { return thread.second == SCHED_BATCH; });
  }));
  EXPECT_EQ(::sched_getscheduler(0), SCHED_OTHER);
}

}  // namespace
}  // namespace waybill::kafka
