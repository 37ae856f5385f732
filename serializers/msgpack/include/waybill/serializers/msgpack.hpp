// The serializer "msgpack": MessagePack, with the same packets and the same types as "json", in fewer bytes.
#pragma once

#include <memory>

#include "waybill/serializer.hpp"

namespace waybill::msgpack {

/// Payloads and packets as MessagePack. Never fails.
std::unique_ptr<Serializer> make_msgpack_serializer();

}  // namespace waybill::msgpack
