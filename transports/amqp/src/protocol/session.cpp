#include "protocol/session.hpp"

#include "protocol/error.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace waybill::amqp {
namespace {

constexpr std::string_view k_greeting{"AMQP\0\0\x09\x01", 8};

bool has_content(amqp_method_number_t id) noexcept {
  return id == AMQP_BASIC_DELIVER_METHOD || id == AMQP_BASIC_RETURN_METHOD || id == AMQP_BASIC_GET_OK_METHOD;
}

amqp_method_number_t id_of(std::string_view payload) noexcept {
  return payload.size() < 4 ? 0 : load<std::uint32_t>(payload.data());
}

bool has_word(std::string_view words, std::string_view word) noexcept {
  while (!words.empty()) {
    const std::string_view first = words.substr(0, words.find(' '));
    if (first == word) return true;
    words.remove_prefix(std::min(words.size(), first.size() + 1));
  }
  return false;
}

int major_version(const amqp_table_t& about) noexcept {
  int version = 0;
  for (int i = 0; i < about.num_entries; ++i) {
    const amqp_table_entry_t& entry = about.entries[i];
    if (to_view(entry.key) != "version" || entry.value.kind != AMQP_FIELD_KIND_UTF8) continue;
    const std::string_view text = to_view(entry.value.value.bytes);
    std::from_chars(text.data(), text.data() + text.size(), version);
  }
  return version;
}

}  // namespace

Session::Session(Output& output, SessionUser& user, Login login)
    : output_(output), user_(&user), login_(std::move(login)) {}

void Session::leave() noexcept {
  user_ = nullptr;
  for (Channel& channel : channels_) channel.pending.clear();
}

void Session::start() { output_.output().append(k_greeting); }

std::size_t Session::feed(std::string_view bytes) {
  if (state_ == State::started && !bytes.empty() && bytes.front() != 1) {
    if (bytes.size() < k_greeting.size() && k_greeting.starts_with(bytes)) return 0;
    const bool is_amqp = bytes.starts_with("AMQP");
    fail(Error(errc::invalid_config,
               is_amqp ? "the broker speaks another version of AMQP than 0-9-1"
                       : "what answers there does not speak AMQP 0-9-1; if it is the broker's TLS port, write amqps://",
               End::rejected));
    return bytes.size();
  }
  std::size_t at = 0;
  interrupted_ = false;
  while (at < bytes.size() && take_frame(bytes, at)) {
    pool_.reset();
    if (interrupted_) break;
  }
  pool_.reset();
  return is_failed() ? bytes.size() : at;
}

bool Session::take_frame(std::string_view bytes, std::size_t& at) {
  if (is_failed()) return false;
  Frame frame;
  const std::size_t before = at;
  switch (cut_frame(bytes, at, frame_max_, frame)) {
    case Cut::more: return false;
    case Cut::broken: broken("a frame that is none"); return false;
    case Cut::frame: break;
  }
  if (frame.type == FrameType::heartbeat) return true;
  if (is_closing()) {
    take_goodbye(frame);
    return !is_failed();
  }
  if (frame.channel >= k_channels) {
    broken("a frame of a channel that was never opened");
    return false;
  }
  Channel& channel = channels_[frame.channel];
  if (frame.type != FrameType::method) {
    if (channel.is_assembling) {
      assemble(frame);
    } else if (channel.state == ChannelState::open) {
      broken("a part of a message without its beginning");
    }
    return !is_failed();
  }
  if (channel.is_assembling) {
    broken("a method in the middle of a message");
    return false;
  }
  if (has_content(id_of(frame.payload)) && channel.state == ChannelState::open) {
    switch (take_whole_message(bytes, at, frame)) {
      case Cut::frame: return !is_failed();
      case Cut::more: at = before; return false;
      case Cut::broken: begin_assembly(frame); return !is_failed();
    }
  }
  on_method_frame(frame);
  return !is_failed();
}

void Session::take_goodbye(const Frame& frame) {
  if (frame.channel != 0 || frame.type != FrameType::method) return;
  const auto id = id_of(frame.payload);
  if (id == AMQP_CONNECTION_CLOSE_METHOD) {
    amqp_connection_close_ok_t ok{};
    append_method(output_.output(), 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
  }
  if (id == AMQP_CONNECTION_CLOSE_METHOD || id == AMQP_CONNECTION_CLOSE_OK_METHOD) state_ = State::failed;
}

bool Session::decode(std::string_view payload, Method& method) {
  method.id = id_of(payload);
  void* decoded = nullptr;
  if (payload.size() < 4 || amqp_decode_method(method.id, pool_.get(), to_bytes(payload.substr(4)), &decoded) < 0) {
    broken("a method that is none");
    return false;
  }
  method.decoded = decoded;
  return true;
}

void Session::on_method_frame(const Frame& frame) {
  Method method;
  if (!decode(frame.payload, method)) return;
  if (frame.channel == 0) return on_connection_method(method);
  on_channel_method(frame.channel, method);
}

void Session::on_connection_method(const Method& method) {
  switch (method.id) {
    case AMQP_CONNECTION_START_METHOD:
      if (state_ == State::started) return on_start(method.as<amqp_connection_start_t>());
      break;
    case AMQP_CONNECTION_TUNE_METHOD:
      if (state_ == State::wants_tune) return on_tune(method.as<amqp_connection_tune_t>());
      break;
    case AMQP_CONNECTION_OPEN_OK_METHOD:
      if (state_ != State::wants_open_ok) break;
      state_ = State::open;
      if (user_) user_->on_session_open();
      return;
    case AMQP_CONNECTION_CLOSE_METHOD: return on_close(method.as<amqp_connection_close_t>());
    case AMQP_CONNECTION_BLOCKED_METHOD: {
      const std::string_view reason = to_view(method.as<amqp_connection_blocked_t>().reason);
      if (user_) user_->on_blocked(reason.empty() ? "no reason given" : reason);
      return;
    }
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
      if (user_) user_->on_blocked({});
      return;
    case AMQP_CONNECTION_CLOSE_OK_METHOD: return fail(Error(errc::closed, "the connection was closed", End::unknown));
    default: break;
  }
  broken("a method out of turn");
}

void Session::on_start(const amqp_connection_start_t& start) {
  const std::string_view mechanisms = to_view(start.mechanisms);
  broker_version_ = major_version(start.server_properties);
  if (!has_word(mechanisms, "PLAIN")) {
    return fail(Error(errc::unsupported,
                      "the broker does not let users in by password (it offers " + std::string(mechanisms) + ")",
                      End::rejected));
  }
  const auto yes = [](const char* name) {
    amqp_table_entry_t entry;
    entry.key = amqp_cstring_bytes(name);
    entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
    entry.value.value.boolean = 1;
    return entry;
  };
  amqp_table_entry_t can[] = {yes("consumer_cancel_notify"), yes("publisher_confirms"), yes("basic.nack"),
                              yes("connection.blocked"), yes("authentication_failure_close")};
  const auto text = [](const char* name, std::string_view value) {
    amqp_table_entry_t entry;
    entry.key = amqp_cstring_bytes(name);
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = to_bytes(value);
    return entry;
  };
  amqp_table_entry_t about[] = {text("product", "waybill"), text("platform", "C++"),
                                text("connection_name", login_.name), yes("capabilities")};
  about[3].value.kind = AMQP_FIELD_KIND_TABLE;
  about[3].value.value.table = {static_cast<int>(std::size(can)), can};
  const std::string response = '\0' + login_.user + '\0' + login_.password;
  amqp_connection_start_ok_t ok{};
  ok.client_properties = {static_cast<int>(std::size(about)), about};
  ok.mechanism = amqp_cstring_bytes("PLAIN");
  ok.response = to_bytes(response);
  ok.locale = amqp_cstring_bytes("en_US");
  state_ = State::wants_tune;
  has_heard_ = true;
  append_method(output_.output(), 0, AMQP_CONNECTION_START_OK_METHOD, &ok,
                k_least_frame_max + response.size() + login_.name.size());
}

void Session::on_tune(const amqp_connection_tune_t& tune) {
  frame_max_ = tune.frame_max ? std::min(tune.frame_max, k_wanted_frame_max) : k_wanted_frame_max;
  frame_max_ = std::max(frame_max_, k_least_frame_max);
  heartbeat_ = login_.heartbeat;
  if (tune.heartbeat && heartbeat_.count()) heartbeat_ = std::min(heartbeat_, std::chrono::seconds(tune.heartbeat));
  amqp_connection_tune_ok_t ok{};
  ok.channel_max = tune.channel_max ? tune.channel_max : 2'047;
  ok.frame_max = frame_max_;
  ok.heartbeat = static_cast<std::uint16_t>(heartbeat_.count());
  append_method(output_.output(), 0, AMQP_CONNECTION_TUNE_OK_METHOD, &ok);
  amqp_connection_open_t open{};
  open.virtual_host = to_bytes(login_.vhost);
  append_method(output_.output(), 0, AMQP_CONNECTION_OPEN_METHOD, &open);
  state_ = State::wants_open_ok;
}

void Session::on_close(const amqp_connection_close_t& close) {
  amqp_connection_close_ok_t ok{};
  append_method(output_.output(), 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
  const std::string_view text = to_view(close.reply_text);
  if (state_ == State::wants_tune || (close.reply_code == AMQP_ACCESS_REFUSED && !is_open())) {
    return fail(Error(
        errc::unauthorized,
        "the broker refused user " + login_.user + ": check user and password of the URL (" + std::string(text) + ")",
        End::rejected));
  }
  if (state_ == State::wants_open_ok) return fail(broker_error(close.reply_code, text, "logging in", End::rejected));
  const Error said = broker_error(close.reply_code, text, {}, End::unknown);
  fail(Error(errc::connection_lost, std::string(said.message()), End::unknown));
}

void Session::on_channel_method(ChannelId channel, const Method& method) {
  if (!is_open()) return broken("a method out of turn");
  Channel& own = channels_[channel];
  if (method.id == AMQP_CHANNEL_CLOSE_OK_METHOD) {
    own.state = ChannelState::closed;
    return;
  }
  if (method.id == AMQP_CHANNEL_CLOSE_METHOD) return on_channel_close(channel, method.as<amqp_channel_close_t>());
  if (own.state == ChannelState::closing) return;
  if (answer(channel, method)) return;
  switch (method.id) {
    case AMQP_BASIC_ACK_METHOD:
    case AMQP_BASIC_NACK_METHOD:
    case AMQP_BASIC_CANCEL_METHOD:
      if (user_) user_->on_method(channel, method);
      return;
    case AMQP_CHANNEL_FLOW_METHOD: {
      amqp_channel_flow_ok_t ok{method.as<amqp_channel_flow_t>().active};
      return append_method(output_.output(), channel, AMQP_CHANNEL_FLOW_OK_METHOD, &ok);
    }
    default: broken("an answer that nobody asked for");
  }
}

bool Session::answer(ChannelId channel, const Method& method) {
  auto& pending = channels_[channel].pending;
  if (pending.empty()) return false;
  const auto& answers = pending.front().answers;
  if (method.id != answers[0] && method.id != answers[1]) return false;
  const Pending done = std::move(pending.front());
  pending.pop_front();
  if (done.done) done.done(method);
  return true;
}

void Session::on_channel_close(ChannelId channel, const amqp_channel_close_t& close) {
  amqp_channel_close_ok_t ok{};
  append_method(output_.output(), channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
  Channel& own = channels_[channel];
  own.state = ChannelState::closed;
  own.is_assembling = false;
  const std::uint32_t method = std::uint32_t{close.class_id} << 16 | close.method_id;
  const bool was_asked = !own.pending.empty() && method != AMQP_BASIC_PUBLISH_METHOD;
  const std::string what = was_asked ? own.pending.front().what : std::string();
  const Error error = broker_error(close.reply_code, to_view(close.reply_text), what, End::rejected, method);
  fail_calls(own, error);
  if (user_) user_->on_channel_closed(channel, error);
}

void Session::fail_calls(Channel& channel, const Error& error) {
  const auto pending = std::move(channel.pending);
  channel.pending.clear();
  for (const Pending& one : pending) {
    if (one.done) one.done(error);
  }
}

void Session::open_channel(ChannelId channel, Done done) {
  channels_[channel].state = ChannelState::open;
  amqp_channel_open_t open{};
  call(channel, AMQP_CHANNEL_OPEN_METHOD, &open, {AMQP_CHANNEL_OPEN_OK_METHOD, 0}, "opening a channel",
       std::move(done));
}

void Session::close_channel(ChannelId channel) {
  Channel& own = channels_[channel];
  if (own.state != ChannelState::open) return;
  amqp_channel_close_t close{};
  close.reply_code = AMQP_REPLY_SUCCESS;
  append_method(output_.output(), channel, AMQP_CHANNEL_CLOSE_METHOD, &close);
  own.state = ChannelState::closing;
  own.pending.clear();
}

void Session::call(ChannelId channel, amqp_method_number_t method, const void* arguments,
                   std::array<amqp_method_number_t, 2> answers, std::string what, Done done) {
  append_method(output_.output(), channel, method, arguments);
  channels_[channel].pending.push_back({answers, std::move(what), std::move(done)});
}

std::string Session::waits_for() const {
  for (const Channel& channel : channels_) {
    if (!channel.pending.empty()) return channel.pending.front().what;
  }
  return {};
}

void Session::close() {
  if (is_failed() || is_closing()) return;
  const bool was_open = is_open();
  if (was_open) {
    amqp_connection_close_t close{};
    close.reply_code = AMQP_REPLY_SUCCESS;
    close.reply_text = amqp_cstring_bytes("bye");
    append_method(output_.output(), 0, AMQP_CONNECTION_CLOSE_METHOD, &close);
  }
  state_ = was_open ? State::closing : State::failed;
  for (Channel& channel : channels_) channel.pending.clear();
}

void Session::broken(std::string_view why) {
  fail(Error(errc::connection_lost, "the broker broke the protocol: " + std::string(why), End::unknown));
}

void Session::fail(Error error) {
  if (is_failed()) return;
  state_ = State::failed;
  for (Channel& channel : channels_) fail_calls(channel, error);
  if (user_) user_->on_session_failed(error);
}

}  // namespace waybill::amqp
