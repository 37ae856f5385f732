// The conformance suite: what every transport promises (docs/adding-a-transport.md), as tests. A transport takes part with
// one short file:
//
//   class MyStage final : public waybill::conformance::Stage { ... };   // one test's world
//   namespace waybill::conformance {
//   INSTANTIATE_TEST_SUITE_P(Mine, TransportConformance,
//                            testing::Values(Subject{"mine_json", "json", [] { return std::make_unique<MyStage>(); }}),
//                            subject_name);
//   }
//
// Link waybill_conformance_suite (an OBJECT library: all of its tests come along) and gtest_main.
#pragma once

#include "waybill/registry.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

namespace waybill::conformance {

/// The world of one test: made before it, gone after it. Names and ports are fresh in each.
///
/// Threads: all members are called by the thread that runs the test, never from within a call of the transport.
class Stage {
 public:
  virtual ~Stage() = default;

  /// The environment variable with the URL of a broker that this stage needs and does not have: its tests are skipped, or
  /// fail where nothing may be skipped. Empty: all is there.
  virtual std::string missing() { return {}; }
  virtual std::shared_ptr<const Registry> registry() = 0;
  /// What listeners listen on; the same for all of a test. Port 0 where there are ports.
  virtual std::string listener_url() = 0;
  /// Where clients find a listener whose address() is `address`.
  virtual std::string client_url(const std::string& address) = 0;

  /// A channel for dead letters that is of this stage alone and empty.
  virtual std::string dead_letter() { return "dead"; }

  /// How many requests a listener takes at once at least, with default options.
  virtual int at_once() const { return 500; }
  /// Cuts every link of this stage once; both sides can open theirs again. False: this stage cannot.
  virtual bool cut_links() { return false; }
  /// Nothing gets through until thaw(), and no link breaks. False: this stage cannot.
  virtual bool freeze() { return false; }
  virtual void thaw() {}
};

struct Subject {
  std::string name;        ///< Of letters, digits and `_`.
  std::string serializer;  ///< By its name in the stage's registry.
  std::function<std::unique_ptr<Stage>()> make_stage;
};

inline std::string subject_name(const testing::TestParamInfo<Subject>& info) { return info.param.name; }
inline void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.name; }

}  // namespace waybill::conformance

#include "fixture.hpp"  // NOLINT: TransportConformance
