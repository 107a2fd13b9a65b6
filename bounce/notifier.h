// Decides which notices a message causes and sends them: to the sender, to the postmaster, to nobody.
//
// The notice of a null sender goes to the postmaster (2bounce); what cannot be delivered to the postmaster is
// dropped with a warning. Recipients with NOTIFY=NEVER (or without the kind in question) are left out.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "bounce/notice.h"
#include "lib/peers/submission.h"

namespace posthouse::bounce {

struct Rules {
  Reporter reporter;
  std::string double_bounce_sender;  // with domain
  std::string bounce_recipient, double_bounce_recipient, delay_recipient;
  std::set<std::string> notify_classes;    // lower case
  std::set<std::string> filtered_classes;  // internal_mail_filter_classes
  bool disable_verp = false;
  bool is_threaded = false;
  std::chrono::seconds queue_lifetime{};
  Templates templates;  // texts expanded
};

class Notifier {
 public:
  using Send = std::function<Result<std::string>(const peers::Outgoing&)>;
  using Log = std::function<void(const std::string& line, bool is_warning)>;
  Notifier(Rules rules, Send send, Log log, const Clock& clock = Clock::system());

  // True when all that had to be sent is in the queue. `original` may be null. All may wait.
  bool failure(const ipc::BounceMessage& message, const std::vector<ipc::DeliveryRecord>& records,
               const Original* original);
  bool delay(const ipc::BounceMessage& message, const std::vector<ipc::DeliveryRecord>& records,
             const Original* original);
  bool trace(const ipc::BounceMessage& message, const std::vector<ipc::DeliveryRecord>& records,
             const Original* original);

 private:
  struct Job {
    NoticeKind kind;
    std::string what;  // for the log: "sender non-delivery"
    std::string recipient;
    bool is_for_postmaster = false;
    bool returns_body = false;
  };
  bool has_class(std::string_view name) const;
  bool is_double_bounce(const std::string& sender) const;
  bool send(const Job& job, const ipc::BounceMessage& message, std::span<const ipc::DeliveryRecord> records,
            const Original* original);
  bool send_to_sender(const ipc::BounceMessage& message, const std::vector<ipc::DeliveryRecord>& records,
                      const Original* original);

  Rules rules_;
  Send send_;
  Log log_;
  const Clock& clock_;
};

}  // namespace posthouse::bounce
