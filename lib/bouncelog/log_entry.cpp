#include "lib/bouncelog/log_entry.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "lib/base/text.h"
#include "lib/mail/quote.h"

namespace posthouse::bouncelog {

namespace {

constexpr std::size_t kWarningLimit = 10;

std::string address_text(const std::string& internal, const LogFormat& format) {
  return internal.empty() ? "<>" : printable(mail::to_external(internal), format.keep_utf8);
}

// The lines of a reply become one.
std::string one_line(std::string text, const LogFormat& format) {
  std::ranges::replace(text, '\n', ' ');
  return printable(text, format.keep_utf8);
}

void add_line(std::string& out, std::string_view name, std::string_view value, const LogFormat& format) {
  if (value.empty()) return;
  fmt::format_to(std::back_inserter(out), "{}={}\n", name, one_line(std::string(value), format));
}

std::string internal_form(std::string_view text) {
  return text == "<>" ? std::string() : mail::to_internal(text);
}

class Reader {
 public:
  explicit Reader(LogKind kind) : kind_(kind) {}

  void line(std::string_view text) {
    if (text.empty()) return finish();
    if (text.front() == '<') return old_line(text);
    const std::size_t equal = text.find('=');
    if (equal == std::string_view::npos) return warn(fmt::format("malformed line: {}", shortened(text)));
    field(text.substr(0, equal), text.substr(equal + 1));
  }

  void finish() {
    if (has_recipient_) keep();
    has_recipient_ = false;
    record_ = {};
  }

  ParsedLog take() { return std::move(log_); }

 private:
  static std::string shortened(std::string_view text) { return printable(text.substr(0, 100)); }

  void warn(std::string text) {
    if (log_.warnings.size() < kWarningLimit) log_.warnings.push_back(std::move(text));
  }

  // "<recipient>: reason"
  void old_line(std::string_view text) {
    const std::size_t end = text.find(">: ");
    if (end == std::string_view::npos) return warn(fmt::format("malformed line: {}", shortened(text)));
    record_.recipient.address = internal_form(text.substr(1, end - 1));
    record_.reason = text.substr(end + 3);
    has_recipient_ = true;
  }

  void field(std::string_view name, std::string_view value) {
    if (name == "recipient") {
      record_.recipient.address = internal_form(value);
      has_recipient_ = true;
    } else if (name == "original_recipient") {
      record_.recipient.original = internal_form(value);
    } else if (name == "offset") {
      record_.recipient.offset = parse_int<std::int64_t>(value).value_or(0);
    } else if (name == "notify_flags") {
      record_.recipient.notify = parse_int<std::uint32_t>(value).value_or(0);
    } else if (std::string* text = text_field(name)) {
      *text = value;
    } else {
      warn(fmt::format("unknown name: {}", shortened(name)));
    }
  }

  std::string* text_field(std::string_view name) {
    if (name == "dsn_orig_rcpt") return &record_.recipient.dsn_original;
    if (name == "status") return &record_.status;
    if (name == "action") return &record_.action;
    if (name == "reason") return &record_.reason;
    if (name == "diag_type") return &record_.diag_type;
    if (name == "diag_text") return &record_.diag_text;
    if (name == "mta_type") return &record_.mta_type;
    if (name == "mta_mname") return &record_.mta_name;
    return nullptr;
  }

  void keep() {
    if (record_.status.empty())
      record_.status = kind_ == LogKind::defer ? "4.0.0" : kind_ == LogKind::trace ? "2.0.0" : "5.0.0";
    if (record_.action.empty())
      record_.action = kind_ == LogKind::defer ? "delayed" : kind_ == LogKind::trace ? "delivered" : "failed";
    if (record_.recipient.original.empty()) record_.recipient.original = record_.recipient.address;
    if (kind_ == LogKind::trace) {
      log_.records.push_back(std::move(record_));
      return;
    }
    const auto key = std::pair(record_.recipient.offset, record_.recipient.address);
    const auto [known, is_new] = seen_.try_emplace(key, log_.records.size());
    if (is_new) {
      log_.records.push_back(std::move(record_));
    } else {
      log_.records[known->second] = std::move(record_);
    }
  }

  LogKind kind_;
  ParsedLog log_;
  ipc::DeliveryRecord record_;
  bool has_recipient_ = false;
  std::map<std::pair<std::int64_t, std::string>, std::size_t> seen_;
};

}  // namespace

void append_entry(std::string& out, const ipc::DeliveryRecord& record, const LogFormat& format) {
  const ipc::DeliveryRecipient& recipient = record.recipient;
  const std::string address = address_text(recipient.address, format);
  out += '\n';
  if (format.old_lines) {
    const std::string_view bare = recipient.address.empty() ? std::string_view() : address;
    fmt::format_to(std::back_inserter(out), "<{}>: {}\n", bare, one_line(record.reason, format));
  }
  fmt::format_to(std::back_inserter(out), "recipient={}\n", address);
  if (!recipient.original.empty() && !equal_ignoring_case(recipient.original, recipient.address)) {
    fmt::format_to(std::back_inserter(out), "original_recipient={}\n",
                   address_text(recipient.original, format));
  }
  if (recipient.offset > 0) fmt::format_to(std::back_inserter(out), "offset={}\n", recipient.offset);
  add_line(out, "dsn_orig_rcpt", recipient.dsn_original, format);
  if (recipient.notify != 0) fmt::format_to(std::back_inserter(out), "notify_flags={}\n", recipient.notify);
  add_line(out, "status", record.status, format);
  add_line(out, "action", record.action, format);
  add_line(out, "diag_type", record.diag_type, format);
  add_line(out, "diag_text", record.diag_text, format);
  add_line(out, "mta_type", record.mta_type, format);
  add_line(out, "mta_mname", record.mta_name, format);
  fmt::format_to(std::back_inserter(out), "reason={}\n\n", one_line(record.reason, format));
}

ParsedLog parse_log(std::string_view text, LogKind kind) {
  Reader reader(kind);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    reader.line(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  reader.finish();
  return reader.take();
}

}  // namespace posthouse::bouncelog
