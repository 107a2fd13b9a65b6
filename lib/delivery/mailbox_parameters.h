// Parameters of delivery to mailboxes, shared by local and virtual.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::delivery {

struct MailboxParameters : config::ParamSet {
  config::Int deliver_lock_attempts{
      *this,
      {.name = "deliver_lock_attempts",
       .fallback = "20",
       .doc = R"(How often the lock of a mailbox file is tried before the delivery is deferred.)",
       .at_least = 1}};
  config::Seconds deliver_lock_delay{*this,
                                     {.name = "deliver_lock_delay",
                                      .fallback = "1s",
                                      .doc = R"(The time between two such attempts.)",
                                      .at_least = 1}};
  config::Seconds stale_lock_time{*this,
                                  {.name = "stale_lock_time",
                                   .fallback = "500s",
                                   .doc = R"(A mailbox lock file older than this is removed.)",
                                   .at_least = 1}};
  config::Bool strict_mailbox_ownership{
      *this,
      {.name = "strict_mailbox_ownership",
       .fallback = "yes",
       .doc = R"(Defer a delivery to a mailbox file that does not belong to its recipient.)"}};
};

}  // namespace posthouse::delivery
