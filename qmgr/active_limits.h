// Limits and times of the active queue, from main.cf.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "lib/mail/quote.h"
#include "qmgr/retry_times.h"

namespace posthouse::qmgr {

struct ActiveLimits {
  std::size_t messages = 20000;
  std::size_t recipients = 20000;
  std::size_t recipient_minimum = 10;
  std::size_t probes = 5000;             // messages that only ask about an address
  std::chrono::seconds clog_pause{300};  // between warnings about one destination; 0: none
  RetryLimits retry;
  std::chrono::seconds locked_delay{10};  // until a message that an agent has locked is looked at again
  int delay_decimals = 2;
  mail::LogForm log_form = mail::LogForm::external;
  bool confirms_end_of_delay = false;

  // No file of a queue is put off for longer.
  std::chrono::seconds longest_wait() const { return std::max(qmgr::longest_wait(retry), locked_delay); }
};

}  // namespace posthouse::qmgr
