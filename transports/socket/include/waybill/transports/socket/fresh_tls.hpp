// FreshTls: a TLS context that follows its files, so that a renewed certificate needs no restart.
#pragma once

#include "waybill/log.hpp"
#include "waybill/transports/socket/tls.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace waybill::socket {

/// Threads: one.
class FreshTls {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// `look`: how often the files are looked at, at most.
  explicit FreshTls(std::chrono::milliseconds look = std::chrono::minutes(1)) : look_(look) {}

  /// Loads the files. Errors: those of TlsContext::make.
  Result<void> open(const TlsOptions& options, TlsRole role, const Log& log);
  /// For the next connection; null before open(). Files that have changed are loaded; if they cannot be used, that is
  /// logged and the last ones that could are kept.
  const std::shared_ptr<TlsContext>& context(TimePoint now);

 private:
  std::vector<std::string> stamps() const;

  const std::chrono::milliseconds look_;
  TlsOptions options_;
  TlsRole role_ = TlsRole::client;
  Log log_;
  std::shared_ptr<TlsContext> context_;
  std::vector<std::string> stamps_;
  TimePoint looked_{};
};

}  // namespace waybill::socket
