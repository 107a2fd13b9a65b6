// The services bounce, defer and trace: keeps the per-message logs and turns them into notices.
#pragma once

#include <memory>
#include <optional>

#include "bounce/log_file.h"
#include "bounce/notifier.h"
#include "bounce/parameters.h"
#include "lib/ipc/dispatcher.h"
#include "lib/peers/flush_client.h"
#include "lib/service/service.h"
#include "lib/table/match_list.h"

namespace posthouse::bounce {

inline constexpr service::Plan kPlan{.program = "bounce"};

class BounceService : public service::Service {
 public:
  Result<void> prepare(const service::Environment& environment) override;
  void serve(runtime::Stream stream) override;

 private:
  bool append(const ipc::BounceAppend& query);
  bool flush(const ipc::BounceFlush& query);
  bool warn(const ipc::BounceMessage& message);
  bool one(const ipc::BounceOne& query);
  void list_for_flush(const ipc::BounceAppend& query);
  bool remove(const ipc::BounceRemove& query);

  std::optional<std::vector<ipc::DeliveryRecord>> read_log(const LogFile& file, LogKind kind,
                                                           const std::string& queue_id) const;
  // The message's file, nothing when it cannot be read (logged).
  std::optional<Original> read_original(const ipc::BounceMessage& message) const;
  std::optional<LogFile> log_of(LogKind kind, const std::string& queue_id) const;

  bouncelog::LogFormat format_;
  queuefile::Layout layout_;
  std::size_t size_limit_ = 0;
  std::unique_ptr<table::Tables> tables_;
  table::MatchList flush_domains_;
  std::unique_ptr<peers::FlushClient> flush_;
  ipc::Dispatcher dispatcher_;
  std::unique_ptr<peers::Submission> submission_;
  std::unique_ptr<Notifier> notifier_;
};

}  // namespace posthouse::bounce
