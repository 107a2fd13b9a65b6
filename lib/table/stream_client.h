// A kept connection to a lookup server (tcp:, socketmap:, memcache:, redis:) over "inet:host:port",
// "host:port" or "unix:/path".
//
// Names are resolved in a worker thread; all waits have the deadline of the question.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/failure.h"
#include "lib/runtime/stream.h"

namespace posthouse::table {

struct Endpoint {
  std::string text;  // as written, for messages
  bool is_unix = false;
  std::string host;  // or the path
  std::string port;
};

// "inet:" is optional; IPv6 addresses in brackets; `default_port` if there is none. A path is absolute or
// relative to the working directory.
std::optional<Endpoint> parse_endpoint(std::string_view text, std::string_view default_port = {});

// May wait. The failure's text is the errno text; a name that is not known is "host NAME not found".
Result<runtime::Stream> connect_endpoint(const Endpoint& endpoint, Deadline deadline);

// Reads until `stream` has a newline and takes the line without it (and without a CR before it). May wait.
Result<std::string> read_line(runtime::Stream& stream, std::size_t limit, Deadline deadline);
// Exactly `count` bytes. May wait.
Result<std::string> read_bytes(runtime::Stream& stream, std::size_t count, Deadline deadline);
Result<void> send(runtime::Stream& stream, std::string_view bytes, Deadline deadline);

}  // namespace posthouse::table
