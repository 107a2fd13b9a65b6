// Redis commands over kept connections to the first of several servers that answers.
//
// The protocol's bytes are made and read by hiredis, the sockets are the event loop's. All functions may
// wait, at most the timeout for each server.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/runtime/tls_stream.h"
#include "lib/table/client_config.h"
#include "lib/table/server_list.h"
#include "lib/table/stream_pool.h"

namespace posthouse::table {

struct RedisSettings {
  std::string hosts, user, password;
  long database = 0;
  std::chrono::seconds timeout{5}, retry_interval{60};
  std::shared_ptr<const runtime::TlsClient> tls;  // none: plain
};
Result<RedisSettings> redis_settings(const ClientConfig& config);

struct RedisReply {
  std::optional<std::string> text;  // a string; of a scan the next position
  long long integer = 0;
  std::vector<std::string> list;  // of a scan
};

class RedisClient {
 public:
  RedisClient(std::string title, RedisSettings settings);
  // An error reply of the server is a failure; it does not count against the server.
  Result<RedisReply> command(const std::vector<std::string>& words);

 private:
  Result<void> greet(runtime::TlsStream& stream, const std::string& host, Deadline deadline) const;

  std::string title_;
  RedisSettings settings_;
  ServerList servers_;
  std::vector<std::unique_ptr<BasicStreamPool<runtime::TlsStream>>> pools_;
};

}  // namespace posthouse::table
