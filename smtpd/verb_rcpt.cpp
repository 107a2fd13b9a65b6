// RCPT TO and its parameters (RFC 5321 4.1.1.3, RFC 3461).
#include <fmt/format.h>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/mail/xtext.h"
#include "smtpd/access.h"
#include "smtpd/envelope_address.h"
#include "smtpd/open_message.h"
#include "smtpd/session.h"

namespace posthouse::smtpd {
namespace {

constexpr std::uint32_t kNever = 1;

std::optional<std::uint32_t> notify_flags(std::string_view value) {
  std::uint32_t flags = 0;
  for (const std::string_view word : split(value, ',')) {
    std::uint32_t flag = 0;
    if (equal_ignoring_case(word, "NEVER")) flag = kNever;
    if (equal_ignoring_case(word, "SUCCESS")) flag = 2;
    if (equal_ignoring_case(word, "FAILURE")) flag = 4;
    if (equal_ignoring_case(word, "DELAY")) flag = 8;
    if (flag == 0) return std::nullopt;
    flags |= flag;
  }
  if ((flags & kNever) != 0 && flags != kNever) return std::nullopt;
  return flags;
}

// "type;address" with the address decoded.
std::optional<std::string> original_recipient(std::string_view value) {
  const std::size_t semicolon = value.find(';');
  if (semicolon == std::string_view::npos || semicolon == 0) return std::nullopt;
  const bool is_utf8 = equal_ignoring_case(value.substr(0, semicolon), "utf-8");
  auto address = is_utf8 ? std::optional(std::string(value.substr(semicolon + 1)))
                         : mail::xtext_decode(value.substr(semicolon + 1));
  if (!address || address->find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
    return std::nullopt;
  }
  return std::string(value.substr(0, semicolon + 1)) + *address;
}

std::optional<Reply> take_parameter(Session& session, ipc::CleanupRecipient& recipient,
                                    std::string_view word) {
  const std::size_t equals = word.find('=');
  const std::string_view value = equals == std::string_view::npos ? "" : word.substr(equals + 1);
  const bool is_dsn = starts_with_ignoring_case(word, "NOTIFY=") || starts_with_ignoring_case(word, "ORCPT=");
  if (is_dsn && session.is_discarded("dsn")) return Reply{"501 5.7.1 DSN support is disabled"};
  if (starts_with_ignoring_case(word, "NOTIFY=")) {
    const auto flags = notify_flags(value);
    if (!flags || recipient.notify != 0) return Reply{"501 5.5.4 Error: Bad NOTIFY parameter syntax"};
    recipient.notify = *flags;
    return std::nullopt;
  }
  if (starts_with_ignoring_case(word, "ORCPT=")) {
    auto original = original_recipient(value);
    if (!original || !recipient.dsn_original.empty())
      return Reply{"501 5.5.4 Error: Bad ORCPT parameter syntax"};
    recipient.dsn_original = std::move(*original);
    return std::nullopt;
  }
  return Reply{fmt::format("555 5.5.4 Unsupported option: {}", printable(word))};
}

Reply too_many(Session& session, Transaction& transaction) {
  // Beyond the overshoot limit each further recipient counts as an error; before that it does not.
  if (++transaction.overshoot <= static_cast<std::size_t>(session.params().recipient_overshoot_limit())) {
    session.forgive_next_error();
  }
  return {"452 4.5.3 Error: too many recipients", trouble::kPolicy};
}

}  // namespace

Reply rcpt_to(Session& session, const protocol::SmtpCommand& command) {
  if (!session.transaction) return {"503 5.5.1 Error: need MAIL command"};
  Transaction& transaction = *session.transaction;
  if (transaction.bdat) return {"503 5.5.1 Error: RCPT after BDAT"};
  std::string_view path;
  std::size_t first = 0;
  if (!command.take_path("TO:", path, first)) return {"501 5.5.4 Syntax: RCPT TO:<address>"};
  if (auto refused = limit_rate(session, ClientEvent::recipient)) return *refused;
  auto address = envelope_address(session, "RCPT", path, false, session.params().strict_envelopes());
  if (!address) return {"501 5.1.3 Bad recipient address syntax"};
  if (session.params().strict_smtputf8() && !transaction.smtputf8 && !is_ascii(*address)) {
    return {"553 5.6.7 Must declare SMTPUTF8 to permit unicode address"};
  }
  ipc::CleanupRecipient recipient{.original = *address, .address = *address};
  for (std::size_t i = first; i < command.arguments().size(); ++i) {
    if (auto refused = take_parameter(session, recipient, command.arguments()[i])) return *refused;
  }
  if (transaction.recipients.size() >= static_cast<std::size_t>(session.params().recipient_limit())) {
    return too_many(session, transaction);
  }
  session.recipient = *address;
  auto refused = check_recipient(session);
  if (!refused) refused = open_message(session);
  session.recipient.clear();
  if (refused) {
    ++transaction.refused_recipients;
    return *refused;
  }
  transaction.handover->add_recipient(std::move(recipient));
  transaction.recipients.push_back(std::move(*address));
  return {"250 2.1.5 Ok"};
}

}  // namespace posthouse::smtpd
