#include "waybill/detail/asio.hpp"
#include "waybill/introspection.hpp"

#include <asio/co_spawn.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace waybill {
namespace {

using Reply = Result<ServiceInfo>;
using Replies = detail::Arrival<std::vector<Reply>>;

constexpr std::size_t k_at_once = 16;  // brokers hand them out in turn
constexpr int k_quiet_rounds = 3;      // that bring nobody new, and end the search

/// One round of requests; on the client's executor.
std::shared_ptr<Replies> ask_round(Client& client, const IntrospectionQuery& query, std::chrono::milliseconds patience,
                                   std::size_t at_once) {
  auto arrival = std::make_shared<Replies>(client.executor());
  auto replies = std::make_shared<std::vector<Reply>>();
  CallOptions options;
  options.timeout = patience;
  options.idempotent = true;
  for (std::size_t i = 0; i < at_once; ++i) {
    client.request<ServiceInfo>(k_introspection_pattern, query, options, [arrival, replies, at_once](Reply reply) {
      replies->push_back(std::move(reply));
      if (replies->size() == at_once) arrival->set(std::move(*replies));
    });
  }
  return arrival;
}

asio::awaitable<std::vector<ServiceInfo>> search(Client& client, IntrospectionQuery query,
                                                 std::chrono::milliseconds patience) {
  std::vector<ServiceInfo> found;
  const bool is_only_one = client.reaches_one();  // whose metrics and middleware need not see more than one request
  for (int quiet = 0; quiet < k_quiet_rounds;) {
    const auto arrival = ask_round(client, query, patience, is_only_one ? 1 : k_at_once);
    std::optional<std::vector<Reply>> replies = co_await Replies::wait(arrival);
    if (!replies) throw Error(errc::cancelled, "the search for services was cancelled", End::unknown);
    ++quiet;
    const Error* error = nullptr;
    for (Reply& reply : *replies) {
      if (!reply) {
        error = &reply.error();
      } else if (std::find(query.known.begin(), query.known.end(), reply->instance) == query.known.end()) {
        query.known.push_back(reply->instance);
        found.push_back(*std::move(reply));
        quiet = 0;
      }
    }
    if (found.empty() && error) throw *error;
    if (is_only_one) break;
  }
  co_return found;
}

}  // namespace

asio::awaitable<std::vector<ServiceInfo>> find_services(Client& client, IntrospectionQuery::Ask ask,
                                                        std::chrono::milliseconds patience) {
  return asio::co_spawn(client.executor(), search(client, IntrospectionQuery(ask), patience), asio::use_awaitable);
}

}  // namespace waybill
