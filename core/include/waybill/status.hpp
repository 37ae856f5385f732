// Status: of the link of a client or a listener.
#pragma once

namespace waybill {

enum class Status {
  idle,
  connecting,
  ready,
  blocked,  ///< Ready, but the broker takes nothing for now (it is short of memory, say): what is sent waits.
  interrupted,
  closed
};

}  // namespace waybill
