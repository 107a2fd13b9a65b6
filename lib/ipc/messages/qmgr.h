// To the queue manager (public/qmgr): a complete message stands in incoming/. Not answered; the file is
// the truth, so a lost notification only waits for the next scan of incoming/.
//
// The same socket takes the trigger bytes I D A F W of other tools: a connection whose first byte is not 0 (a
// frame starts with the high byte of its length, which is 0) carries trigger bytes until it is closed.
#pragma once

#include <string>
#include <string_view>

namespace posthouse::ipc {

struct QmgrArrived {
  static constexpr std::string_view kName = "qmgr.arrived";
  std::string queue_id;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("queue_id", self.queue_id);
  }
};

}  // namespace posthouse::ipc
