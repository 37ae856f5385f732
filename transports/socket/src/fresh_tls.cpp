#include "waybill/transports/socket/fresh_tls.hpp"

#include <sys/stat.h>

namespace waybill::socket {

Result<void> FreshTls::open(const TlsOptions& options, TlsRole role, const Log& log) {
  options_ = options;
  role_ = role;
  log_ = log;
  looked_ = std::chrono::steady_clock::now();
  stamps_ = stamps();
  auto made = TlsContext::make(options_, role_);
  if (!made) return made.error();
  context_ = *made;
  return {};
}

const std::shared_ptr<TlsContext>& FreshTls::context(TimePoint now) {
  if (!context_ || now - looked_ < look_) return context_;
  looked_ = now;
  std::vector<std::string> found = stamps();
  if (found == stamps_) return context_;
  auto made = TlsContext::make(options_, role_);
  if (!made) {
    log_.error("the changed TLS files cannot be used, the last ones stay: " + std::string(made.error().message()));
    return context_;  // looked at again: they may be half written
  }
  stamps_ = std::move(found);
  context_ = *made;
  log_.info("TLS files have changed and were loaded again");
  return context_;
}

/// What tells that a file is another one.
std::vector<std::string> FreshTls::stamps() const {
  std::vector<std::string> stamps;
  for (const std::string* file : {&options_.ca, &options_.cert, &options_.key, &options_.client_ca}) {
    struct stat about {};
    if (file->empty() || ::stat(file->c_str(), &about) != 0) {
      stamps.emplace_back();
      continue;
    }
    stamps.push_back(std::to_string(about.st_ino) + "/" + std::to_string(about.st_size) + "/" +
                     std::to_string(about.st_mtim.tv_sec) + "." + std::to_string(about.st_mtim.tv_nsec));
  }
  return stamps;
}

}  // namespace waybill::socket
