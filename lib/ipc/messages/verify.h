// To the address verification service (private/verify). Answers at once from its cache; a probe runs behind.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace posthouse::ipc {

enum class VerifyStatus : std::uint8_t { deliverable = 0, deferred = 1, undeliverable = 2, in_progress = 3 };

struct VerifyQuery {
  static constexpr std::string_view kName = "verify.query";
  std::string address;  // internal form, complete
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("address", self.address);
  }
};

struct VerifyReply {
  static constexpr std::string_view kName = "verify.reply";
  VerifyStatus status = VerifyStatus::in_progress;
  std::string text;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("status", self.status);
    field("text", self.text);
  }
};

// From delivery agents, for messages with delivery_flag::kProbe.
struct VerifyUpdate {
  static constexpr std::string_view kName = "verify.update";
  std::string address;
  VerifyStatus status = VerifyStatus::deferred;
  std::string text;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("address", self.address);
    field("status", self.status);
    field("text", self.text);
  }
};

struct VerifyUpdated {
  static constexpr std::string_view kName = "verify.updated";
  bool ok = false;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("ok", self.ok);
  }
};

}  // namespace posthouse::ipc
