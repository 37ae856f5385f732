// The dead letters of one queue: taken without acknowledgement to be looked at, so that closing gives all back.
#pragma once

#include "flow/confirms.hpp"
#include "protocol/opening.hpp"
#include "protocol/set_up.hpp"
#include "waybill/transport/dead_letter.hpp"
#include "wire/wire.hpp"

#include <memory>
#include <string>
#include <vector>

namespace waybill::amqp {

/// What a box is, with its link; opened by the first operation, and again after a loss.
///
/// Threads:  the box's executor, one operation at a time.
/// Lifetime: shared by the box and its operations.
class LetterDesk final : public Opening::Owner, public std::enable_shared_from_this<LetterDesk> {
 public:
  LetterDesk(Environment environment, const Options& options, const Registry& registry);
  ~LetterDesk();

  static asio::awaitable<Result<std::vector<DeadLetter>>> list(std::shared_ptr<LetterDesk> self, std::size_t limit);
  static asio::awaitable<Result<void>> replay(std::shared_ptr<LetterDesk> self, DeadLetter letter);
  static asio::awaitable<Result<void>> drop(std::shared_ptr<LetterDesk> self, std::string id);
  void close();

 private:
  static constexpr ChannelId k_look = 1;
  static constexpr ChannelId k_send = 2;
  using Step = detail::Arrival<Result<void>>;
  struct Held {
    std::string id;
    std::uint64_t tag;
    Slice message;  ///< As it came.
  };

  void on_link(socket::Ref<Link> link) override { link_ = std::move(link); }
  void on_session_open() override;
  asio::awaitable<Result<void>> set_up() override;
  void on_session_failed(const Error& error) override { lost(error); }
  void on_link_lost(const Error& error) override { lost(error); }
  void on_message(ChannelId channel, const Method& method, const Incoming& message) override;
  void on_unreadable(ChannelId channel, const Method& method, const Error& why) override;
  void on_method(ChannelId channel, const Method& method) override;
  void on_channel_closed(ChannelId channel, const Error& error) override;
  void on_blocked(std::string_view reason) override;

  asio::awaitable<Result<void>> open();
  /// What an operation waits for; the link is lost if it takes too long.
  std::shared_ptr<Step> begin();
  void expect_more();
  void give_all_back();
  void get(std::size_t count);
  void add_letter(const amqp_basic_get_ok_t& got, const Incoming& message);
  Result<const Held*> held(const std::string& id) const;
  Result<void> ended(std::optional<Result<void>> outcome, const char* what);
  /// Acknowledges, and asks for an answer that comes behind it.
  std::shared_ptr<Step> acknowledge(std::uint64_t tag);
  void lost(const Error& error);
  void drop_link(const Error& error);

  Environment environment_;
  const Options options_;
  const Formats formats_;
  std::shared_ptr<Opening> opening_;
  socket::Ref<Link> link_;
  std::shared_ptr<Step> step_;
  std::shared_ptr<SetUp> set_up_;
  Confirms sent_;
  std::vector<Held> held_;
  std::vector<DeadLetter> letters_;
  std::size_t missing_answers_ = 0;
  bool is_empty_ = false;
  bool is_ready_ = false;
  bool is_closed_ = false;
};

class AmqpDeadLetterBox final : public DeadLetterBox {
 public:
  AmqpDeadLetterBox(Environment environment, const Options& options, const Registry& registry)
      : desk_(std::make_shared<LetterDesk>(std::move(environment), options, registry)) {}
  ~AmqpDeadLetterBox() override { desk_->close(); }

  asio::awaitable<Result<std::vector<DeadLetter>>> list(std::size_t limit) override {
    return LetterDesk::list(desk_, limit);
  }
  asio::awaitable<Result<void>> replay(const DeadLetter& letter) override { return LetterDesk::replay(desk_, letter); }
  asio::awaitable<Result<void>> drop(const DeadLetter& letter) override { return LetterDesk::drop(desk_, letter.id); }
  void close() override { desk_->close(); }

 private:
  std::shared_ptr<LetterDesk> desk_;
};

}  // namespace waybill::amqp
