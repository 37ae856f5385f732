#include "waybill/http/server.hpp"

#include "http/docs_page.hpp"
#include "http/open_api.hpp"
#include "http/server_core.hpp"

#include <optional>
#include <utility>

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

Route& Server::last() { return core_->router.last(); }

std::string Server::open_api(std::string_view title, std::string_view version) const {
  return http::open_api(core_->router, title, version);
}

void Server::serve_descriptions(std::string title, std::string version) {
  const auto add_free = [this](const char* path, Handler handler) {
    if (core_->router.find("GET", {path + 1}).route) return;
    Route route{"GET", path, std::move(handler), {}, {}};
    route.is_hidden = true;
    add(std::move(route));
  };
  add_free("/openapi.json",
           [core = core_.get(), title = std::move(title), version = std::move(version),
            text = std::make_shared<std::string>()](Request&) -> asio::awaitable<Response> {
             if (text->empty()) *text = http::open_api(core->router, title, version);  // all routes are there
             Response response = Response::json(*text);
             response.fields.set("Cache-Control", "no-cache");
             co_return response;
           });
  add_free("/docs", [](Request&) -> asio::awaitable<Response> { co_return docs_page(); });
}

std::vector<std::string> Server::describe() const {
  std::vector<std::string> lines;
  for (const auto& route : core_->router.routes()) {
    lines.push_back(route->method + ' ' + route->path);
    if (route->timeout.count() > 0) lines.back() += ", within " + duration_text(route->timeout);
  }
  return lines;
}

}  // namespace waybill::http
