#include "waybill/format/recorded_value.hpp"

#include <utility>

namespace waybill::format {
namespace {

/// Records what a source plays.
class Recorder final : public ValueSink {
 public:
  explicit Recorder(std::vector<RecordedValue::Step>& steps) : steps_(steps) {}

  bool null() override { return add(RecordedValue::Null{}); }
  bool boolean(bool value) override { return add(value); }
  bool integer(std::int64_t value) override { return add(value); }
  bool natural(std::uint64_t value) override { return add(value); }
  bool number(double value) override { return add(value); }
  bool text(std::string_view value) override { return add(std::string(value)); }
  bool bytes(std::string_view value) override { return add(RecordedValue::Bytes{std::string(value)}); }
  bool begin_list(std::size_t) override { return begin(false); }
  bool end_list() override { return end(false); }
  bool begin_map(std::size_t) override { return begin(true); }
  bool key(std::string_view name) override { return append(RecordedValue::Key{std::string(name)}); }
  bool end_map() override { return end(true); }

 private:
  // Made where it stays: g++ 12 takes a moved variant for uninitialized.
  template <class Step>
  bool append(Step&& step) {
    steps_.emplace_back(std::forward<Step>(step));
    return true;
  }
  /// A value is one more item of what is open.
  template <class Step>
  bool add(Step&& step) {
    if (!open_.empty()) ++std::get<RecordedValue::Begin>(steps_[open_.back()]).size;
    return append(std::forward<Step>(step));
  }
  bool begin(bool is_map) {
    add(RecordedValue::Begin{is_map, 0});
    open_.push_back(steps_.size() - 1);
    return true;
  }
  bool end(bool is_map) {
    open_.pop_back();
    return append(RecordedValue::End{is_map});
  }

  std::vector<RecordedValue::Step>& steps_;
  std::vector<std::size_t> open_;  // where the lists and maps that are not ended yet begin
};

/// Plays one step into a sink.
struct Player {
  ValueSink& sink;
  bool operator()(RecordedValue::Null) const { return sink.null(); }
  bool operator()(bool value) const { return sink.boolean(value); }
  bool operator()(std::int64_t value) const { return sink.integer(value); }
  bool operator()(std::uint64_t value) const { return sink.natural(value); }
  bool operator()(double value) const { return sink.number(value); }
  bool operator()(const std::string& value) const { return sink.text(value); }
  bool operator()(const RecordedValue::Bytes& value) const { return sink.bytes(value.content); }
  bool operator()(const RecordedValue::Key& key) const { return sink.key(key.name); }
  bool operator()(RecordedValue::Begin begin) const {
    return begin.is_map ? sink.begin_map(begin.size) : sink.begin_list(begin.size);
  }
  bool operator()(RecordedValue::End end) const { return end.is_map ? sink.end_map() : sink.end_list(); }
};

bool write(const void* value, ValueSink& sink, std::string&) {
  for (const RecordedValue::Step& step : static_cast<const RecordedValue*>(value)->steps()) {
    if (!std::visit(Player{sink}, step)) return false;
  }
  return true;
}

bool read(void* value, ValueSource& source, std::string&) {
  std::vector<RecordedValue::Step>& steps = static_cast<RecordedValue*>(value)->steps();
  steps.clear();
  Recorder recorder(steps);
  return source.play(recorder);
}

}  // namespace
}  // namespace waybill::format

const waybill::TypeInfo& waybill::Describe<waybill::format::RecordedValue>::info() {
  static constexpr DynamicType type{{Kind::dynamic, "value"}, &format::write, &format::read};
  return type;
}
