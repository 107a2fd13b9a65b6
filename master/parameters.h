// Parameters of master.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::master {

struct Parameters : config::ParamSet {
  config::Int default_process_limit{
      *this,
      {.name = "default_process_limit",
       .fallback = "100",
       .doc = R"(The limit of services whose process limit in master.cf is "-", when
this parameter is set explicitly: how many sessions a service has at once, over all its processes.
When it is not set, default_session_limit counts.)",
       .at_least = 1}};
  config::Int default_session_limit{
      *this,
      {.name = "default_session_limit",
       .fallback = "20000",
       .doc = R"(How many sessions a service has at once, over all its processes, when
neither master.cf nor default_process_limit says so.)",
       .at_least = 1}};
  config::Seconds service_throttle_time{
      *this,
      {.name = "service_throttle_time",
       .fallback = "60s",
       .doc = R"(The longest wait before master starts a program again that ends with
an error as soon as it is started. The first waits are shorter.)",
       .at_least = 1}};
  config::List master_service_disable{
      *this,
      {.name = "master_service_disable",
       .doc = R"(Services of master.cf that are not started: a type such as inet, or
name.type, or name/type.)"}};
};

}  // namespace posthouse::master
