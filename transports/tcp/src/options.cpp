// Options: what a URL says, checked, every mistake told.
#include "flow/limits.hpp"
#include "waybill/transport/tls_url.hpp"
#include "waybill/transports/socket/tick.hpp"
#include "waybill/transports/tcp.hpp"

namespace waybill::tcp {

Result<Options> Options::from_url(const Url& url) {
  Options options;
  options.hosts = url.hosts;
  OptionReader reader(url);
  constexpr Framing k_framings[] = {Framing::automatic, Framing::nest, Framing::binary};
  options.framing = k_framings[reader.choice("framing", "auto|nest|binary", 0)];
  options.dial_timeout = reader.duration("dial_timeout", options.dial_timeout);
  options.handshake_timeout = reader.duration("handshake_timeout", options.handshake_timeout);
  options.incomplete_message_timeout =
      reader.duration("incomplete_message_timeout|incompleteMessageTimeout", options.incomplete_message_timeout);
  options.frame_timeout = reader.duration("frame_timeout", options.frame_timeout);
  options.write_timeout = reader.duration("write_timeout", options.write_timeout);
  options.unsent_timeout = reader.duration("unsent_timeout", options.unsent_timeout);
  options.ack_timeout = reader.duration("ack_timeout", options.ack_timeout);
  options.keepalive = reader.duration("keepalive", options.keepalive);
  options.keepalive_interval = reader.duration("keepalive_interval", options.keepalive_interval);
  options.keepalive_probes = reader.number("keepalive_probes", options.keepalive_probes, 1, 100);
  options.ping_interval = reader.duration("ping_interval", options.ping_interval);
  options.ping_timeout = reader.duration("ping_timeout", options.ping_timeout);
  options.first_message_timeout = reader.duration("first_message_timeout", options.first_message_timeout);
  options.max_frame = reader.size("max_frame", options.max_frame);
  options.max_buffer = reader.size("max_buffer|maxBufferSize", options.max_buffer);
  options.max_unsent = reader.size("max_unsent|maxSendBufferSize", options.max_unsent);
  options.max_in_hand = reader.size("max_in_hand", options.max_in_hand);
  options.max_total_buffers = reader.size("max_total_buffers", options.max_total_buffers);
  options.max_connections = reader.number("max_connections", options.max_connections, 1);
  options.max_connections_per_address =
      reader.number("max_connections_per_address", options.max_connections_per_address, 1);
  options.backlog = static_cast<int>(reader.number("backlog", static_cast<std::uint64_t>(options.backlog), 1, 65'535));
  options.reuse_port = reader.flag("reuse_port", options.reuse_port);
  options.tell_cancel = reader.flag("tell_cancel", options.tell_cancel);

  transport::read_tls(reader, url, "tcps", options);
  if (options.ping_timeout.count() == 0) reader.mistake("ping_timeout: must not be 0");
  if (options.max_frame < 64) reader.mistake("max_frame: must be at least 64 bytes");
  if (options.max_frame > 0xFFFF'FFF0u) reader.mistake("max_frame: must be less than 4 GiB");
  if (options.max_unsent < (256u << 10)) reader.mistake("max_unsent: must be at least 256 KiB");
  if (!url.user.empty() || !url.password.empty()) reader.mistake("tcp has no user and no password");
  if (!url.path.empty()) reader.mistake("tcp has no path: \"/" + url.path + "\"");
  if (auto finished = reader.finish(); !finished) return finished.error();
  return options;
}

socket::StreamLimits limits_of(const Options& options) {
  socket::StreamLimits limits;
  limits.max_process = options.max_total_buffers;
  limits.write_timeout = options.write_timeout;
  limits.ack_timeout = options.ack_timeout;
  limits.keep_alive.idle = options.keepalive;
  limits.keep_alive.interval = options.keepalive_interval;
  limits.keep_alive.probes = static_cast<int>(options.keepalive_probes);
  return limits;
}

std::chrono::milliseconds tick_interval(const Options& options) {
  return socket::Tick::interval_for({options.handshake_timeout, options.incomplete_message_timeout,
                                     options.frame_timeout, options.write_timeout, options.unsent_timeout,
                                     options.ack_timeout, options.first_message_timeout});
}

}  // namespace waybill::tcp
