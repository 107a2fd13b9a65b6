// Records what became of the recipients of one delivery request: a log line, the mark in the queue file, the
// entry in the defer, bounce or trace log, and the verdict for the queue manager.
//
// A delivered recipient is marked at once, before anything else. Deferred and bounced ones are collected;
// finish() appends them in one go (one fsync a log) and marks the bounced ones only when their entry
// is safe; when it is not they count as deferred. Probes update the verify service instead.
// soft_bounce turns bounces into deferrals; the status filter has its say before. Owned by one fiber; keeps
// references to its arguments.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/failure.h"
#include "lib/delivery/delivery_line.h"
#include "lib/delivery/status_filter.h"
#include "lib/ipc/messages/bounce.h"
#include "lib/ipc/messages/delivery.h"
#include "lib/ipc/messages/verify.h"
#include "lib/queuefile/file_system.h"

namespace posthouse::delivery {

struct Success {
  std::string dsn = "2.0.0";
  std::string text;                    // "250 2.0.0 Ok", "delivered to mailbox"
  std::string action = "delivered";    // delivered, relayed, expanded
  bool is_reported_elsewhere = false;  // the next hop took over the NOTIFY=SUCCESS duty
  bool is_silent = false;              // no log line: done earlier, or reported by another process
};

// The reply of a remote host behind a failure or success, for the report.
struct Remote {
  std::string diag_type, diag_text;  // "smtp", "550 5.1.1 ..."
  std::string mta_type, mta_name;    // "dns", "mx.example.com"
};

// What Results talks to; all functions may wait.
struct ResultPeers {
  std::function<Result<void>(const ipc::BounceAppend&)> append;
  std::function<void(const ipc::VerifyUpdate&)> verify;
  std::function<void(const std::string& line)> log;
};

struct ResultSettings {
  bool soft_bounce = false;
  bool keeps_bad_probes = true;  // address_verify_negative_cache: what verify does not keep is logged as such
  int delay_decimals = 2;
  mail::LogForm log_form = mail::LogForm::external;
  const Clock* clock = &Clock::system();
  std::shared_ptr<const StatusFilter> filter;
};

class Results {
 public:
  Results(const ipc::DeliveryRequest& request, queuefile::File& file, const ResultPeers& peers,
          const ResultSettings& settings);

  // Each recipient gets one result; a second one is ignored. `index` counts in request.recipients.
  void delivered(std::size_t index, const Relay& relay, const Success& success, const Remote& remote = {});
  // Deferral or bounce, as the failure says.
  void failed(std::size_t index, const Relay& relay, const Failure& failure, const Remote& remote = {});
  // Another agent delivered, logged and marked.
  void recorded_elsewhere(std::size_t index, ipc::Outcome outcome);
  // The same for all that have no result yet.
  void fail_rest(const Relay& relay, const Failure& failure, const Remote& remote = {});

  std::string in_log(std::string_view address) const { return mail::in_log(address, settings_.log_form); }

  bool is_open(std::size_t index) const { return !entries_[index].is_done; }
  bool has_open() const { return open_ > 0; }
  std::vector<std::size_t> open() const;

  // The next hop as a whole is in trouble: the queue manager backs off.
  void destination_failed(const Failure& reason);
  // The queue file cannot be used; recipients without result stay as they are.
  void stop(ipc::DeliveryReply::Status status) { reply_.status = status; }

  // Appends, marks, logs what is left to do. Call once, last. May wait.
  ipc::DeliveryReply finish();

  // Recipients that the file says are done already get their result without being tried again.
  void skip_marked();

 private:
  struct Entry {
    bool is_done = false;
    ipc::Outcome outcome = ipc::Outcome::deferred;
  };
  struct Failed {
    std::size_t index;
    Relay relay;
    std::string delays;
    ipc::DeliveryRecord record;
    bool is_bounce;
    std::string status;  // log word
  };

  bool is_probe() const;
  bool is_user_probe() const;
  bool ends_delay(std::size_t index) const;
  bool begin_result(std::size_t index);
  void mark(std::size_t index);
  void filter(std::string& dsn, std::string& text) const;
  void log(std::size_t index, const Relay& relay, const std::string& delays, std::string_view dsn,
           std::string_view status, std::string_view reason);
  void tell_verify(std::size_t index, ipc::VerifyStatus status, const std::string& text);
  void probe_failed(std::size_t index, const Relay& relay, const Failure& failure, const Remote& remote);
  ipc::DeliveryRecord record(std::size_t index, std::string_view dsn, std::string_view action,
                             std::string_view reason, const Remote& remote) const;
  void trace(ipc::DeliveryRecord record, const Relay& relay);
  void finish_bounces();
  void finish_deferrals();
  Result<void> append(ipc::BounceLog log, std::vector<ipc::DeliveryRecord> records);
  std::string delays(const Relay& relay) const;

  const ipc::DeliveryRequest& request_;
  queuefile::File& file_;
  const ResultPeers& peers_;
  ResultSettings settings_;
  Times times_;
  std::vector<Entry> entries_;
  std::size_t open_;
  std::vector<Failed> failed_;
  std::vector<ipc::DeliveryRecord> traces_;
  ipc::DeliveryReply reply_;
};

}  // namespace posthouse::delivery
