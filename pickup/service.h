// The pickup daemon: brings what stands in maildrop to cleanup, on a trigger or the periodic wakeup.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "lib/ipc/client.h"
#include "lib/ipc/messages/cleanup.h"
#include "lib/mail/quote.h"
#include "lib/peers/services.h"
#include "lib/queuefile/layout.h"
#include "lib/runtime/fiber.h"
#include "lib/service/service.h"

namespace posthouse::pickup {

inline constexpr service::Plan kPlan{.program = "pickup", .is_single = true};

class SubmittedMessage;

struct Settings {
  std::string myhostname, mail_name;
  std::string content_filter;
  std::uint32_t local_flags = 0;  // cleanup_flag of mail from users
  mail::LogForm log_form = mail::LogForm::external;
  queuefile::Layout layout;
};

class Pickup : public service::Service {
 public:
  Result<void> prepare(const service::Environment& environment) override;
  void start() override;
  void serve(runtime::Stream stream) override;  // trigger bytes
  bool is_busy() const override { return !in_work_.empty(); }

 private:
  void scan_when_told();
  void scan();
  void bring(const std::string& path, const queuefile::QueueId& id);
  // True when the file has done its duty.
  bool submit(queuefile::File& file, const queuefile::FileStatus& status, const queuefile::QueueId& id,
              const std::string& path);
  // Sends Open; the answer is Opened or Closed. A kept connection that has died is replaced once.
  Result<ipc::Frame> begin(std::optional<ipc::Connection>& cleanup, const ipc::CleanupOpen& open);
  Result<ipc::CleanupClosed> converse(std::optional<ipc::Connection>& cleanup, SubmittedMessage& message,
                                      queuefile::File& file, const queuefile::FileStatus& status,
                                      const std::string& orig_id);
  std::string received_header(const std::string& queue_id, unsigned owner, Time arrival) const;

  Settings settings_;
  peers::Services services_;
  std::unique_ptr<ipc::Pool> cleanup_;
  std::unique_ptr<runtime::Signal> told_;
  std::unique_ptr<runtime::Semaphore> places_;
  bool has_work_ = false;
  std::set<std::string> in_work_;
};

}  // namespace posthouse::pickup
