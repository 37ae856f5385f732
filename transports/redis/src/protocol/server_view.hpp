// ServerView: what is known of the server behind a link, from its answers to HELLO and ROLE. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace waybill::redis {

class ServerView {
 public:
  enum class Role : std::uint8_t { unknown, primary, replica, sentinel };
  /// What it means when a PUBLISH was taken by 0 subscribers.
  enum class Zero : std::uint8_t {
    nobody,  ///< Nobody has got it.
    perhaps,  ///< A subscriber of a replica may have, which nobody counts; or it is not known whether there are replicas.
    nothing,  ///< A node of a cluster, which counts its own subscribers only.
  };

  /// Elements of HELLO's answer in RESP2: names and values in turn.
  void take_hello(std::size_t index, std::string_view text);
  /// Elements of ROLE's answer; a new answer begins with index 0.
  void take_role(std::size_t index, std::string_view text);
  void take_role_array(std::size_t index, std::size_t size) noexcept;
  /// ROLE is not for this user, or not known to this server.
  void role_refused() noexcept { knows_role_ = false; }

  Role role() const noexcept { return role_; }
  bool knows_role() const noexcept { return knows_role_; }  ///< ROLE was answered.
  Zero zero() const noexcept {
    if (is_cluster_) return Zero::nothing;
    return knows_role_ && replicas_ == 0 ? Zero::nobody : Zero::perhaps;
  }
  /// Subscribers that this server does not count surely exist, or may: a cluster, or a primary with replicas.
  bool counts_a_part() const noexcept { return is_cluster_ || replicas_ > 0; }

 private:
  enum class Key : std::uint8_t { other, mode, role };
  Role role_ = Role::unknown;
  Key key_ = Key::other;
  bool is_cluster_ = false;
  bool knows_role_ = false;
  std::size_t replicas_ = 0;
};

}  // namespace waybill::redis
