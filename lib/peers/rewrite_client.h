// Asks trivial-rewrite, and remembers its answers for as long as it allows.
//
// One client per process, shared by its sessions; all questions go pipelined over one connection, and a
// message's recipients in one question. Answers come in the order of the addresses. Functions may wait.
// A service that does not answer before the deadline is a Failure (4.3.0): defer, never guess.
// The cache is bounded in entries; the oldest half goes when it is full.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/ipc/client.h"
#include "lib/ipc/messages/rewrite.h"
#include "lib/peers/services.h"

namespace posthouse::peers {

class RewriteClient {
 public:
  explicit RewriteClient(const Services& services, std::size_t cache_limit = 10'000);

  // Context "local" or "remote"; internal form in and out.
  Result<std::vector<std::string>> rewrite(std::string_view context,
                                           const std::vector<std::string>& addresses, Deadline deadline);
  Result<std::string> rewrite(std::string_view context, const std::string& address, Deadline deadline);

  Result<std::vector<ipc::Resolved>> resolve(const ipc::ResolveQuery& query, Deadline deadline);
  Result<ipc::Resolved> resolve(std::string_view sender, const std::string& recipient, Deadline deadline);

 private:
  template <class Value>
  class Cache {
   public:
    explicit Cache(std::size_t limit) : limit_(limit) {}
    const Value* find(const std::string& key, Deadline now) const;
    void store(const std::string& key, const Value& value, Deadline expires);

   private:
    struct Entry {
      Value value;
      Deadline expires;
    };
    std::size_t limit_;
    std::unordered_map<std::string, Entry> recent_, older_;
  };

  ipc::Client client_;
  Cache<std::string> rewritten_;
  Cache<ipc::Resolved> resolved_;
  bool depends_on_sender_ = true;  // as far as the last answer told
};

}  // namespace posthouse::peers
