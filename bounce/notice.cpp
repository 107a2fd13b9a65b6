#include "bounce/notice.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/mail/date.h"
#include "lib/mail/quote.h"
#include "lib/mail/token.h"

namespace posthouse::bounce {

namespace {

constexpr std::size_t kColumns = 79;

// "MAILER-DAEMON (Mail Delivery System)" -> "Mail Delivery System <MAILER-DAEMON@origin>".
std::string from_header(std::string_view from, const Reporter& reporter) {
  const std::size_t open = from.find(" (");
  if (open == std::string_view::npos || !from.ends_with(')') || from.find('<') != std::string_view::npos) {
    return std::string(from);
  }
  const std::string_view address = from.substr(0, open);
  std::string phrase(from.substr(open + 2, from.size() - open - 3));
  if (phrase.find_first_of(mail::kRfc822Specials) != std::string::npos)
    phrase = mail::quote_local_part(phrase);
  const bool has_domain = address.find('@') != std::string_view::npos;
  return fmt::format("{} <{}{}>", phrase, address, has_domain ? "" : "@" + reporter.origin);
}

class Composer {
 public:
  Composer(const Notice& notice, const Subject& subject, const Reporter& reporter, const Template& texts)
      : notice_(notice), subject_(subject), reporter_(reporter), texts_(texts) {
    boundary_ = fmt::format("{}.{}/{}", subject.queue_id, unix_seconds(notice.now), reporter.hostname);
    is_global_ =
        !is_ascii(subject.sender) || std::ranges::any_of(subject.records, [](const ipc::DeliveryRecord& r) {
          return !is_ascii(r.recipient.address) || !is_ascii(r.recipient.dsn_original);
        });
  }

  std::string write() {
    write_headers();
    write_explanation();
    write_report();
    write_original();
    add("\n--{}--\n", boundary_);
    return std::move(out_);
  }

 private:
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }
  void begin_part() { add("\n--{}\n", boundary_); }
  std::string_view address_type() const { return is_global_ ? "utf-8" : "rfc822"; }

  void write_headers() {
    const bool for_postmaster = notice_.is_for_postmaster && !texts_.postmaster_subject.empty();
    add("Date: {}\n", mail::date_text(notice_.now));
    add("From: {}\n", from_header(texts_.from, reporter_));
    add("Subject: {}\n", for_postmaster ? texts_.postmaster_subject : texts_.subject);
    add("To: {}\n", mail::to_external(notice_.recipient));
    write_thread();
    add("Auto-Submitted: {}\n", notice_.is_for_postmaster ? "auto-generated" : "auto-replied");
    add("MIME-Version: 1.0\n");
    add("Content-Type: multipart/report; report-type={}delivery-status;\n", is_global_ ? "global-" : "");
    add("\tboundary=\"{}\"\n", boundary_);
    add("Content-Transfer-Encoding: 8bit\n\nThis is a MIME-encapsulated message.\n");
  }

  void write_thread() {
    const Original* original = subject_.original;
    if (!notice_.is_threaded || original == nullptr || original->message_id.empty()) return;
    add("References: {}\n", original->message_id);
    add("In-Reply-To: {}\n", original->message_id);
  }

  void write_explanation() {
    begin_part();
    add("Content-Description: Notification\nContent-Type: text/plain; charset={}\n", texts_.charset);
    add("Content-Transfer-Encoding: 8bit\n\n");
    if (!notice_.is_for_postmaster) out_ += texts_.text;
    for (const ipc::DeliveryRecord& record : subject_.records) {
      const ipc::DeliveryRecipient& recipient = record.recipient;
      std::string line = fmt::format("<{}>", mail::to_external(recipient.address));
      if (!recipient.original.empty() && !equal_ignoring_case(recipient.original, recipient.address)) {
        line += fmt::format(" (expanded from <{}>)", mail::to_external(recipient.original));
      }
      add("\n{}\n", folded(fmt::format("{}: {}", line, record.reason), kColumns));
    }
  }

  void write_report() {
    begin_part();
    add("Content-Description: Delivery report\nContent-Type: message/{}delivery-status\n",
        is_global_ ? "global-" : "");
    if (is_global_) add("Content-Transfer-Encoding: 8bit\n");
    add("\nReporting-MTA: dns; {}\n", reporter_.hostname);
    if (!subject_.envelope_id.empty()) add("Original-Envelope-Id: {}\n", printable(subject_.envelope_id));
    add("X-Postfix-Queue-ID: {}\n", subject_.queue_id);
    add("X-Postfix-Sender: {}; {}\n", address_type(), sender_text(subject_.sender, reporter_));
    if (subject_.original != nullptr) add("Arrival-Date: {}\n", mail::date_text(subject_.original->arrival));
    for (const ipc::DeliveryRecord& record : subject_.records) write_recipient(record);
  }

  void write_recipient(const ipc::DeliveryRecord& record) {
    const ipc::DeliveryRecipient& recipient = record.recipient;
    add("\nFinal-Recipient: {}; {}\n", address_type(), mail::to_external(recipient.address));
    if (!recipient.dsn_original.empty()) {
      add("Original-Recipient: {}\n", recipient.dsn_original);
    } else if (!recipient.original.empty()) {
      add("Original-Recipient: {};{}\n", address_type(), mail::to_external(recipient.original));
    }
    const bool was_delayed = record.action == "delayed" && notice_.kind == NoticeKind::failure;
    add("Action: {}\nStatus: {}\n", was_delayed ? "failed" : record.action, record.status);
    if (!record.mta_type.empty() && !record.mta_name.empty()) {
      add("Remote-MTA: {}; {}\n", record.mta_type, record.mta_name);
    }
    const bool has_diagnosis = !record.diag_type.empty() && !record.diag_text.empty();
    const std::string diagnosis = has_diagnosis ? fmt::format("{}; {}", record.diag_type, record.diag_text)
                                                : fmt::format("X-Postfix; {}", record.reason);
    add("{}\n", folded("Diagnostic-Code: " + diagnosis, kColumns));
    if (subject_.retry_until) add("Will-Retry-Until: {}\n", mail::date_text(*subject_.retry_until));
  }

  void write_original() {
    const Original* original = subject_.original;
    if (original == nullptr) return;
    const bool returns_body = notice_.returns_body && original->is_complete;
    const bool is_failure = notice_.kind == NoticeKind::failure || notice_.kind == NoticeKind::delay;
    begin_part();
    add("Content-Description: {}Message{}\n", is_failure ? "Undelivered " : "",
        returns_body ? "" : " Headers");
    if (is_global_) {
      add("Content-Type: message/global{}\n", returns_body ? "" : "-headers");
    } else {
      add("Content-Type: {}\n", returns_body ? "message/rfc822" : "text/rfc822-headers");
    }
    add("Content-Transfer-Encoding: 8bit\n\n");
    add("Return-Path: <{}>\n", sender_text(subject_.sender, reporter_));
    out_ += returns_body ? std::string_view(original->text) : headers_of(original->text);
  }

  const Notice& notice_;
  const Subject& subject_;
  const Reporter& reporter_;
  const Template& texts_;
  std::string boundary_;
  bool is_global_ = false;
  std::string out_;
};

}  // namespace

std::string sender_text(const std::string& sender, const Reporter& reporter) {
  return sender.empty() ? "MAILER-DAEMON@" + reporter.hostname : mail::to_external(sender);
}

std::string compose(const Notice& notice, const Subject& subject, const Reporter& reporter,
                    const Template& texts) {
  return Composer(notice, subject, reporter, texts).write();
}

}  // namespace posthouse::bounce
