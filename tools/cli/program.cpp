#include "program.hpp"

#include "inputs.hpp"
#include "outcome.hpp"

#if WAYBILL_HAS_GATEWAY
#include <waybill/application.hpp>

#include <asio/io_context.hpp>

#include <filesystem>
#endif

namespace waybill::cli {

#if WAYBILL_HAS_GATEWAY

Outcome gateway(const Arguments& arguments) {
  try {
    Application application(ApplicationConfig::load(arguments.file, default_registry()));
    return application.run() == 0
               ? Outcome()
               : failure(Exit::no_connection, "start", "the gateway did not start; its log says why");
  } catch (const Error& error) {
    if (error.code() == errc::invalid_config) return mistakes(arguments.file, error.message());
    throw;
  }
}

Outcome check(const Arguments& arguments) {
  try {
    asio::io_context loop;  // which never runs
    const ApplicationConfig config = ApplicationConfig::load(arguments.file, default_registry());
    const Application application(loop.get_executor(), config);
    if (arguments.prints) {
      for (const std::string& line : application.describe()) print_line(line);
    } else if (config.listeners.empty() && config.clients.empty() && !config.http) {
      print_line(arguments.file + ": empty: it has no listeners, no clients and no http");
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
