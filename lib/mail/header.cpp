#include "lib/mail/header.h"

#include <array>

#include "lib/base/text.h"

namespace posthouse::mail {
namespace {

using enum HeaderType;

constexpr std::array kHeaders{
    HeaderSpec{.type = apparently_to, .name = "Apparently-To", .is_recipient = true},
    HeaderSpec{.type = bcc, .name = "Bcc", .is_recipient = true, .may_extract = true, .is_dropped = true},
    HeaderSpec{.type = cc, .name = "Cc", .is_recipient = true, .may_extract = true},
    HeaderSpec{.type = content_description, .name = "Content-Description", .is_mime = true},
    HeaderSpec{.type = content_disposition, .name = "Content-Disposition", .is_mime = true},
    HeaderSpec{.type = content_id, .name = "Content-ID", .is_mime = true},
    HeaderSpec{.type = content_length, .name = "Content-Length", .is_dropped = true},
    HeaderSpec{.type = content_transfer_encoding, .name = "Content-Transfer-Encoding", .is_mime = true},
    HeaderSpec{.type = content_type, .name = "Content-Type", .is_mime = true},
    HeaderSpec{.type = date, .name = "Date"},
    HeaderSpec{.type = delivered_to, .name = "Delivered-To"},
    HeaderSpec{.type = disposition_notification_to, .name = "Disposition-Notification-To", .is_sender = true},
    HeaderSpec{.type = errors_to, .name = "Errors-To", .is_sender = true},
    HeaderSpec{.type = from, .name = "From", .is_sender = true},
    HeaderSpec{.type = mail_followup_to, .name = "Mail-Followup-To", .is_recipient = true},
    HeaderSpec{.type = message_id, .name = "Message-Id"},
    HeaderSpec{.type = mime_version, .name = "MIME-Version", .is_mime = true},
    HeaderSpec{.type = received, .name = "Received"},
    HeaderSpec{.type = reply_to, .name = "Reply-To", .is_sender = true},
    HeaderSpec{.type = resent_bcc,
               .name = "Resent-Bcc",
               .is_recipient = true,
               .is_resent = true,
               .may_extract = true,
               .is_dropped = true},
    HeaderSpec{
        .type = resent_cc, .name = "Resent-Cc", .is_recipient = true, .is_resent = true, .may_extract = true},
    HeaderSpec{.type = resent_date, .name = "Resent-Date", .is_resent = true},
    HeaderSpec{.type = resent_from, .name = "Resent-From", .is_sender = true, .is_resent = true},
    HeaderSpec{.type = resent_message_id, .name = "Resent-Message-Id", .is_resent = true},
    HeaderSpec{.type = resent_reply_to, .name = "Resent-Reply-To", .is_sender = true, .is_resent = true},
    HeaderSpec{.type = resent_sender, .name = "Resent-Sender", .is_sender = true, .is_resent = true},
    HeaderSpec{
        .type = resent_to, .name = "Resent-To", .is_recipient = true, .is_resent = true, .may_extract = true},
    HeaderSpec{.type = return_path, .name = "Return-Path", .is_sender = true, .is_dropped = true},
    HeaderSpec{.type = return_receipt_to, .name = "Return-Receipt-To", .is_sender = true},
    HeaderSpec{.type = sender, .name = "Sender", .is_sender = true},
    HeaderSpec{.type = subject, .name = "Subject"},
    HeaderSpec{.type = to, .name = "To", .is_recipient = true, .may_extract = true},
};
constexpr HeaderSpec kOther{.type = other, .name = ""};

bool is_name_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 32 && byte < 127 && c != ':';
}

}  // namespace

std::size_t header_name_length(std::string_view line) {
  std::size_t length = 0;
  while (length < line.size() && is_name_char(line[length])) ++length;
  if (length == 0) return 0;
  std::size_t colon = length;
  while (colon < line.size() && (line[colon] == ' ' || line[colon] == '\t')) ++colon;
  return colon < line.size() && line[colon] == ':' ? length : 0;
}

const HeaderSpec& header_spec(std::string_view name) {
  for (const HeaderSpec& spec : kHeaders) {
    if (spec.name.size() == name.size() && equal_ignoring_case(spec.name, name)) return spec;
  }
  return kOther;
}

std::string_view header_value(std::string_view header) {
  const std::size_t colon = header.find(':');
  if (colon == std::string_view::npos) return {};
  return trim_left(header.substr(colon + 1));
}

std::string unfolded(std::string_view value) {
  std::string line;
  line.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '\n' && value[i] != '\r') {
      line += value[i];
      continue;
    }
    while (!line.empty() && is_space(line.back())) line.pop_back();
    while (i + 1 < value.size() && is_space(value[i + 1])) ++i;
    if (i + 1 < value.size()) line += ' ';
  }
  return line;
}

}  // namespace posthouse::mail
