// simdjson's parsers keep memory, so each thread keeps its parsers: one for each level of decoding within decoding.
#pragma once

#include "waybill/slice.hpp"

#include <simdjson.h>

#include <string_view>

namespace waybill::json {

static_assert(simdjson::SIMDJSON_PADDING <= k_padding, "slices must be readable as far as simdjson reads");

/// Borrows a parser of this thread for as long as it lives. Made and destroyed like frames of a stack.
class Parser {
 public:
  Parser();
  ~Parser();
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  /// REQUIRES: k_padding readable bytes behind `text`, which outlives the document.
  simdjson::simdjson_result<simdjson::ondemand::document> iterate(std::string_view text) {
    return parser_->iterate(text.data(), text.size(), text.size() + simdjson::SIMDJSON_PADDING);
  }

 private:
  simdjson::ondemand::parser* parser_;
};

}  // namespace waybill::json
