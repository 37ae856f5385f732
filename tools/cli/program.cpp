#include "program.hpp"

#include "inputs.hpp"
#include "json_line.hpp"
#include "outcome.hpp"

#if WAYBILL_HAS_GATEWAY
#include <waybill/application.hpp>
#include <waybill/detail/mistakes.hpp>

#include <asio/io_context.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <map>
#include <system_error>
#endif

namespace waybill::cli {

#if WAYBILL_HAS_GATEWAY

namespace {

/// Why nobody can read what is in it; empty where all is well.
std::string trouble_of(const std::string& file) {
  std::error_code ec;
  if (std::filesystem::is_directory(file, ec)) return "is a directory";
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return std::generic_category().message(errno);
  ::close(descriptor);
  return {};
}

/// Files of TLS that a URL names, found where it will be used: here.
void check_files(const Url& url, const std::string& origin,
                 const std::map<std::string, std::string, std::less<>>& origins, detail::Mistakes& found) {
  for (const char* name : {"cert", "key", "ca", "client_ca"}) {
    const std::string* file = url.option(name);
    const std::string trouble = file && !file->empty() ? trouble_of(*file) : std::string();
    if (trouble.empty()) continue;
    const auto own = origins.find(name);
    const std::string shown = url.unshown.contains(name) ? "the file" : '"' + file->substr(0, 200) + '"';
    found.push_back(detail::at_origin(own == origins.end() ? origin : own->second) + name + ": " + shown +
                    " cannot be read: " + trouble);
  }
}

detail::Mistakes mistakes_of_files(const ApplicationConfig& config) {
  detail::Mistakes found;
  for (const ListenerConfig& one : config.listeners) check_files(one.url, one.origin, one.option_origins, found);
  for (const auto& [name, one] : config.clients) check_files(one.url, one.origin, one.option_origins, found);
  if (config.http) check_files(config.http->url, config.http->origin, {}, found);
  return found;
}

}  // namespace

Outcome gateway(const Arguments& arguments) {
  try {
    const ApplicationConfig config = ApplicationConfig::load(arguments.file, default_registry());
    detail::throw_mistakes(mistakes_of_files(config));
    if (config.listeners.empty() && !config.http) {
      return mistakes(arguments.file, arguments.file + ": nothing to serve: set `listeners:` or `http:`");
    }
    Application application(config);
    switch (application.run()) {
      case 0: return Outcome();
      case 2: return failure(Exit::usage, "usage", "the gateway did not start; its log says what is wrong");
      default: return failure(Exit::no_connection, "start", "the gateway did not start; its log says why");
    }
  } catch (const Error& error) {
    if (error.code() == errc::invalid_config) return mistakes(arguments.file, error.message());
    throw;
  }
}

Outcome check(const Arguments& arguments) {
  try {
    asio::io_context loop;  // which never runs
    const ApplicationConfig config = ApplicationConfig::load(arguments.file, default_registry());
    detail::throw_mistakes(mistakes_of_files(config));
    const Application application(loop.get_executor(), config);
    if (arguments.prints) {
      for (const std::string& line : application.describe()) print_line(line);
    } else if (arguments.is_json) {
      print_line("{\"file\":" + json_quoted(arguments.file) + ",\"listeners\":" +
                 std::to_string(config.listeners.size()) + ",\"clients\":" + std::to_string(config.clients.size()) +
                 ",\"routes\":" + std::to_string(config.routes.size()) + '}');
    } else if (config.listeners.empty() && config.clients.empty() && !config.http) {
      print_line(arguments.file + ": empty: it configures nothing, no listeners, no clients and no http");
    } else {
      print_line(arguments.file + ": good: " + counted(config.listeners.size(), "listener") + ", " +
                 counted(config.clients.size(), "client") + ", " + counted(config.routes.size(), "route"));
    }
    return Outcome();
  } catch (const Error& error) {
    if (error.code() != errc::invalid_config) throw;
    return arguments.is_json ? usage_error(error.message()) : mistakes(arguments.file, error.message());
  }
}

Outcome describe(const Arguments& arguments) {
  if (arguments.file.find(':') != std::string::npos && !std::filesystem::exists(arguments.file)) {
    return usage_error("\"" + arguments.file + "\" is neither a file nor a URL such as tcp://127.0.0.1:3000");
  }
  try {
    asio::io_context loop;  // which never runs
    const Application application(loop.get_executor(), ApplicationConfig::load(arguments.file, default_registry()));
    ServiceDescription description = application.description();
    const std::string stem = std::filesystem::path(arguments.file).stem().string();
    if (application.config().name.empty()) description.name = stem;
    if (!arguments.name.empty()) description.name = arguments.name;
    print_text(arguments.is_openapi      ? application.open_api() + '\n'
               : arguments.is_typescript ? typescript(description)
                                         : async_api(description));
    return Outcome();
  } catch (const Error& error) {
    if (error.code() == errc::invalid_config) return mistakes(arguments.file, error.message());
    throw;
  }
}

#else

Outcome gateway(const Arguments&) {
  return usage_error("this copy of waybill was built without gateways; configure it with -DWAYBILL_WITH_GATEWAY=ON");
}
Outcome check(const Arguments& arguments) { return gateway(arguments); }
Outcome describe(const Arguments& arguments) { return gateway(arguments); }

#endif

}  // namespace waybill::cli
