// World: its clients, and what they do.
#include "world.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/experimental/awaitable_operators.hpp>

namespace waybill::simulation {

using namespace std::chrono_literals;

void World::add_customer() {
  auto customer = std::make_unique<Customer>();
  customer->timeout = dice_.one_in(2) ? 2s : 20s;
  std::string options = "timeout=" + std::to_string(customer->timeout.count()) + "ms";
  options += "&connect_timeout=" + std::to_string(100 + dice_.below(3000)) + "ms";
  if (dice_.one_in(3)) options += "&serializer=msgpack";
  if (dice_.one_in(3)) options += "&wire=true";
  customer->client = std::make_unique<Client>(bed_.client(options));
  if (dice_.one_in(4)) {
    customer->has_middleware = true;
    ledger_.run.retries_calls = true;
    middleware::RetryOptions retry;
    retry.first = 5ms;
    retry.most = 100ms;
    customer->client->use(middleware::retry(retry));
  }
  tell("a client: " + options + (customer->has_middleware ? ", which tries again" : ""));
  customers_.push_back(std::move(customer));
}

void World::close_customer(Customer& customer) {
  if (!customer.client) return;
  tell("a client closes");
  for (const int number : customer.open) {
    Call& call = ledger_.call(number);
    if (call.ends == 0) call.closed = bed_.time().now();
  }
  const bool stays = dice_.one_in(2);
  if (stays || dice_.one_in(2)) customer.client->close();
  if (!stays) customer.client.reset();
}

int World::begin(Customer& customer, Call::Kind kind, std::string route, CallOptions& options) {
  static constexpr std::chrono::milliseconds k_timeouts[] = {0ms, 20ms, 300ms, 3s};
  auto timeout = k_timeouts[dice_.below(4)];
  if (timeout == 0ms) {
    timeout = customer.timeout;
  } else {
    options.timeout = timeout;
  }
  const int number = ledger_.begin(kind, std::move(route), timeout);
  customer.open.push_back(number);
  tell(ledger_.call(number).route + " " + std::to_string(number) + " within " + std::to_string(timeout.count()) +
       " ms");
  return number;
}

bool World::Customer::has_link_since(const LinkMark& then) const {
  if (!client) return true;  // nobody knows
  const LinkMark now = mark();
  if (then.reconnects != now.reconnects) return true;
  const auto is_before_any = [](Status status) { return status == Status::idle || status == Status::connecting; };
  if (is_before_any(then.status) && is_before_any(now.status)) return false;
  return then.status != Status::interrupted || now.status != Status::interrupted;
}

void World::ended(Customer& customer, int number, const LinkMark& then, const Error* error) {
  ledger_.call(number).had_no_link = !customer.has_link_since(then);
  ledger_.end(number, error);
}

World::Signal World::signal_for(int number) {
  auto signal = std::make_shared<asio::cancellation_signal>();
  if (!dice_.one_in(4)) return signal;
  later(500ms, [this, weak = std::weak_ptr(signal), number] {
    Call& call = ledger_.call(number);
    const auto alive = weak.lock();
    if (!alive || call.ends > 0 || call.closed) return;
    tell("call " + std::to_string(number) + " is cancelled");
    call.cancelled = bed_.time().now();
    alive->emit(asio::cancellation_type::all);
  });
  return signal;
}

void World::request(Customer& customer) {
  if (!customer.client) return;
  static constexpr const char* k_routes[] = {"echo", "later", "fails"};
  CallOptions options;
  const int number = begin(customer, Call::Kind::request, k_routes[dice_.below(3)], options);
  const Signal signal = signal_for(number);
  const bool closes = dice_.one_in(25);
  auto done = [this, held = witness_, number, signal, closes, &customer,
               then = customer.mark()](const Result<int>& result) {
    if (result) ledger_.value(number, 2 * number, *result);
    tell(ledger_.call(number).route + " " + std::to_string(number) +
         (result ? " is answered" : std::string(" ends: ") + result.error().what()));
    ended(customer, number, then, result ? nullptr : &result.error());
    if (closes) close_customer(customer);  // from within its own callback
    perhaps_bang();
  };
  customer.client->request<int>(ledger_.call(number).route, number, options,
                                asio::bind_cancellation_slot(signal->slot(), std::move(done)));
}

void World::emit(Customer& customer) {
  if (!customer.client) return;
  CallOptions options;
  const int number = begin(customer, Call::Kind::event, "mark", options);
  if (dice_.one_in(5)) {
    ledger_.call(number).is_abandoned = true;
    return customer.client->emit("mark", number, options, asio::detached);
  }
  const Signal signal = signal_for(number);
  auto done = [this, held = witness_, number, signal, &customer,
               then = customer.mark()](const Result<Accepted>& result) {
    tell("mark " + std::to_string(number) + (result ? " is accepted" : std::string(" ends: ") + result.error().what()));
    ended(customer, number, then, result ? nullptr : &result.error());
    perhaps_bang();
  };
  customer.client->emit("mark", number, options, asio::bind_cancellation_slot(signal->slot(), std::move(done)));
}

void World::stream(Customer& customer) {
  if (!customer.client) return;
  CallOptions options;
  const int number = begin(customer, Call::Kind::stream, "rows", options);
  auto rows = std::make_shared<ReplyStream<int>>(customer.client->stream<int>("rows", number, options));
  const int leaves_after = dice_.one_in(3) ? dice_.below(4) : -1;
  if (dice_.one_in(4)) return read_next(std::move(rows), number, 0, leaves_after);
  asio::co_spawn(bed_.loop(), read(std::move(rows), number, leaves_after),
                 [held = witness_](std::exception_ptr thrown) {
                   if (thrown) std::rethrow_exception(thrown);
                 });
}

/// A reader that is a callback, which asks for the next value before it returns or throws.
void World::read_next(std::shared_ptr<ReplyStream<int>> rows, int number, int i, int leaves_after) {
  if (i == leaves_after) {
    ledger_.call(number).is_abandoned = true;
    if (dice_.one_in(2)) rows->cancel();
    return;
  }
  ReplyStream<int>& stream = *rows;
  stream.next([this, held = witness_, rows = std::move(rows), number, i,
               leaves_after](const Result<std::optional<int>>& row) mutable {
    row_read(number, i, row);
    if (row && *row) read_next(std::move(rows), number, i + 1, leaves_after);
    perhaps_bang();
  });
}

void World::row_read(int number, int i, const Result<std::optional<int>>& row) {
  if (row && *row) return ledger_.value(number, 100 * number + i, **row);
  tell("rows " + std::to_string(number) + " ends" + (row ? "" : std::string(": ") + row.error().what()));
  if (row && i != rows_of(number)) {
    ledger_.broken("rows " + std::to_string(number) + " ended after " + std::to_string(i) + " values");
  }
  ledger_.end(number, row ? nullptr : &row.error());
}

asio::awaitable<void> World::read(std::shared_ptr<ReplyStream<int>> rows, int number, int leaves_after) {
  for (int i = 0;; ++i) {
    if (i == leaves_after) {
      ledger_.call(number).is_abandoned = true;
      if (dice_.one_in(2)) rows->cancel();
      co_return;
    }
    std::optional<int> value;
    std::optional<Error> error;
    try {
      if (dice_.one_in(4)) {  // a reader that looks at something else meanwhile: no value may be lost
        using asio::experimental::awaitable_operators::operator||;
        auto next = rows->next();
        auto wait = pause(100ms);
        const auto first = co_await (std::move(next) || std::move(wait));
        if (first.index() == 1) {
          --i;
          continue;
        }
        value = std::get<0>(first);
      } else {
        value = co_await rows->next();
      }
    } catch (const Error& thrown) {
      error = thrown;
    }
    const Result<std::optional<int>> row = error ? Result<std::optional<int>>(*error) : value;
    row_read(number, i, row);
    if (!row || !value) co_return perhaps_bang();
    if (dice_.one_in(4)) co_await pause(200ms);
  }
}

void World::connect(Customer& customer) {
  if (!customer.client) return;
  tell("a client connects");
  auto signal = std::make_shared<asio::cancellation_signal>();
  auto is_cancelled = std::make_shared<std::optional<Moment>>();
  const Moment begun = bed_.time().now();
  auto done = [this, held = witness_, signal, is_cancelled, begun](const Result<void>&) {
    if (bed_.time().now() > begun + 3'200ms) ledger_.broken("a client connected for longer than its connect_timeout");
    if (*is_cancelled && bed_.time().now() > **is_cancelled) ledger_.broken("a cancelled connect() went on");
    signal->slot().clear();
    perhaps_bang();
  };
  customer.client->connect(asio::bind_cancellation_slot(signal->slot(), std::move(done)));
  if (!dice_.one_in(2)) return;
  later(500ms, [this, is_cancelled, weak = std::weak_ptr(signal)] {
    const auto alive = weak.lock();
    if (!alive) return;
    *is_cancelled = bed_.time().now();
    alive->emit(asio::cancellation_type::all);
  });
}

void World::flush(Customer& customer) {
  if (!customer.client) return;
  tell("a client flushes");
  const Moment begun = bed_.time().now();
  customer.client->flush([this, held = witness_, begun, timeout = customer.timeout](const Result<void>&) {
    if (bed_.time().now() > begun + timeout + 10ms) ledger_.broken("a flush took longer than its client's timeout");
    perhaps_bang();
  });
}

}  // namespace waybill::simulation
