#include "waybill/http/server.hpp"

#include "http/server_core.hpp"

namespace waybill::http {

Response detail::empty_response() {
  Response response;
  response.status = 204;
  return response;
}

Server::Server(asio::any_io_executor executor, ServerConfig config, Log log)
    : core_(std::make_shared<Core>(std::move(executor), std::move(config), std::move(log))) {}

Server::~Server() { core_->close(); }

Server& Server::add(Route route) {
  if (core_->is_started()) {
    throw Error(errc::invalid_config, "the route " + route.path + " must come before the server is started",
                End::rejected);
  }
  core_->router.add(std::move(route));
  return *this;
}

Server& Server::observe(const std::shared_ptr<Observer>& observer) {
  if (core_->is_started()) {
    throw Error(errc::invalid_config, "observe() must come before the server is started", End::rejected);
  }
  core_->observers.push_back(observer);
  return *this;
}

asio::awaitable<Result<void>> Server::start() { return Core::start(core_); }
asio::awaitable<std::size_t> Server::drain(std::chrono::milliseconds limit) { return Core::drain(core_, limit); }
void Server::close() { core_->close(); }
std::string Server::address() const { return core_->address(); }

std::vector<std::string> Server::describe() const {
  std::vector<std::string> lines;
  for (const auto& route : core_->router.routes()) lines.push_back(route->method + ' ' + route->path);
  return lines;
}

}  // namespace waybill::http
