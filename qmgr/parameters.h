// Parameters of the queue manager.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::qmgr {

struct Parameters : config::ParamSet {
  config::Int message_active_limit{
      *this,
      {.name = "qmgr_message_active_limit",
       .fallback = "20000",
       .doc =
           R"(How many messages the queue manager has open for delivery at once. A fifth of them is kept free of
deferred mail, so that new mail always finds room.)",
       .at_least = 1}};
  config::Int message_recipient_limit{
      *this,
      {.name = "qmgr_message_recipient_limit",
       .fallback = "20000",
       .doc =
           R"(How many recipients the queue manager holds in memory, over all messages, and how many dead destinations
it remembers.)",
       .at_least = 1}};
  config::Int message_recipient_minimum{
      *this,
      {.name = "qmgr_message_recipient_minimum",
       .fallback = "10",
       .doc = R"(How many recipients of a message are read at once at least, however full the memory is.)",
       .at_least = 1}};
  config::Seconds clog_warn_time{
      *this,
      {.name = "qmgr_clog_warn_time",
       .fallback = "300s",
       .doc =
           R"(The shortest time between warnings that one destination takes up more than a fifth of the active queue; 0
turns them off.)",
       .at_least = 0}};
  config::Bool helpful_warnings{
      *this,
      {.name = "helpful_warnings",
       .fallback = "yes",
       .doc = R"(Warn of settings and situations that are legal but slow or risky.)"}};
  config::Bool confirm_delay_cleared{
      *this,
      {.name = "confirm_delay_cleared",
       .fallback = "no",
       .doc =
           R"(A sender who was told that a message is late (delay_warning_time) is told too when it is delivered after all.)"}};
  config::Seconds ipc_timeout{
      *this,
      {.name = "qmgr_ipc_timeout",
       .fallback = "60s",
       .doc =
           R"(How long the queue manager waits for the answer of another part of the mail system; deliveries and
notices may take longer.)",
       .at_least = 1}};
  config::Int default_recipient_limit{
      *this,
      {.name = "default_recipient_limit",
       .fallback = "20000",
       .doc =
           R"(How many recipients of one transport the queue manager holds in memory before it reads no more of the
messages that wait for it.)",
       .at_least = 1}};
  config::Int verify_pending_request_limit{
      *this,
      {.name = "address_verify_pending_request_limit",
       .fallback = "5000",
       .doc =
           R"(How many address probes the queue manager has open at once; further ones end as a temporary failure, so
that questions about addresses leave room for mail.)",
       .at_least = 1}};
  config::Seconds minimal_backoff_time{
      *this,
      {.name = "minimal_backoff_time",
       .fallback = "300s",
       .doc =
           R"(The shortest time between attempts to deliver a deferred message, and how long a destination that cannot
be reached is left alone.)",
       .at_least = 1}};
  config::Seconds maximal_backoff_time{
      *this,
      {.name = "maximal_backoff_time",
       .fallback = "4000s",
       .doc = R"(The longest time between attempts to deliver a deferred message.)",
       .at_least = 1}};
  config::Seconds maximal_queue_lifetime{
      *this,
      {.name = "maximal_queue_lifetime",
       .fallback = "5d",
       .doc =
           R"(A message that could still not be delivered at this age is returned to its sender. With 0 there is
one attempt.)",
       .at_least = 0,
       .at_most = 8640000,
       .unit = 'd'}};
  config::Seconds bounce_queue_lifetime{*this,
                                        {.name = "bounce_queue_lifetime",
                                         .fallback = "5d",
                                         .doc = R"(The same for messages with the null sender.)",
                                         .at_least = 0,
                                         .at_most = 8640000,
                                         .unit = 'd'}};
  config::Seconds queue_run_delay{*this,
                                  {.name = "queue_run_delay",
                                   .fallback = "300s",
                                   .doc = R"(The time between scans of the deferred queue.)",
                                   .at_least = 1}};
  config::Seconds transport_retry_time{
      *this,
      {.name = "transport_retry_time",
       .fallback = "60s",
       .doc = R"(How long a transport whose delivery agent cannot be reached is left alone.)",
       .at_least = 1}};
  config::List defer_transports{
      *this,
      {.name = "defer_transports",
       .doc = R"(Transports whose mail is deferred until somebody asks for its delivery.)"}};
  config::Str default_filter_nexthop{
      *this,
      {.name = "default_filter_nexthop",
       .doc =
           R"(The next hop of a content filter that is given without one. Empty: the domain of the recipient.)"}};

  // Defaults of the <transport>_ parameters.
  config::Int initial_destination_concurrency{
      *this,
      {.name = "initial_destination_concurrency",
       .fallback = "5",
       .doc = R"(How many deliveries to one destination run at once to begin with.)",
       .at_least = 1}};
  config::Int default_destination_concurrency_limit{
      *this,
      {.name = "default_destination_concurrency_limit",
       .fallback = "20",
       .doc = R"(How many deliveries to one destination run at once at most; 0 is no limit.)",
       .at_least = 0}};
  config::Str default_positive_feedback{
      *this,
      {.name = "default_destination_concurrency_positive_feedback",
       .fallback = "1",
       .doc =
           R"(By how much one good delivery raises the number of deliveries that run at once to its destination: a
number between 0 and 1, or such a number divided by concurrency or sqrt_concurrency.)"}};
  config::Str default_negative_feedback{
      *this,
      {.name = "default_destination_concurrency_negative_feedback",
       .fallback = "1",
       .doc = R"(By how much one delivery that fails to connect lowers it.)"}};
  config::Int default_failed_cohort_limit{
      *this,
      {.name = "default_destination_concurrency_failed_cohort_limit",
       .fallback = "1",
       .doc =
           R"(After how many failed rounds of concurrent deliveries a destination counts as dead; 0 is never.)",
       .at_least = 0}};
  config::Int default_destination_recipient_limit{
      *this,
      {.name = "default_destination_recipient_limit",
       .fallback = "50",
       .doc =
           R"(How many recipients one delivery has at most. With 1 the concurrency limits count for each recipient
instead of each domain.)",
       .at_least = 0}};
  config::Seconds default_destination_rate_delay{
      *this,
      {.name = "default_destination_rate_delay",
       .fallback = "0s",
       .doc = R"(The pause between deliveries to one destination; with a pause they run one at a time.)",
       .at_least = 0}};
  config::Seconds default_transport_rate_delay{
      *this,
      {.name = "default_transport_rate_delay",
       .fallback = "0s",
       .doc = R"(The pause between deliveries over one transport, whatever their destination.)",
       .at_least = 0}};
};

// The <transport>_ parameters; transport is a service name of master.cf.
struct TransportParameters : config::TransportParamSet {
  using TransportParamSet::TransportParamSet;

  config::Int initial_concurrency{*this,
                                  {.name = named("initial_destination_concurrency"),
                                   .fallback = "$initial_destination_concurrency",
                                   .doc = R"(initial_destination_concurrency for this transport.)",
                                   .at_least = 1}};
  config::Int concurrency_limit{*this,
                                {.name = named("destination_concurrency_limit"),
                                 .fallback = special("local", "2", "$default_destination_concurrency_limit"),
                                 .doc = R"(default_destination_concurrency_limit for this transport.)",
                                 .at_least = 0}};
  config::Str positive_feedback{
      *this,
      {.name = named("destination_concurrency_positive_feedback"),
       .fallback = "$default_destination_concurrency_positive_feedback",
       .doc = R"(default_destination_concurrency_positive_feedback for this transport.)"}};
  config::Str negative_feedback{
      *this,
      {.name = named("destination_concurrency_negative_feedback"),
       .fallback = "$default_destination_concurrency_negative_feedback",
       .doc = R"(default_destination_concurrency_negative_feedback for this transport.)"}};
  config::Int failed_cohort_limit{
      *this,
      {.name = named("destination_concurrency_failed_cohort_limit"),
       .fallback = "$default_destination_concurrency_failed_cohort_limit",
       .doc = R"(default_destination_concurrency_failed_cohort_limit for this transport.)",
       .at_least = 0}};
  config::Int memory_limit{*this,
                           {.name = named("recipient_limit"),
                            .fallback = "$default_recipient_limit",
                            .doc = R"(default_recipient_limit for this transport.)",
                            .at_least = 1}};
  config::Int recipient_limit{*this,
                              {.name = named("destination_recipient_limit"),
                               .fallback = special("local", "1", "$default_destination_recipient_limit"),
                               .doc = R"(default_destination_recipient_limit for this transport.)",
                               .at_least = 0}};
  config::Seconds destination_rate_delay{*this,
                                         {.name = named("destination_rate_delay"),
                                          .fallback = "$default_destination_rate_delay",
                                          .doc = R"(default_destination_rate_delay for this transport.)",
                                          .at_least = 0}};
  config::Seconds transport_rate_delay{*this,
                                       {.name = named("transport_rate_delay"),
                                        .fallback = "$default_transport_rate_delay",
                                        .doc = R"(default_transport_rate_delay for this transport.)",
                                        .at_least = 0}};
};

}  // namespace posthouse::qmgr
