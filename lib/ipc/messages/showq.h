// postqueue -> showq (public/showq): a listing of the queue. One query, then batches until the last one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthouse::ipc {

struct ShowqQuery {
  static constexpr std::string_view kName = "showq.query";
  template <class Self, class Fn>
  static void each_field(Self&, Fn&&) {}
};

struct ShowqRecipient {
  std::string address;  // external form
  std::string reason;   // why it is delayed; empty if unknown
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("address", self.address);
    field("reason", self.reason);
  }
};

struct ShowqEntry {
  std::string queue_name;
  std::string queue_id;
  std::int64_t arrival_time = 0;  // seconds since 1970
  std::int64_t size = 0;          // SIZE field 1; maildrop: the file's size
  bool is_force_expired = false;
  std::string sender;  // external form; MAILER-DAEMON for the null sender
  std::vector<ShowqRecipient> recipients;
  bool is_continued = false;  // the next entry has more recipients of this message and nothing else
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("queue_name", self.queue_name);
    field("queue_id", self.queue_id);
    field("arrival_time", self.arrival_time);
    field("size", self.size);
    field("is_force_expired", self.is_force_expired);
    field("sender", self.sender);
    field("recipients", self.recipients);
    field("is_continued", self.is_continued);
  }
};

struct ShowqBatch {
  static constexpr std::string_view kName = "showq.batch";
  std::vector<ShowqEntry> entries;
  bool is_last = false;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("entries", self.entries);
    field("is_last", self.is_last);
  }
};

}  // namespace posthouse::ipc
