// Everything that lives from MAIL to the reply after the content, RSET, HELO or a lost connection; destroyed
// as a whole (one reset, never half of it).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/ipc/messages/cleanup.h"
#include "smtpd/handover.h"
#include "smtpd/reply.h"

namespace posthouse::smtpd {

// Actions of access tables and policy services that apply to the whole message.
struct MessageActions {
  bool hold = false;
  bool discard = false;
  std::string filter;
  std::string redirect;
  std::vector<std::string> bcc;
  std::string prepended;  // header lines, each with its LF
};

// Between the first BDAT and the last.
struct BdatProgress {
  std::uint64_t received = 0;  // bytes of all chunks
  bool has_pending_cr = false;
  bool has_failed = false;  // further chunks are read and dropped, to the last one
};

struct Transaction {
  std::string sender;  // internal form, empty = null sender
  Time arrival;
  std::string instance;  // names the transaction to policy services
  std::string encoding;  // "7bit", "8bit", empty if BODY= was not given
  std::uint64_t declared_size = 0;
  std::uint32_t ret_flags = 0;
  std::string envelope_id;
  std::string verp_delimiters;  // with XVERP
  bool smtputf8 = false;
  bool is_local_origin = false;  // its headers are completed as those of local mail

  std::vector<std::string> recipients;  // accepted ones, internal form
  std::size_t refused_recipients = 0;
  std::size_t overshoot = 0;
  std::uint64_t content_size = 0;
  MessageActions actions;
  std::optional<Reply> deferral;  // of defer_if_permit at MAIL, for RCPT to answer
  std::optional<BdatProgress> bdat;
  std::unique_ptr<Handover> handover;  // from the first accepted recipient

  std::string_view queue_id() const { return handover ? std::string_view(handover->queue_id()) : ""; }
};

}  // namespace posthouse::smtpd
