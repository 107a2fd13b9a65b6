// To the flush service (public/flush): which deferred mail waits for a site, and deliver it now.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace posthouse::ipc {

// Mail for this site was deferred: remember it (delivery agents, for sites that fast_flush_domains lists).
struct FlushAdd {
  static constexpr std::string_view kName = "flush.add";
  std::string site;
  std::string queue_id;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("site", self.site);
    field("queue_id", self.queue_id);
  }
};

// Deliver the mail that waits for a site (ETRN, postqueue -s).
struct FlushSite {
  static constexpr std::string_view kName = "flush.site";
  std::string site;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("site", self.site);
  }
};

// Deliver one message now (postqueue -i).
struct FlushMessage {
  static constexpr std::string_view kName = "flush.message";
  std::string queue_id;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("queue_id", self.queue_id);
  }
};

enum class FlushStatus : std::uint8_t {
  ok,
  failed,   // try again later
  denied,   // the site is not in fast_flush_domains
  invalid,  // not a site or queue id
};

struct FlushReply {
  static constexpr std::string_view kName = "flush.reply";
  FlushStatus status = FlushStatus::failed;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("status", self.status);
  }
};

}  // namespace posthouse::ipc
