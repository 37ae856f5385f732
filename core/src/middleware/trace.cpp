#include "config/config_options.hpp"
#include "waybill/middleware.hpp"

#include <utility>

namespace waybill::middleware {

Result<void> TraceOptions::validate() const {
  detail::Mistakes mistakes;
  if (!(ratio >= 0 && ratio <= 1)) mistakes.emplace_back("trace: ratio must be a share from 0 to 1");
  return detail::outcome_of(mistakes);
}

Middleware trace(TraceOptions options) {
  options.validate().value();
  return {"trace", [ratio = options.ratio](Context& context, Next next) {
            TraceContext trace = context.trace();
            trace.step(ratio);
            context.set_trace(std::move(trace));
            return next();
          }};
}

}  // namespace waybill::middleware
