// The serializer "msgpack": MessagePack, with the same packets and the same types as "json", in fewer bytes.
#pragma once

#include "waybill/format/serializer.hpp"

#include <memory>

namespace waybill::msgpack {

/// Payloads and packets as MessagePack. Never fails.
std::unique_ptr<Serializer> make_msgpack_serializer();

}  // namespace waybill::msgpack
