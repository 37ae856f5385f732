#include "arguments.hpp"

#include "inputs.hpp"
#include "outcome.hpp"
#include <waybill/detail/nearest.hpp>
#include <waybill/registry.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <sstream>

namespace waybill::cli {
namespace {

constexpr const char* k_description =
    "Talks to message services: waybill's own and NestJS microservices.\n"
    "\n"
    "A pattern is JSON (42, '{\"cmd\":\"sum\"}') or plain text (orders.created). Data is JSON, or - to read it from\n"
    "standard input. Replies are printed one JSON line a value, as they come.";

constexpr const char* k_examples =
    "Examples:\n"
    "  waybill request tcp://localhost:3000 '{\"cmd\":\"sum\"}' '[1,2,3]'\n"
    "  waybill stream  tcp://localhost:3000 prices '{\"symbol\":\"ABC\"}' --count 10 | jq .price\n"
    "  waybill emit    tcp://localhost:3000 order.created - < order.json\n"
    "  waybill listen  tcp://0.0.0.0:3000 order.created order.paid\n"
    "\n"
    "Exit codes: 0 it is done; 1 the other side answered an error; 2 the command is wrong; 3 no connection;\n"
    "4 no answer, or not in time; 5 anything else. With all but 0 the last line of standard error is the error as "
    "JSON.\n"
    "\n"
    "waybill COMMAND --help tells more about a command.\n"
    "URLs begin with one of";

/// " memory:// tcp:// ...": what was built in.
std::string known_urls() {
  std::string text;
  for (const std::string& scheme : default_registry()->schemes()) text += ' ' + scheme + "://";
  return text + '.';
}

void add_target(CLI::App& command, Arguments& arguments, bool many_patterns) {
  command.add_option("url", arguments.url, "Where: tcp://host:port, with options as ?name=value&name=value")
      ->required();
  if (many_patterns) {
    command.add_option("patterns", arguments.patterns, "What to listen to: JSON or plain text")->required();
  } else {
    command.add_option("pattern", arguments.pattern, "What to call: JSON or plain text")->required();
    command.add_option("data", arguments.data, "What to send: JSON, or - for standard input")->required();
  }
}

void add_sending_flags(CLI::App& command, Arguments& arguments, const char* timeout_help) {
  command.add_option("--timeout", arguments.timeout, timeout_help)->type_name("TIME");
  command.add_option("--connect-timeout", arguments.connect_timeout, "How long to try to connect (5s)")
      ->type_name("TIME");
  command.add_option("--headers", arguments.headers, "Headers, as a JSON object")->type_name("JSON");
  command.add_option("--metadata", arguments.metadata, "NestJS's metadata, as JSON")->type_name("JSON");
  command.add_option("--options", arguments.options, "The broker's settings of this message, as a JSON object")
      ->type_name("JSON");
}

/// Of --count and --limit.
std::string is_whole_number(const std::string& typed) {
  const bool is_number =
      !typed.empty() && typed.size() < 19 && typed.find_first_not_of("0123456789") == std::string::npos;
  return is_number ? std::string() : "expected a whole number, found \"" + typed + '"';
}

void add_log_flags(CLI::App& command, Arguments& arguments) {
  command.add_flag("-v,--verbose", arguments.is_verbose, "Say on standard error what happens");
  command.add_flag("-q,--quiet", arguments.is_quiet, "Say nothing but errors");
}

CLI::App& add_command(CLI::App& app, Arguments& arguments, Command command, const char* name, const char* description,
                      const char* footer) {
  CLI::App& added = *app.add_subcommand(name, description);
  added.footer(footer);
  added.callback([&arguments, command] { arguments.command = command; });
  return added;
}

void add_commands(CLI::App& app, Arguments& arguments) {
  constexpr const char* k_call_timeout = "Until the reply has ended, once connected (5s, 250ms, 250)";
  CLI::App& request = add_command(app, arguments, Command::request, "request", "Send a request, print its reply",
                                  "Example:\n"
                                  "  waybill request tcp://localhost:3000 '{\"cmd\":\"hello\"}' '\"World\"'\n"
                                  "  \"hello World\"\n"
                                  "\n"
                                  "Prints each value of the reply on a line of its own; a reply without a value prints "
                                  "nothing.");
  add_target(request, arguments, false);
  add_sending_flags(request, arguments, k_call_timeout);
  add_log_flags(request, arguments);

  CLI::App& stream =
      add_command(app, arguments, Command::stream, "stream", "Send a request, print values until its end",
                  "Example:\n"
                  "  waybill stream tcp://localhost:3000 countdown 3\n"
                  "\n"
                  "As request, without a time limit unless --timeout says one. Ctrl-C ends it.");
  add_target(stream, arguments, false);
  add_sending_flags(stream, arguments, "Until the reply has ended, once connected (none)");
  stream.add_option("--count", arguments.count, "Stop after so many values")->type_name("N")->check(is_whole_number);
  add_log_flags(stream, arguments);

  CLI::App& emit = add_command(app, arguments, Command::emit, "emit", "Send an event",
                               "Example:\n"
                               "  waybill emit tcp://localhost:3000 order.created '{\"id\":\"a-1\"}'\n"
                               "\n"
                               "Prints nothing. Done when the event is handed over, as far as the transport promises.");
  add_target(emit, arguments, false);
  add_sending_flags(emit, arguments, "Until the event is handed over, once connected (5s)");
  add_log_flags(emit, arguments);

  CLI::App& listen = add_command(app, arguments, Command::listen, "listen", "Print the messages that arrive",
                                 "Example:\n"
                                 "  waybill listen tcp://0.0.0.0:3000 order.created --count 1\n"
                                 "\n"
                                 "Prints events and requests as JSON lines with kind, pattern, data and headers, until "
                                 "Ctrl-C.\nRequests are answered without a value, or with --reply.");
  add_target(listen, arguments, true);
  listen.add_option("--reply", arguments.reply, "Answer requests with this value")->type_name("JSON");
  listen.add_option("--count", arguments.count, "Stop after so many messages")->type_name("N")->check(is_whole_number);
  add_log_flags(listen, arguments);
}

void add_dlq(CLI::App& app, Arguments& arguments) {
  CLI::App& dlq = *app.add_subcommand("dlq", "See and decide about messages that were given up");
  dlq.footer(
      "Examples:\n"
      "  waybill dlq ls     'amqp://guest:guest@localhost?queue=orders&dead_letter=orders.dead'\n"
      "  waybill dlq replay 'amqp://guest:guest@localhost?queue=orders&dead_letter=orders.dead' --all\n"
      "\n"
      "The URL is the listener's, with its dead_letter option. waybill dlq COMMAND --help tells more.");
  struct Entry {
    Command command;
    const char* name;
    const char* description;
    bool decides;
  };
  constexpr Entry k_entries[] = {
      {Command::dlq_ls, "ls", "Print id, origin, attempts and error of each, the oldest first", false},
      {Command::dlq_show, "show", "Print all that is known of them: pattern, data and headers too", false},
      {Command::dlq_replay, "replay", "Send them to where they came from, as if they were new", true},
      {Command::dlq_drop, "drop", "Remove them for good", true}};
  for (const Entry& entry : k_entries) {
    CLI::App& added = add_command(dlq, arguments, entry.command, entry.name, entry.description,
                                  "Prints a line of JSON for each dead letter that it was about.");
    added.add_option("url", arguments.url, "The listener's URL, with dead_letter=CHANNEL")->required();
    if (entry.command != Command::dlq_ls) added.add_option("ids", arguments.ids, "Which: ids as ls prints them");
    if (entry.decides)
      added.add_flag("--all", arguments.is_all, "All of them");
    else
      added.add_option("--limit", arguments.count, "No more than so many (1000)")
          ->type_name("N")
          ->check(is_whole_number);
    add_log_flags(added, arguments);
  }
}

void add_programs(CLI::App& app, Arguments& arguments) {
  CLI::App& gateway = add_command(app, arguments, Command::gateway, "gateway", "Serve HTTP routes of a file",
                                  "Example:\n"
                                  "  waybill gateway shop.yaml\n"
                                  "\n"
                                  "Serves the routes of its section http, whose requests, events and streams go to the "
                                  "file's clients, until\nCtrl-C or SIGTERM; then what is in hand is answered first. "
                                  "docs/gateway.md tells what a route can be.");
  gateway.add_option("file", arguments.file, "A configuration in YAML")->required();
  CLI::App& check = add_command(app, arguments, Command::check, "check", "Find all mistakes of a configuration",
                                "Example:\n"
                                "  waybill check shop.yaml --print\n"
                                "\n"
                                "Reads the file, .env beside it and the environment, as a program would, and opens no "
                                "socket.\nPrints a line for each mistake on standard error.");
  check.add_option("file", arguments.file, "A configuration in YAML")->required();
  check.add_flag("--print", arguments.prints, "Print listeners, routes and clients, one a line");
  check.add_flag("--json", arguments.is_json, "Print the mistakes as one line of JSON");
  CLI::App& describe =
      add_command(app, arguments, Command::describe, "describe", "Print what a configuration or a service promises",
                  "Example:\n"
                  "  waybill describe shop.yaml --openapi > openapi.json\n"
                  "  waybill describe tcp://localhost:3000 --typescript > orders.ts\n"
                  "\n"
                  "Of a file an AsyncAPI document of its listeners and clients and what its routes "
                  "send; no socket is opened.\nOf a URL one of the service that listens there, if it "
                  "has `introspection: true`.");
  const auto take = [&arguments](const std::string& typed) {
    (typed.find("://") == std::string::npos ? arguments.file : arguments.url) = typed;
  };
  describe.add_option_function<std::string>("what", take, "A configuration in YAML, or where a service listens")
      ->required();
  CLI::Option* openapi = describe.add_flag("--openapi", arguments.is_openapi, "Its HTTP routes, as OpenAPI");
  describe.add_flag("--typescript", arguments.is_typescript, "Types and calls for NestJS")->excludes(openapi);
  describe.add_option("--name", arguments.name, "Of the service; of several that answer it chooses one")
      ->type_name("NAME");
  describe.add_option("--timeout", arguments.timeout, "How long to wait for the answers of services (1s)")
      ->type_name("TIME");
  add_log_flags(describe, arguments);
}

void add_health(CLI::App& app, Arguments& arguments) {
  CLI::App& health = add_command(app, arguments, Command::health, "health", "Ask a program whether it is ready",
                                 "Examples:\n"
                                 "  waybill health http://127.0.0.1:8101\n"
                                 "  HEALTHCHECK CMD [\"waybill\", \"health\", \"http://127.0.0.1:8101\"]\n"
                                 "\n"
                                 "Asks /readyz, or /livez with --live, or the path of the URL. Ends with 0 when it is, "
                                 "else with 1; with 3 or 4\nwhen nobody answers.");
  health.add_option("url", arguments.url, "http://HOST:PORT or https://HOST:PORT")->required();
  health.add_flag("--live", arguments.is_live, "Whether it lives: /livez");
  health.add_flag("--insecure", arguments.is_insecure, "Take whatever certificate it shows");
  health.add_option("--timeout", arguments.timeout, "How long to wait for the answer (3s)")->type_name("TIME");
}

void add_introspection(CLI::App& app, Arguments& arguments) {
  const std::string who =
      "\nAsks services that have `introspection: true` in their configuration: on TCP the one at the URL, on a broker\n"
      "all that listen as the URL says.";
  CLI::App& ps = add_command(app, arguments, Command::ps, "ps", "List the services that are running", "");
  ps.footer("Example:\n  waybill ps 'amqp://guest:guest@localhost?queue=orders'\n" + who);
  CLI::App& top =
      add_command(app, arguments, Command::top, "top", "Show what running services do, again and again", "");
  top.footer("Example:\n  waybill top tcp://localhost:3000 --interval 5s\n" + who);
  for (CLI::App* command : {&ps, &top}) {
    command->add_option("url", arguments.url, "Where they listen, as for request")->required();
    command->add_option("--timeout", arguments.timeout, "How long to wait for their answers (1s)")->type_name("TIME");
    command->add_option("--connect-timeout", arguments.connect_timeout, "How long to try to connect (5s)")
        ->type_name("TIME");
    command->add_flag("--json", arguments.is_json, "Print a line of JSON for each service");
    add_log_flags(*command, arguments);
  }
  top.add_option("--interval", arguments.interval, "Between two looks (2s)")->type_name("TIME");
  top.add_option("--count", arguments.count, "Stop after so many looks")->type_name("N")->check(is_whole_number);
}

/// "waybill dlq ls"
std::string name_of(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent ? name_of(*parent) + ' ' + command.get_name() : command.get_name();
}

std::vector<std::string> names_of_commands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::vector<std::string> names_of_flags(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

/// What nobody asked for and what is missing, in words that say what to type instead; empty if CLI11 knows better.
std::string mistake_of(const CLI::App& command) {
  std::vector<std::string> unknown = command.remaining();
  std::erase(unknown, "--");
  const std::vector<std::string> commands = names_of_commands(command);
  const auto flag = std::find_if(unknown.begin(), unknown.end(), [](const auto& typed) { return typed[0] == '-'; });
  if (flag != unknown.end()) {
    const std::string name = flag->substr(0, flag->find('='));
    return "unknown flag \"" + name + '"' + detail::suggestion(name, names_of_flags(command)) +
           (commands.empty() ? "" : " (the flags of a command stand behind it)");
  }
  if (!commands.empty()) {
    const std::string typed = unknown.empty() ? std::string() : unknown.front();
    return (typed.empty() ? "no command" : "unknown command \"" + typed + '"') + detail::suggestion(typed, commands);
  }
  if (!unknown.empty()) {
    const bool takes_json = command.get_option_no_throw("data") || command.get_option_no_throw("patterns");
    return "one argument too many: \"" + unknown.front() + '"' +
           (takes_json ? " (JSON with spaces needs quotes: '{\"id\": 1}')" : "");
  }
  std::string missing;
  std::string usage = name_of(command);
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional() || !option->get_required()) continue;
    const std::string name = " <" + option->get_name(true) + '>';
    if (option->count() == 0) missing += name;
    usage += name;
  }
  return missing.empty() ? std::string() : "missing" + missing + ": " + usage;
}

int refuse(const CLI::App& command, const std::string& mistake) {
  std::fprintf(stderr, "Try: %s --help\n", name_of(command).c_str());
  return report(usage_error(mistake));
}

}  // namespace

ParsedArguments parse_arguments(int argc, char** argv) {
  Arguments arguments;
  CLI::App app(k_description, "waybill");
  app.set_version_flag("--version", "waybill " WAYBILL_VERSION);
  app.footer(k_examples + known_urls());
  app.allow_extras();  // mistake_of() says more of them than CLI11; commands inherit this
  add_commands(app, arguments);
  add_dlq(app, arguments);
  add_health(app, arguments);
  add_introspection(app, arguments);
  add_programs(app, arguments);
  add_command(app, arguments, Command::transports, "transports", "Show what each transport that is built in can do",
              "Prints a Markdown table: native, emulated (by waybill, on this side), or - for impossible.");
  std::string otherwise;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      std::ostringstream text;
      app.exit(error, text, text);
      print_text(text.str());
      return {std::nullopt, 0};
    }
    otherwise = error.what();
  }
  const CLI::App* command = &app;
  std::string mistake = app.remaining().empty() ? std::string() : mistake_of(app);
  while (mistake.empty() && !command->get_subcommands().empty()) command = command->get_subcommands().front();
  if (mistake.empty()) mistake = mistake_of(*command);
  if (mistake.empty()) mistake = otherwise;
  if (!mistake.empty()) return {std::nullopt, refuse(*command, mistake)};
  return {std::move(arguments), 0};
}

}  // namespace waybill::cli
