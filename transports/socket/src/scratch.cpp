#include "scratch.hpp"

namespace waybill::socket {

Scratch& Scratch::of_this_thread() {
  thread_local Scratch scratch;
  return scratch;
}

}  // namespace waybill::socket
