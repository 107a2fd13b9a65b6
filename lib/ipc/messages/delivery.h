// Queue manager -> delivery agent (private/<transport>): deliver one message to some recipients of one
// next hop. One request at a time on a connection; connections are pooled (ipc::Pool) and kept.
//
// Before it answers, the agent has: logged one line per recipient, marked delivered and bounced recipients
// done in the queue file, appended to the defer / bounce / trace logs. It holds a shared lock of the
// queue file meanwhile. A broken connection means: nothing is known, except what the marks in the file say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/ipc/messages/cleanup.h"

namespace posthouse::ipc {

namespace delivery_flag {
inline constexpr std::uint32_t kProbe = 256;         // trace_flags 256: verify probe by the mail system
inline constexpr std::uint32_t kUserProbe = 512;     // sendmail -bv
inline constexpr std::uint32_t kRecord = 1024;       // sendmail -v
inline constexpr std::uint32_t kDelayRecord = 8192;  // the sender was told of a delay, and is told of its end
}  // namespace delivery_flag

struct DeliveryRecipient {
  std::int64_t offset = 0;   // of the R record; 0 = none to mark
  std::string original;      // 'O', internal form; may equal address
  std::string address;       // deliver to this; internal form
  std::string dsn_original;  // "type;address"
  std::uint32_t notify = 0;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("offset", self.offset);
    field("original", self.original);
    field("address", self.address);
    field("dsn_original", self.dsn_original);
    field("notify", self.notify);
  }
};

struct DeliveryRequest {
  static constexpr std::string_view kName = "delivery.request";
  std::uint32_t flags = 0;  // delivery_flag = trace_flags
  std::string queue_name;   // "active"
  std::string queue_id;
  std::string nexthop;
  std::string transport;           // name of the service, for logs of error/pipe
  std::int64_t data_offset = 0;    // first content record
  std::int64_t data_size = 0;      // SIZE field 1
  std::int64_t message_size = 0;   // SIZE field 5
  std::uint32_t send_options = 0;  // SIZE field 6 (SMTPUTF8 …)
  std::string encoding;            // "", "7bit", "8bit"
  std::string sender;              // internal form
  std::string envelope_id;         // decoded
  std::uint32_t ret_flags = 0;
  std::string rewrite_context;  // "local" / "remote"
  std::string log_ident;        // original queue id
  std::vector<Attribute>
      client;  // log_client_*, client_*, sasl_* attributes as stored, for XFORWARD and filters
  // Wall time in microseconds since 1970, for delays=a/b/c/d.
  std::int64_t arrival_time = 0;
  std::int64_t active_begin = 0;  // qmgr opened the message
  std::int64_t active_done = 0;   // qmgr handed it over
  std::vector<DeliveryRecipient> recipients;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("flags", self.flags);
    field("queue_name", self.queue_name);
    field("queue_id", self.queue_id);
    field("nexthop", self.nexthop);
    field("transport", self.transport);
    field("data_offset", self.data_offset);
    field("data_size", self.data_size);
    field("message_size", self.message_size);
    field("send_options", self.send_options);
    field("encoding", self.encoding);
    field("sender", self.sender);
    field("envelope_id", self.envelope_id);
    field("ret_flags", self.ret_flags);
    field("rewrite_context", self.rewrite_context);
    field("log_ident", self.log_ident);
    field("client", self.client);
    field("arrival_time", self.arrival_time);
    field("active_begin", self.active_begin);
    field("active_done", self.active_done);
    field("recipients", self.recipients);
  }
};

// What happened to one recipient. Kept in the order of the request.
enum class Outcome : std::uint8_t {
  delivered,  // done: marked in the file
  bounced,    // done: in the bounce log, marked in the file
  deferred,   // in the defer log (or could not be recorded): try again
};

struct DeliveryFailure {
  std::string dsn, text;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("dsn", self.dsn);
    field("text", self.text);
  }
};

struct DeliveryReply {
  static constexpr std::string_view kName = "delivery.reply";
  // Nothing could be tried: the queue file is locked by somebody else / gone / corrupt (moved aside by mode
  // 0400).
  enum class Status : std::uint8_t { tried, locked, missing, corrupt };
  Status status = Status::tried;
  std::vector<Outcome> outcomes;  // one per recipient when tried
  std::optional<DeliveryFailure>
      destination;  // the next hop itself is in trouble (unreachable, 4xx greeting): back off
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("status", self.status);
    field("outcomes", self.outcomes);
    field("destination", self.destination);
  }
};

}  // namespace posthouse::ipc
