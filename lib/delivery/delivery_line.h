// The one log line per recipient that mail log tools read:
//
//   QID: to=<R>, orig_to=<O>, relay=H[A]:P, conn_use=2, delay=1.1, delays=0.1/0/0.5/0.5, dsn=2.0.0,
//   status=sent (250 2.0.0 Ok)
//
// Pure text; newlines of remote replies become blanks.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/ipc/messages/delivery.h"
#include "lib/mail/quote.h"

namespace posthouse::delivery {

// Who took or refused the mail, and since when it was ready to talk.
struct Relay {
  std::string name = "none";       // HOST[ADDR]:PORT, "local", "virtual", a service name
  int uses = 1;                    // messages over this connection so far, this one included
  std::optional<Time> ready = {};  // connection set-up ended (well or badly); nothing: never began
};

// When the phases of one delivery began and ended.
struct Times {
  Time arrival, active_begin, active_done;

  static Times of(const ipc::DeliveryRequest& request);
  // "delay=D, delays=A/B/C/D"
  std::string text(const Relay& relay, Time now, int decimals) const;
};

struct DeliveryLine {
  std::string_view queue_id;
  std::string_view address;   // internal form
  std::string_view original;  // empty: as address
  const Relay& relay;
  std::string delays;  // Times::text()
  std::string_view dsn;
  std::string_view status;  // sent deferred bounced SOFTBOUNCE deliverable undeliverable
  std::string_view reason;
  mail::LogForm form = mail::LogForm::external;
  std::string text() const;
};

}  // namespace posthouse::delivery
