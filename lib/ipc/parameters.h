// Time limits of the conversations between our own processes.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::ipc {

struct Parameters : config::ParamSet {
  config::Seconds ipc_timeout{
      *this,
      {.name = "ipc_timeout",
       .fallback = "3600s",
       .doc =
           R"(The longest wait for an answer of another daemon. Many waits have a shorter limit of their own.)",
       .at_least = 1}};
  config::Seconds ipc_idle{
      *this,
      {.name = "ipc_idle",
       .fallback = "5s",
       .doc = R"(How long an unused connection to another daemon is kept, so that idle daemons can end.)",
       .at_least = 1}};
  config::Seconds ipc_ttl{
      *this,
      {.name = "ipc_ttl",
       .fallback = "1000s",
       .doc = R"(How long a connection to another daemon is used before a new one takes its
place.)",
       .at_least = 1}};
  config::Seconds trigger_timeout{
      *this,
      {.name = "trigger_timeout",
       .fallback = "10s",
       .doc = R"(The longest wait until a daemon that is to be woken (pickup, qmgr) has taken the message.)",
       .at_least = 1}};
};

}  // namespace posthouse::ipc
