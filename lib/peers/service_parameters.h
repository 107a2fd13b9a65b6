// What the services of master.cf are called that others talk to. (Those of proxymap: table_parameters.h; of
// postlogd: config::Logging.)
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::peers {

struct ServiceParameters : config::ParamSet {
  config::Str bounce_service_name{
      *this,
      {.name = "bounce_service_name",
       .fallback = "bounce",
       .doc = R"(The service of the bounce daemon that keeps the failures of a message and returns it.)",
       .at_least = 1}};
  config::Str defer_service_name{
      *this,
      {.name = "defer_service_name",
       .fallback = "defer",
       .doc = R"(The service of the bounce daemon that keeps why recipients of a message wait.)",
       .at_least = 1}};
  config::Str trace_service_name{
      *this,
      {.name = "trace_service_name",
       .fallback = "trace",
       .doc = R"(The service of the bounce daemon that reports deliveries, to those who asked for it.)",
       .at_least = 1}};
  config::Str cleanup_service_name{
      *this,
      {.name = "cleanup_service_name",
       .fallback = "cleanup",
       .doc =
           R"(The service that takes new mail. As "-o cleanup_service_name=other" of one smtpd or pickup service in
master.cf it gives the mail of that service to a cleanup service with settings of its own.)",
       .at_least = 1}};
  config::Str flush_service_name{
      *this,
      {.name = "flush_service_name",
       .fallback = "flush",
       .doc = R"(The service that knows which mail waits for a site (ETRN, postqueue -s and -i).)",
       .at_least = 1}};
  config::Str pickup_service_name{
      *this,
      {.name = "pickup_service_name",
       .fallback = "pickup",
       .doc = R"(The service that postdrop wakes to take mail from the maildrop queue.)",
       .at_least = 1}};
  config::Str queue_service_name{*this,
                                 {.name = "queue_service_name",
                                  .fallback = "qmgr",
                                  .doc = R"(The queue manager, as those call it who tell it of mail.)",
                                  .at_least = 1}};
  config::Str rewrite_service_name{
      *this,
      {.name = "rewrite_service_name",
       .fallback = "rewrite",
       .doc = R"(The service that completes addresses and finds out where they lead (trivial-rewrite).)",
       .at_least = 1}};
  config::Str showq_service_name{*this,
                                 {.name = "showq_service_name",
                                  .fallback = "showq",
                                  .doc = R"(The service that lists the queue for postqueue -p and -j.)",
                                  .at_least = 1}};
  config::Str address_verify_service_name{
      *this,
      {.name = "address_verify_service_name",
       .fallback = "verify",
       .doc = R"(The service that remembers which addresses exist, and probes for others.)",
       .at_least = 1}};
  config::Str error_service_name{
      *this,
      {.name = "error_service_name",
       .fallback = "error",
       .doc = R"(The transport of mail that the suite refuses by its own decision: unknown names in
virtual_alias_domains, relocated users, addresses that make no sense.)",
       .at_least = 1}};
};

}  // namespace posthouse::peers
