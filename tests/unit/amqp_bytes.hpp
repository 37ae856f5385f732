// What the tests of amqp's pure parts share: captured vectors, frames as text, a session between two buffers.
#pragma once

#include "protocol/session.hpp"
#include "vectors.hpp"
#include "waybill/registry.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace waybill::amqp {

using nlohmann::json;
using test::body_of;
using test::from_base64;
using test::vectors;

/// Bytes with the padding behind them that parsers want.
inline Slice padded(std::string_view bytes) { return Slice::copy(bytes); }

inline const Serializer& json_format() { return *default_registry()->find_serializer("json"); }

/// All frames of some bytes. REQUIRES: whole ones.
inline std::vector<Frame> frames_of(std::string_view bytes) {
  std::vector<Frame> frames;
  Frame frame;
  for (std::size_t at = 0; at < bytes.size();) {
    if (cut_frame(bytes, at, k_wanted_frame_max, frame) != Cut::frame) {
      ADD_FAILURE() << "no frame at " << at;
      break;
    }
    frames.push_back(frame);
  }
  return frames;
}

/// What a method frame says.
template <class T>
T decoded(const Frame& frame, Pool& pool) {
  void* structure = nullptr;
  const auto id = load<std::uint32_t>(frame.payload.data());
  EXPECT_GE(amqp_decode_method(id, pool.get(), to_bytes(frame.payload.substr(4)), &structure), 0);
  return *static_cast<T*>(structure);
}

inline amqp_method_number_t method_of(const Frame& frame) {
  return frame.type == FrameType::method ? load<std::uint32_t>(frame.payload.data()) : 0;
}

}  // namespace waybill::amqp
