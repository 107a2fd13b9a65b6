// Parameters of the process skeleton that all daemons share.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::service {

struct Parameters : config::ParamSet {
  config::Int max_use{*this,
                      {.name = "max_use",
                       .fallback = "1000000",
                       .doc = R"(After how many sessions a daemon process ends and is replaced by a new one. A
process serves many sessions at once; it finishes those that it has.)",
                       .at_least = 1}};
  config::Seconds max_idle{*this,
                           {.name = "max_idle",
                            .fallback = "100s",
                            .doc = R"(How long a daemon process waits without any session before it ends.)",
                            .at_least = 1}};
  config::Seconds daemon_timeout{
      *this,
      {.name = "daemon_timeout",
       .fallback = "18000s",
       .doc = R"(A daemon process that does nothing for its clients for this long, because it
hangs, is killed (signal 14) and replaced. A session that waits for its client does not count as hanging.)",
       .at_least = 1}};
  config::Seconds qmgr_daemon_timeout{*this,
                                      {.name = "qmgr_daemon_timeout",
                                       .fallback = "1000s",
                                       .doc = R"(The daemon_timeout of the queue manager.)",
                                       .at_least = 1}};
};

}  // namespace posthouse::service
