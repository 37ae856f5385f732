// Where a partition begins for which the group has committed nothing. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::kafka {

/// What the group has committed for one partition.
struct CommittedOffset {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = -1;  ///< Negative: nothing.
  std::string metadata;
};

/// "Behind the newest record" is where a group begins that is new to a topic, and only then: a partition that is added
/// later has been missed by nobody, and so has a topic that is made anew.
class StartRule {
 public:
  enum class Begin : std::uint8_t { committed, oldest, newest };

  /// The group shares out, for the first time here if `is_first`; `known`: what it has committed in the topics concerned,
  /// the partitions that are ours and all that have lower numbers.
  void shared_out(const std::vector<CommittedOffset>& known, bool is_first, std::int64_t now_seconds);
  /// The group has a place in the topic now.
  void note_committed(std::string_view topic) {
    if (!seen_.contains(topic)) seen_.emplace(topic);
  }
  /// This listener has made the topic: nothing is in it that was not meant for the group.
  void note_made(std::string_view topic) { made_.emplace(topic); }
  bool is_made(std::string_view topic) const { return made_.contains(topic); }
  /// It may begin behind the newest record, if the group has committed nothing.
  bool is_new(std::string_view topic) const { return new_.contains(topic) && !seen_.contains(topic); }
  bool has_seen(std::string_view topic) const { return seen_.contains(topic); }
  Begin of(const CommittedOffset& partition) const;

  /// The metadata of a group's very first offsets. Members that start at the same time do not take them for a sign that
  /// the group has been there long.
  static std::string mark(std::int64_t now_seconds);

 private:
  std::set<std::string, std::less<>> new_;  ///< Topics that were there at the first time, and the group new to them.
  std::set<std::string, std::less<>> made_;
  std::set<std::string, std::less<>> seen_;  ///< Topics in which the group has committed.
};

}  // namespace waybill::kafka
