#include "protocol/statistics.hpp"

#include "waybill/format/json_text.hpp"

#include <vector>

namespace waybill::kafka {
namespace {

/// Walks without recursion: the name of the value at hand grows and shrinks with the objects that are open.
class Walk {
 public:
  Walk(std::string_view json, std::string_view prefix, const MetricSink& sink)
      : reader_(json), name_(prefix), sink_(sink) {}

  void run() {
    if (!reader_.take('{')) return;
    outer_.push_back(name_.size());
    bool is_first = true;  // of its object
    while (!outer_.empty()) {
      if (reader_.take('}')) {
        outer_.pop_back();
        is_first = false;
      } else if ((!is_first && !reader_.take(',')) || !member(is_first)) {
        return;
      }
    }
  }

 private:
  /// False at a mistake. `opens`: whether the value is an object, whose members come next.
  bool member(bool& opens) {
    std::string key;
    if (!reader_.read_string(key) || !reader_.take(':')) return false;
    name_.resize(outer_.back());
    (name_ += '.') += key;
    opens = reader_.take('{');
    if (opens) {
      outer_.push_back(name_.size());
      return true;
    }
    const char first = reader_.peek();
    if (first != '-' && (first < '0' || first > '9')) return reader_.skip_value();
    double value = 0;
    if (!reader_.read_number(value)) return false;
    sink_(name_, value);
    return true;
  }

  format::JsonReader reader_;
  std::string name_;
  const MetricSink& sink_;
  std::vector<std::size_t> outer_;  ///< How long the name is outside of each object that is open.
};

}  // namespace

void tell_statistics(std::string_view json, std::string_view prefix, const MetricSink& sink) {
  Walk(json, prefix, sink).run();
}

}  // namespace waybill::kafka
