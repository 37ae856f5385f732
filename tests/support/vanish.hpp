// A peer that vanishes without a word: its system hears nothing any more and answers nothing, no FIN and no reset.
#pragma once

#include <asio/ip/tcp.hpp>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <sys/socket.h>

namespace waybill::test {

/// From now on the system drops whatever arrives for `socket`, before TCP sees it. Needs no privilege. The socket itself
/// must stay silent afterwards.
template <class Socket>
void vanish(Socket& socket) {
  sock_filter drop_all{BPF_RET | BPF_K, 0, 0, 0};
  const sock_fprog program{1, &drop_all};
  ASSERT_EQ(setsockopt(socket.native_handle(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
}

}  // namespace waybill::test
