// Options: what a URL says, checked, every mistake told.
#include "waybill/transport/tls_url.hpp"
#include "waybill/transports/redis.hpp"

#include <algorithm>

namespace waybill::redis {
namespace {

/// Pub/sub knows no databases: their number is accepted and means nothing.
bool is_database(const std::string& path) noexcept {
  return std::all_of(path.begin(), path.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Result<Options> Options::from_url(const Url& url) {
  Options options;
  OptionReader reader(url);
  options.hosts = url.hosts;
  options.user = url.user;
  options.password = url.password;
  options.prefix = reader.text("prefix");
  options.wildcards = reader.flag("wildcards", options.wildcards);
  options.receivers = reader.flag("receivers", options.receivers);
  options.start_timeout = reader.duration("start_timeout", options.start_timeout);
  options.ping_interval = reader.duration("ping_interval", options.ping_interval);
  options.ping_timeout = reader.duration("ping_timeout", options.ping_timeout);
  options.max_message = reader.size("max_message", options.max_message);
  options.max_in_hand = reader.size("max_in_hand", options.max_in_hand);
  options.max_queue = reader.size("max_queue", options.max_queue);
  options.max_unsent = reader.size("max_unsent", options.max_unsent);
  options.max_reply_channels = reader.number("max_reply_channels", options.max_reply_channels, 1);

  transport::read_tls(reader, url, "rediss", options);
  if (!is_database(url.path)) reader.mistake("the path is the number of a database, and not \"/" + url.path + "\"");
  if (options.start_timeout.count() == 0) reader.mistake("start_timeout: must not be 0");
  if (options.ping_timeout.count() == 0) reader.mistake("ping_timeout: must not be 0");
  if (options.max_message < 64 || options.max_message > (512u << 20))
    reader.mistake("max_message: must be from 64 bytes to 512 MiB, which is what Redis takes");
  if (auto finished = reader.finish(); !finished) return finished.error();
  return options;
}

}  // namespace waybill::redis
