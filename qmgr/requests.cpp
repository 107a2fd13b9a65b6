#include "qmgr/requests.h"

#include <chrono>
#include <string>
#include <string_view>

#include "lib/mail/verp.h"
#include "lib/queuefile/layout.h"

namespace posthouse::qmgr {
namespace {

namespace queue = queuefile::queue;

std::int64_t microseconds(Time time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

bool is_client_attribute(std::string_view name) {
  return name.starts_with("log_client_") || name.starts_with("client_") || name.starts_with("sasl_") ||
         name == "log_helo_name" || name == "log_protocol_name" || name == "helo_name" ||
         name == "protocol_name" || name == "reverse_client_name" || name == "server_address" ||
         name == "server_port" || name == "log_message_origin";
}

std::string sender_of(const Message& message, const Delivery& delivery) {
  const queuefile::Envelope& envelope = message.envelope;
  if (!message.has_verp() || delivery.recipients.size() != 1) return envelope.sender;
  const Recipient& recipient = delivery.recipients.front();
  return mail::verp_sender(envelope.sender, envelope.verp,
                           recipient.original.empty() ? recipient.address : recipient.original);
}

}  // namespace

ipc::DeliveryRecipient for_agent(const Recipient& recipient) {
  return {.offset = static_cast<std::int64_t>(recipient.offset),
          .original = recipient.original,
          .address = recipient.address,
          .dsn_original = recipient.dsn_original,
          .notify = recipient.notify};
}

ipc::DeliveryRequest delivery_request(const Message& message, const Delivery& delivery, Time now,
                                      bool confirms_end_of_delay) {
  const queuefile::Envelope& envelope = message.envelope;
  const bool was_warned = envelope.warn_time < 0;
  const std::uint32_t delay = was_warned && confirms_end_of_delay ? ipc::delivery_flag::kDelayRecord : 0;
  ipc::DeliveryRequest request{.flags = envelope.trace_flags | delay,
                               .queue_name = std::string(queue::kActive),
                               .queue_id = message.id.text(),
                               .nexthop = delivery.next_hop,
                               .transport = delivery.transport,
                               .data_offset = envelope.size.data_offset,
                               .data_size = envelope.size.content_length,
                               .message_size = envelope.size.message_size,
                               .send_options = static_cast<std::uint32_t>(envelope.size.send_options),
                               .encoding = envelope.encoding,
                               .sender = sender_of(message, delivery),
                               .envelope_id = envelope.envelope_id,
                               .ret_flags = envelope.return_flags,
                               .rewrite_context = std::string(envelope.attribute("rewrite_context")),
                               .log_ident = std::string(envelope.attribute("log_ident")),
                               .client = {},
                               .arrival_time = microseconds(envelope.arrival),
                               .active_begin = microseconds(message.opened),
                               .active_done = microseconds(now),
                               .recipients = {}};
  for (const auto& [name, value] : envelope.attributes) {
    if (is_client_attribute(name)) request.client.push_back({name, value});
  }
  request.recipients.reserve(delivery.recipients.size());
  for (const Recipient& recipient : delivery.recipients) request.recipients.push_back(for_agent(recipient));
  return request;
}

ipc::BounceMessage bounce_message(const Message& message) {
  const queuefile::Envelope& envelope = message.envelope;
  return {.queue_name = std::string(queue::kActive),
          .queue_id = message.id.text(),
          .encoding = envelope.encoding,
          .send_options = static_cast<std::uint32_t>(envelope.size.send_options),
          .sender = envelope.sender,
          .envelope_id = envelope.envelope_id,
          .ret_flags = envelope.return_flags,
          .verp_delimiters = envelope.verp};
}

}  // namespace posthouse::qmgr
