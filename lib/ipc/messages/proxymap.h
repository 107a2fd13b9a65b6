// Lookups in tables that the proxymap service has open for others (private/proxymap, private/proxywrite).
//
// Questions are independent of each other and may be asked pipelined and again; a walk (ProxyNext) names the
// last key it saw.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace posthouse::ipc {

enum class ProxyStatus : std::uint8_t { ok = 0, not_found = 1, retry = 2, bad = 3, denied = 4, config = 5 };

struct ProxyLookup {
  static constexpr std::string_view kName = "proxymap.lookup";
  std::string table;  // "type:name"
  std::uint32_t flags = 0;
  std::string key;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("table", self.table);
    field("flags", self.flags);
    field("key", self.key);
  }
};

struct ProxyUpdate {
  static constexpr std::string_view kName = "proxymap.update";
  std::string table;
  std::uint32_t flags = 0;
  std::string key, value;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("table", self.table);
    field("flags", self.flags);
    field("key", self.key);
    field("value", self.value);
  }
};

struct ProxyDelete {
  static constexpr std::string_view kName = "proxymap.delete";
  std::string table;
  std::uint32_t flags = 0;
  std::string key;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("table", self.table);
    field("flags", self.flags);
    field("key", self.key);
  }
};

// The entries from the `position`th on, a batch at a time; `walk` is 0 to begin.
struct ProxyNext {
  static constexpr std::string_view kName = "proxymap.next";
  std::string table;
  std::uint32_t flags = 0;
  std::uint64_t walk = 0;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("table", self.table);
    field("flags", self.flags);
    field("walk", self.walk);
  }
};

struct ProxyAnswer {
  static constexpr std::string_view kName = "proxymap.answer";
  ProxyStatus status = ProxyStatus::retry;
  std::string key;    // ProxyNext
  std::string value;  // or the text of the trouble
  std::uint64_t walk = 0;
  template <class Self, class Fn>
  static void each_field(Self& self, Fn&& field) {
    field("status", self.status);
    field("key", self.key);
    field("value", self.value);
    field("walk", self.walk);
  }
};

}  // namespace posthouse::ipc
