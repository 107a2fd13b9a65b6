// The service flush: lists of mail that waits for a site, for ETRN and postqueue -s / -i.
#pragma once

#include <memory>

#include "flush/parameters.h"
#include "flush/site_log.h"
#include "lib/ipc/dispatcher.h"
#include "lib/ipc/messages/flush.h"
#include "lib/peers/qmgr_client.h"
#include "lib/service/service.h"
#include "lib/table/match_list.h"

namespace posthouse::flush {

inline constexpr service::Plan kPlan{.program = "flush", .is_single = true};

class FlushService : public service::Service {
 public:
  Result<void> prepare(const service::Environment& environment) override;
  void serve(runtime::Stream stream) override;

 private:
  ipc::FlushReply add(const ipc::FlushAdd& query);
  ipc::FlushReply flush_site(const ipc::FlushSite& query);
  ipc::FlushReply flush_message(const ipc::FlushMessage& query);
  void tidy();
  // ok: the site is in fast_flush_domains.
  ipc::FlushStatus check(const std::string& site) const;
  void tell_qmgr() const;

  std::unique_ptr<table::Tables> tables_;
  table::MatchList domains_;
  SiteLogs::Limits limits_{};
  queuefile::Layout layout_;
  std::unique_ptr<SiteLogs> logs_;
  ipc::Dispatcher dispatcher_;
  std::unique_ptr<peers::QmgrClient> qmgr_;
};

}  // namespace posthouse::flush
