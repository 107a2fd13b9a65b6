// To the bounce, defer and trace services (one program; which log is meant stands in the question, as
// services may have other names): per-message logs (compat queue-files.md 19) and the notices made from them.
// Every question is answered with BounceReply.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/ipc/messages/delivery.h"

namespace posthouse::ipc {

enum class BounceLog : unsigned char { bounce, defer, trace };
// The usual name of its service, and its queue directory.
constexpr std::string_view name_of(BounceLog log) {
  return log == BounceLog::bounce ? "bounce" : log == BounceLog::defer ? "defer" : "trace";
}

// One recipient's result, as written to the log file and into the report.
struct DeliveryRecord {
  DeliveryRecipient recipient;
  std::string status;                // D.S.N
  std::string action;                // failed delayed delivered relayed expanded deliverable undeliverable
  std::string reason;                // text for people
  std::string diag_type, diag_text;  // "smtp", remote reply; empty if none
  std::string mta_type, mta_name;    // "dns", host; empty if none
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("recipient", self.recipient);
    field("status", self.status);
    field("action", self.action);
    field("reason", self.reason);
    field("diag_type", self.diag_type);
    field("diag_text", self.diag_text);
    field("mta_type", self.mta_type);
    field("mta_name", self.mta_name);
  }
};

// Appends to the log of the message; answered after fsync.
struct BounceAppend {
  static constexpr std::string_view kName = "bounce.append";
  BounceLog log = BounceLog::bounce;
  std::string queue_id;
  std::vector<DeliveryRecord> records;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("log", self.log);
    field("queue_id", self.queue_id);
    field("records", self.records);
  }
};

// What a notice needs to know of the message.
struct BounceMessage {
  std::string queue_name;  // where the message file stands
  std::string queue_id;
  std::string encoding;
  std::uint32_t send_options = 0;
  std::string sender;
  std::string envelope_id;
  std::uint32_t ret_flags = 0;
  std::string verp_delimiters;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("queue_name", self.queue_name);
    field("queue_id", self.queue_id);
    field("encoding", self.encoding);
    field("send_options", self.send_options);
    field("sender", self.sender);
    field("envelope_id", self.envelope_id);
    field("ret_flags", self.ret_flags);
    field("verp_delimiters", self.verp_delimiters);
  }
};

// Sends the notice made from the log: of `bounce` = non-delivery, of `defer` = the deferrals as non-delivery
// (expired), of `trace` = the success / verification report. The log is removed when the notice is safely
// queued.
struct BounceFlush {
  static constexpr std::string_view kName = "bounce.flush";
  BounceLog log = BounceLog::bounce;
  BounceMessage message;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("log", self.log);
    field("message", self.message);
  }
};

// Delay warning from the defer log, which stays.
struct BounceWarn {
  static constexpr std::string_view kName = "bounce.warn";
  BounceMessage message;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("message", self.message);
  }
};

// A notice for these records alone, without a log file (mail that cleanup or a probe refuses).
struct BounceOne {
  static constexpr std::string_view kName = "bounce.one";
  BounceMessage message;
  std::vector<DeliveryRecord> records;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("message", self.message);
    field("records", self.records);
  }
};

// Removes the log (delivery succeeded, or the message is tried again).
struct BounceRemove {
  static constexpr std::string_view kName = "bounce.remove";
  BounceLog log = BounceLog::bounce;
  std::string queue_id;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("log", self.log);
    field("queue_id", self.queue_id);
  }
};

struct BounceReply {
  static constexpr std::string_view kName = "bounce.reply";
  bool ok = false;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("ok", self.ok);
  }
};

}  // namespace posthouse::ipc
