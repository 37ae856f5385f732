// One run: services and clients over a broker in virtual time, and what a seed makes of them.
#pragma once

#include "dice.hpp"
#include "ledger.hpp"
#include "waybill/testing.hpp"

#include <asio/cancellation_signal.hpp>

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

namespace waybill::simulation {

/// How many values a stream has.
inline int rows_of(int number) { return number % 7; }

class World {
 public:
  World(std::uint64_t seed, bool tells);
  ~World();

  /// What did not hold; empty when all is well.
  std::vector<std::string> run();
  const std::vector<std::string>& log_lines() const { return bed_.log_lines(); }

 private:
  struct Server {
    std::unique_ptr<Service> service;
    bool is_up = true;
  };
  /// Of a client, to know whether it was connected in between.
  struct LinkMark {
    Status status;
    std::uint64_t reconnects;
  };
  struct Customer {
    std::unique_ptr<Client> client;
    bool has_link_since(const LinkMark& then) const;
    LinkMark mark() const { return {client->status(), client->stats().reconnects}; }
    std::chrono::milliseconds timeout{};
    bool has_middleware = false;
    std::vector<int> open;  ///< Its calls.
  };
  using Signal = std::shared_ptr<asio::cancellation_signal>;

  /// What a callback throws: whoever runs the loop is to see it, and nobody else.
  struct Bang {};

  void tell(const std::string& what);
  /// At the end of a callback: the seed may throw.
  void perhaps_bang();
  /// False: it was left by what callbacks threw, and is to be begun again.
  bool runs_through(const std::function<void()>& step);
  /// Run the loop as the test bed does.
  void settle();
  void advance(std::chrono::milliseconds by);
  bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit = TestBed::k_patience);
  /// At a time that the seed chooses, on the loop or from outside of it.
  void later(std::chrono::milliseconds most, std::function<void()> action);
  void plan();
  void act();
  void add_server();
  void add_handlers(Service& service);
  bool leaves(int number, int time) const { return has_leaving_handlers_ && time == 1 && number % 11 == 7; }
  void stop_server(Server& server);
  void retire(Server& server);
  void add_customer();
  void close_customer(Customer& customer);
  void request(Customer& customer);
  void emit(Customer& customer);
  void stream(Customer& customer);
  void flush(Customer& customer);
  void connect(Customer& customer);
  void ended(Customer& customer, int number, const LinkMark& then, const Error* error);
  void hurt();
  void note_cut();
  void inject();
  void finish();
  int begin(Customer& customer, Call::Kind kind, std::string route, CallOptions& options);
  Signal signal_for(int number);
  asio::awaitable<void> read(std::shared_ptr<ReplyStream<int>> rows, int number, int leaves_after);
  void read_next(std::shared_ptr<ReplyStream<int>> rows, int number, int i, int leaves_after);
  void row_read(int number, int i, const Result<std::optional<int>>& row);
  /// Some suspensions of a handler, each of them posted or in time.
  asio::awaitable<void> dawdle(std::chrono::milliseconds most);
  asio::awaitable<void> pause(std::chrono::milliseconds most);

  Dice dice_;
  bool tells_;
  TestBed bed_;
  Ledger ledger_;
  std::string listener_options_;
  bool has_dead_letters_ = false;
  bool has_service_middleware_ = false;
  bool has_leaving_handlers_ = false;
  bool has_throwing_callbacks_ = false;
  int thrown_ = 0;
  int seen_ = 0;  ///< Of what was thrown, by who runs the loop.
  bool has_seen_several_ = false;
  std::list<Server> servers_;
  std::vector<std::unique_ptr<Customer>> customers_;
  std::uint64_t dropped_ = 0;
  std::shared_ptr<int> witness_ = std::make_shared<int>(0);  ///< Held by all that is called back.
  bool is_broker_up_ = true;
};

}  // namespace waybill::simulation
