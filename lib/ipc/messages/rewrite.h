// Questions to trivial-rewrite (private/rewrite): many addresses at once, answered in the same order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthouse::ipc {

// Completes addresses to user@domain form for a context: "local" (append_at_myorigin, append_dot_mydomain …),
// "remote" (only with remote_header_rewrite_domain), or "canonical" results that are treated as local.
struct RewriteQuery {
  static constexpr std::string_view kName = "rewrite.query";
  std::string context;
  std::vector<std::string> addresses;  // internal form
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("context", self.context);
    field("addresses", self.addresses);
  }
};

struct RewriteReply {
  static constexpr std::string_view kName = "rewrite.reply";
  std::vector<std::string> addresses;
  std::uint32_t max_age = 0;  // seconds for which the answer may be cached; 0 = do not
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("addresses", self.addresses);
    field("max_age", self.max_age);
  }
};

struct ResolveQuery {
  static constexpr std::string_view kName = "resolve.query";
  std::string sender;                   // for sender-dependent tables; internal form
  std::vector<std::string> recipients;  // internal form
  bool is_probe = false;                // use the address_verify_* routing parameters
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("sender", self.sender);
    field("recipients", self.recipients);
    field("is_probe", self.is_probe);
  }
};

enum class AddressClass : std::uint8_t { local, virtual_alias, virtual_mailbox, relay, other };

struct Resolved {
  // Exactly one of: ok; or a table could not be asked (defer with text); or bad syntax (bounce 5.1.3).
  enum class Status : std::uint8_t { ok, temporary, bad_syntax };
  Status status = Status::ok;
  AddressClass address_class = AddressClass::other;
  std::string transport;   // service name: "smtp", "lmtp", "local", "error", …
  std::string nexthop;     // "example.com", "[127.0.0.1]:24", error text for error/retry
  std::string recipient;   // what to deliver to (normally the question)
  std::string text;        // reason when status is not ok
  bool is_routed = false;  // the local part has a route of its own (user%host@domain): not for strangers
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("status", self.status);
    field("address_class", self.address_class);
    field("transport", self.transport);
    field("nexthop", self.nexthop);
    field("recipient", self.recipient);
    field("text", self.text);
    field("is_routed", self.is_routed);
  }
};

struct ResolveReply {
  static constexpr std::string_view kName = "resolve.reply";
  std::vector<Resolved> results;
  std::uint32_t max_age = 0;       // seconds for which the answers may be cached; 0 = do not
  bool is_for_any_sender = false;  // the answers do not depend on the sender
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("results", self.results);
    field("max_age", self.max_age);
    field("is_for_any_sender", self.is_for_any_sender);
  }
};

}  // namespace posthouse::ipc
