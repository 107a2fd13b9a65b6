// Reads master.cf, the list of services (master(5)): pure, no I/O.
//
// Used by master, postconf and tests. All columns are checked; every mistake is reported as
// "FILE:LINE: what was expected" and all mistakes of a file are collected. Of two entries with the same name
// and type the last one counts. Nothing is resolved here: host names, ports, programs are the caller's.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace posthouse::config {

enum class ServiceType : unsigned char { inet, unix_stream, unix_dgram, fifo, pass };

std::string_view name_of(ServiceType type);  // "inet", "unix", "unix-dgram", "fifo", "pass"
std::optional<ServiceType> service_type(std::string_view name);

// One service; a column written "-" is empty (nullopt).
struct MasterEntry {
  std::string name;
  ServiceType type = ServiceType::unix_stream;
  std::optional<bool> is_private;
  std::optional<bool> is_unprivileged;
  std::optional<bool> is_chrooted;
  std::optional<int> wakeup;          // seconds, 0 = never
  bool wakes_only_when_used = false;  // '?' after the time
  std::optional<int> process_limit;   // 0 = no limit
  std::string command;
  std::vector<std::string> arguments;      // braces removed; "-o { a = b }" became "-o" "a=b"
  std::vector<std::string> columns;        // the first eight as written
  std::vector<std::string> raw_arguments;  // as written, braces kept
  int line = 0;                            // where the entry starts

  // "public/NAME" or "private/NAME"; empty for inet.
  std::string socket_path() const;
  bool same_service(const MasterEntry& other) const { return name == other.name && type == other.type; }
  // The -o settings among the arguments, in order.
  std::vector<std::pair<std::string, std::string>> overrides() const;
};

struct MasterCf {
  std::vector<MasterEntry> entries;   // in file order
  std::vector<std::string> warnings;  // "FILE:LINE: duplicate entry ..."
};

// `file_name` is for messages only. At most 100,000 entries of 64 KB each.
std::expected<MasterCf, std::vector<std::string>> parse_master_cf(std::string_view text,
                                                                  std::string_view file_name);

// The name of an inet service: "25", "smtp", "127.0.0.1:25", "[::1]:smtp", "::1:smtp". Host is empty when not
// given.
struct InetName {
  std::string host, port;
};
std::optional<InetName> parse_inet_name(std::string_view name);

}  // namespace posthouse::config
