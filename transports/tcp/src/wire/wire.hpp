// PacketCodec: packets out of one connection's bytes and back, in the framing of that connection. Touches no socket.
#pragma once

#include "waybill/format/serializer.hpp"
#include "waybill/registry.hpp"
#include "waybill/result.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/transports/tcp.hpp"
#include "wire/binary_frame.hpp"
#include "wire/nest_frame.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace waybill::tcp {

/// Which bytes one side expects and what it may answer with.
struct CodecRules {
  Direction direction;                   ///< Of what is read.
  Framing framing = Framing::automatic;  ///< automatic: the first bytes that are read decide.
  const Serializer* json = nullptr;      ///< For NestJS framing; null if there is none here.
  const Serializer* own = nullptr;       ///< Of binary frames that name none: replies need one. Never null.
  const Registry* registry = nullptr;    ///< For binary framing.
  std::size_t max_frame;
  std::size_t max_buffer;

  /// What a side that reads `read` has at hand; its framing is left automatic.
  CodecRules(Direction read, const Environment& environment, const Options& options, const Registry& known);
};

class PacketCodec {
 public:
  enum class Outcome {
    packet,   ///< A packet; its views live as long as the bytes.
    ignored,  ///< A message that is none of the protocol's; the connection goes on.
    sign,     ///< A sign of life, sign().
    preface,  ///< Binary framing was opened: a listener answers with k_preface.
    more,     ///< Show the rest again, with more behind it.
    broken,   ///< The connection must end; problem() says why.
  };

  explicit PacketCodec(const CodecRules& rules);

  /// True between the two parts of a frame; see NestFrameReader.
  bool is_inside_frame() const noexcept { return nest_reader_.is_inside_frame(); }

  /// Called once for what one read brought, before next(). False: broken.
  bool admit(const char* data, std::size_t size);
  /// As NestFrameReader::next(). `packet` must be fresh; once the framing is binary, as for BinaryFrameReader::next().
  Outcome next(const char* data, std::size_t size, std::size_t& at, Packet& packet);
  /// Whether next() may fill a packet that it has filled before.
  bool may_fill_again(const Packet& packet) const noexcept { return framing_ == Framing::binary && packet.is_plain(); }
  Sign sign() const noexcept { return binary_reader_ ? binary_reader_->sign() : Sign::here; }
  const std::string& problem() const noexcept { return problem_; }
  /// The problem is that a frame is larger than max_frame.
  bool is_too_large() const noexcept { return problem_.find("max_frame") != std::string::npos; }

  /// Appends the packet. On an error `out` is as long as before.
  /// Errors: too_large, unsupported (a serializer that NestJS framing cannot carry).
  Result<void> write(const Packet& packet, Buffer& out);

  /// automatic until the first bytes were read.
  Framing framing() const noexcept { return framing_; }
  const Serializer* json() const noexcept { return rules_.json; }
  const Serializer* own() const noexcept { return rules_.own; }

 private:
  Outcome broken(std::string problem) {
    problem_ = std::move(problem);
    return Outcome::broken;
  }
  Outcome recognize(const char* data, std::size_t size, std::size_t& at);
  Outcome next_nest(const char* data, std::size_t size, std::size_t& at, Packet& packet);
  Outcome next_binary(const char* data, std::size_t size, std::size_t& at, Packet& packet);
  bool fits_direction(PacketKind kind) const noexcept;
  Outcome wrong_direction();
  Result<void> write_nest(const Packet& packet, Buffer& out);

  CodecRules rules_;
  Framing framing_;
  bool preface_read_ = false;
  NestFrameReader nest_reader_;
  NestFrameWriter nest_writer_;
  std::optional<BinaryFrameReader> binary_reader_;
  BinaryFrameWriter binary_writer_;
  std::string problem_;
};

}  // namespace waybill::tcp
