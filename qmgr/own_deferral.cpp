#include "qmgr/own_deferral.h"

#include "lib/delivery/delivery_line.h"
#include "lib/log/log.h"
#include "qmgr/requests.h"

namespace posthouse::qmgr {

void defer_recipients(const Peers& peers, Message& message, const std::vector<Recipient>& recipients,
                      const Failure& reason, Time now, const ActiveLimits& limits) {
  const delivery::Relay relay;
  ipc::BounceAppend append{.log = ipc::BounceLog::defer, .queue_id = message.id.text(), .records = {}};
  const delivery::Times times{message.envelope.arrival, message.opened, now};
  const bool is_probe = message.is_probe();
  for (const Recipient& recipient : recipients) {
    if (is_probe) {
      if (auto told = peers.verify(recipient, reason.text); !told)
        log::warning("verify service failure: {}", told.error().text);
    }
    append.records.push_back({.recipient = for_agent(recipient),
                              .status = reason.dsn,
                              .action = "delayed",
                              .reason = reason.text,
                              .diag_type = {},
                              .diag_text = {},
                              .mta_type = {},
                              .mta_name = {}});
    log::info(delivery::DeliveryLine{.queue_id = message.id.text(),
                                     .address = recipient.address,
                                     .original = recipient.original,
                                     .relay = relay,
                                     .delays = times.text(relay, now, limits.delay_decimals),
                                     .dsn = reason.dsn,
                                     .status = is_probe ? "undeliverable" : "deferred",
                                     .reason = reason.text,
                                     .form = limits.log_form}
                  .text());
  }
  if (is_probe) return;
  message.has_deferred = true;
  if (!peers.append(append)) log::warning("{}: defer service failure", message.id.text());
}

}  // namespace posthouse::qmgr
