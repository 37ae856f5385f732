// BodyTemplate: the payload of a message, made from a request over HTTP.
#pragma once

#include "waybill/config_section.hpp"
#include "waybill/format/json_value.hpp"
#include "waybill/http/message.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace waybill::http {

struct RouteDescription;

/// A value of YAML in which a text that begins with `$` stands for something of the request:
///
///   $path.id  $query.name  $header.X-Tenant    a text
///   $query.page as number                      also: as flag, as json
///   $query.tag as texts                        a list of all values of the name; also: as numbers, as flags
///   $body  $body.customer.id                   the body, or what is in it, as it came
///   $request.id
///
/// Behind it may stand what is taken where it is missing: `$query.page as number or 1`; `or nothing` leaves the member of a
/// mapping out, and is null elsewhere. Without that the request ends with a 400 that names what is missing. `$$` is a plain `$`.
class BodyTemplate {
 public:
  /// Null: it is wrong, and was told.
  static std::shared_ptr<const BodyTemplate> read(const ConfigNode& node, const ConfigMistakes& mistakes);
  /// The names that it takes of the path.
  std::vector<std::string> path_names() const;

  /// Adds the parameters and the body that it takes.
  void describe(RouteDescription& route) const;
  /// Of what it makes.
  format::JsonValue schema() const;
  /// Whether it is the whole body and nothing else.
  bool is_body() const noexcept { return source_ == Source::body && steps_.empty(); }

  /// One value as JSON. Throws Problem(400, 415).
  std::string make(const Request& request) const;

  enum class Source { constant, path, query, header, body, request_id, list, map };
  enum class Type { text, number, flag, json };
  struct Member;

 private:
  static bool read_text(const ConfigNode& node, const ConfigMistakes& mistakes, BodyTemplate& into);
  bool append(const Request& request, std::string& out) const;
  bool append_otherwise(std::string& out) const;
  bool append_list(const Request& request, std::string& out) const;
  bool append_text(const std::string* value, std::string& out) const;
  bool append_from_body(const Request& request, std::string& out) const;
  format::JsonValue type_schema() const;
  void add_parameter(const char* in, RouteDescription& route) const;
  void add_body(RouteDescription& route) const;

  Source source_ = Source::constant;
  Type type_ = Type::text;
  bool is_list_ = false;                  // of such
  std::optional<std::string> otherwise_;  // as JSON; empty: nothing
  std::string text_;                      // a constant as JSON; a name
  std::vector<std::string> steps_;        // into the body
  std::vector<Member> members_;           // of a list without names
};

struct BodyTemplate::Member {
  std::string name;
  BodyTemplate value;
};

}  // namespace waybill::http
