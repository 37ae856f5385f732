// ServiceDescription: what a service answers and takes, and the documents that say so: AsyncAPI, TypeScript.
#pragma once

#include "waybill/pattern.hpp"
#include "waybill/url.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace waybill {

/// One message that a service answers or takes, or that a program sends.
struct HandlerDescription {
  enum class Kind {
    request,
    stream,  ///< A request that many values answer.
    event,
  };
  Kind kind = Kind::request;
  std::string pattern;   ///< As JSON: "\"order.created\"", "{\"cmd\":\"sum\"}".
  std::string argument;  ///< A JSON Schema (waybill/schema.hpp); empty: not known.
  std::string reply;     ///< The same, of one value; "false": there is none. Of an event nothing.
  /// Names of servers of the description; empty: all.
  std::vector<std::string> servers;
  /// Sent by the program that is described, to others.
  bool is_sent = false;
};

/// A plain value: of a program's handlers (Service::description), of a configuration, or of what a service tells over the wire.
struct ServiceDescription {
  struct Server {
    std::string name;  ///< Of the listener or client.
    std::string protocol;
    std::string host;
    std::string path;
    std::string serializer;

    /// Without user, password and options.
    static Server of(std::string_view name, const Url& url, std::string_view serializer);
  };
  std::string name = "service";
  std::string version = "0.0.0";
  std::string text;  ///< For people; may be empty.
  std::vector<Server> servers;
  std::vector<HandlerDescription> handlers;
};

/// An AsyncAPI 3.0 document, as JSON. Channels are patterns; those that are objects have no address there, and all have
/// their pattern as `x-waybill-pattern`.
std::string async_api(const ServiceDescription& service);

/// A module of TypeScript: the types of the payloads, and a class with a method for each handler that calls through NestJS's
/// ClientProxy.
std::string typescript(const ServiceDescription& service);

}  // namespace waybill
