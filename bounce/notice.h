// Writes a delivery status notification (RFC 3464, RFC 6533): headers, explanation, report, original. Pure.
//
// The result has LF line ends and starts with "Date:"; the sender adds Received and cleanup adds Message-Id.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "bounce/original.h"
#include "bounce/template.h"
#include "lib/ipc/messages/bounce.h"

namespace posthouse::bounce {

// Who writes.
struct Reporter {
  std::string hostname;  // myhostname
  std::string origin;    // myorigin
};

// What the notice is about.
struct Subject {
  std::string queue_id;
  std::string sender;                  // internal form
  std::string envelope_id;             // decoded ENVID
  const Original* original = nullptr;  // null: the queue file could not be read
  std::optional<Time> retry_until;     // delay notices
  std::span<const ipc::DeliveryRecord> records;
};

struct Notice {
  NoticeKind kind = NoticeKind::failure;
  bool is_for_postmaster = false;  // no explanation, other subject
  bool returns_body = false;       // else headers only
  bool is_threaded = false;
  std::string recipient;  // internal form
  Time now;
};

// `texts.text` is already expanded.
std::string compose(const Notice& notice, const Subject& subject, const Reporter& reporter,
                    const Template& texts);

// The address as it stands in the report: MAILER-DAEMON@host for the null sender.
std::string sender_text(const std::string& sender, const Reporter& reporter);

}  // namespace posthouse::bounce
