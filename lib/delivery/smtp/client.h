// Delivers the recipients of one request by SMTP or LMTP: next hops in order, their servers in order, over
// new or kept connections, until every recipient has a result (issue: RFC 5321 section 5).
//
// One Client per process; many fibers deliver at once. Results are recorded as they come.
#pragma once

#include <memory>
#include <string>

#include "lib/delivery/agent.h"
#include "lib/delivery/pass.h"
#include "lib/delivery/smtp/route.h"
#include "lib/delivery/smtp/session_cache.h"
#include "lib/delivery/smtp/settings.h"
#include "lib/delivery/smtp/transaction.h"

namespace posthouse::delivery::smtp {

class Client {
 public:
  // `submit` takes notices to the postmaster.
  Client(Settings settings, RouterPeers peers, std::shared_ptr<const GenericMap> generic = nullptr,
         peers::Submit submit = {});
  void deliver(Attempt& attempt);  // may wait
  void drain() { cache_.clear(); }

 private:
  struct Progress;  // of one request
  struct Place;
  void pass_on(Attempt& attempt);
  void try_destination(Progress& progress, std::string_view text, bool is_last);
  bool try_kept(Progress& progress, const std::string& destination, bool is_last);
  void try_servers(Progress& progress, const std::vector<Server>& servers, const std::string& destination,
                   bool is_last);
  void try_server(Progress& progress, const Server& server, const Place& place);
  Result<runtime::Stream> connect_from_here(const Server& server, Deadline deadline) const;
  SessionCache::Handle connect(Progress& progress, const Server& server);
  SessionCache::Handle open(Progress& progress, const Server& server, bool is_final);
  void use(Progress& progress, SessionCache::Handle session, const std::string& destination, bool is_final);

  void tell_postmaster(const Progress& progress, Session& session) const;

  Settings settings_;
  Router router_;
  SessionCache cache_;
  Passer passer_;
  std::shared_ptr<const GenericMap> generic_;
  peers::Submit submit_;
};

}  // namespace posthouse::delivery::smtp
