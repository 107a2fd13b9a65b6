// MAIL FROM and its parameters (RFC 5321 4.1.1.2, 1870, 6152, 3461, 6531).
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <span>

#include "lib/base/text.h"
#include "lib/mail/xtext.h"
#include "smtpd/access.h"
#include "smtpd/check.h"
#include "smtpd/envelope_address.h"
#include "smtpd/open_message.h"
#include "smtpd/session.h"

namespace posthouse::smtpd {
namespace {

using Parameters = std::span<const std::string_view>;

// pid.seconds.microseconds.counter in hexadecimal: the same for all questions about one message.
std::string new_instance(Time now) {
  static unsigned counter = 0;
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  static const pid_t pid = ::getpid();
  return fmt::format("{:x}.{:x}.{:x}.{:x}", pid, micros / 1'000'000, micros % 1'000'000, counter++);
}

std::optional<Reply> size_parameter(Transaction& transaction, std::string_view value) {
  if (value.empty() || !std::all_of(value.begin(), value.end(), is_digit)) {
    return Reply{"501 5.5.4 Bad message size syntax"};
  }
  const auto size = parse_int<std::int64_t>(value);
  if (!size) return Reply{"552 5.3.4 Message size exceeds file system imposed limit"};
  transaction.declared_size = static_cast<std::uint64_t>(*size);
  return std::nullopt;
}

std::optional<Reply> envid_parameter(Transaction& transaction, std::string_view value) {
  auto decoded = mail::xtext_decode(value);
  const bool is_good =
      transaction.envelope_id.empty() && decoded && !decoded->empty() &&
      std::all_of(decoded->begin(), decoded->end(), [](char c) { return c >= 32 && c < 127; });
  if (!is_good) return Reply{"501 5.5.4 Bad ENVID parameter syntax"};
  transaction.envelope_id = std::move(*decoded);
  return std::nullopt;
}

// "XVERP", "XVERP=+="; not for clients that may not say it.
bool is_verp(const Session& session, std::string_view word) {
  const bool is_named = starts_with_ignoring_case(word, "XVERP") && (word.size() == 5 || word[5] == '=');
  return is_named &&
         session.settings().may_use(session.settings().verp_clients, session.client).value_or(false);
}

std::optional<Reply> verp_parameter(const Session& session, Transaction& transaction, std::string_view word) {
  const command::VerpParameters& rules = *session.settings().verp;
  transaction.verp_delimiters =
      word.size() == 5 ? rules.default_verp_delimiters() : std::string(word.substr(6));
  if (rules.allows(transaction.verp_delimiters)) return std::nullopt;
  return Reply{
      fmt::format("501 5.5.4 Error: XVERP needs two characters from {}", rules.verp_delimiter_filter())};
}

// Nothing if the parameter is good.
std::optional<Reply> take_parameter(Session& session, Transaction& transaction, std::string_view word) {
  const std::size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? "" : word.substr(equals + 1);
  const auto is = [name](std::string_view wanted) { return equal_ignoring_case(name, wanted); };
  if (is("SIZE") && equals != std::string_view::npos) return size_parameter(transaction, value);
  if (is("BODY") && (equal_ignoring_case(value, "8BITMIME") || equal_ignoring_case(value, "7BIT"))) {
    transaction.encoding = equal_ignoring_case(value, "7BIT") ? "7bit" : "8bit";
    return std::nullopt;
  }
  if (word.size() == 8 && is("SMTPUTF8") && session.settings().messages->smtputf8_enable()) {
    transaction.smtputf8 = true;
    return std::nullopt;
  }
  const bool is_dsn = (is("RET") || is("ENVID")) && equals != std::string_view::npos;
  if (is_dsn && session.is_discarded("dsn")) return Reply{"501 5.7.1 DSN support is disabled"};
  if (is("RET") && equals != std::string_view::npos) {
    const bool is_full = equal_ignoring_case(value, "FULL");
    if (transaction.ret_flags != 0 || (!is_full && !equal_ignoring_case(value, "HDRS"))) {
      return Reply{"501 5.5.4 Bad RET parameter syntax"};
    }
    transaction.ret_flags = is_full ? 1 : 2;
    return std::nullopt;
  }
  if (is("ENVID") && equals != std::string_view::npos) return envid_parameter(transaction, value);
  if (is_verp(session, word)) return verp_parameter(session, transaction, word);
  if (is("AUTH") && equals != std::string_view::npos) return std::nullopt;
  return Reply{fmt::format("555 5.5.4 Unsupported option: {}", printable(word))};
}

std::optional<Reply> take_parameters(Session& session, Transaction& transaction, Parameters words) {
  for (const std::string_view word : words) {
    if (auto refused = take_parameter(session, transaction, word)) return refused;
  }
  return std::nullopt;
}

// Whether headers are completed as those of local mail; what XFORWARD said counts more than the client.
Result<bool> is_local_origin(const Session& session) {
  if (session.forwarded.is_given && !session.forwarded.domain.empty())
    return session.forwarded.domain == "LOCAL";
  return session.settings().rewrites_headers_locally(session.client);
}

// SMTPUTF8 decides about the address in front of it.
bool asks_for_utf8(Parameters words) {
  return std::any_of(words.begin(), words.end(), [](auto w) { return equal_ignoring_case(w, "SMTPUTF8"); });
}

}  // namespace

Reply mail_from(Session& session, const protocol::SmtpCommand& command) {
  if (session.params().helo_required() && !session.helo_name)
    return {"503 5.5.1 Error: send HELO/EHLO first"};
  if (session.transaction) return {"503 5.5.1 Error: nested MAIL command"};
  if (session.has_failed_bdat) return {"503 5.5.1 Error: MAIL after BDAT"};
  std::string_view path;
  std::size_t first = 0;
  if (!command.take_path("FROM:", path, first)) return {"501 5.5.4 Syntax: MAIL FROM:<address>"};
  const Parameters words = Parameters(command.arguments()).subspan(first);

  if (auto refused = limit_rate(session, ClientEvent::message)) return *refused;
  const auto is_local = is_local_origin(session);
  if (!is_local) {
    Check check(session, Subject::sender);
    check.reject(451, "4.3.0", "Temporary lookup error");
    return *check.reply();
  }

  // On any failure the transaction that was begun goes away again.
  Transaction& transaction = session.transaction.emplace();
  struct Undo {
    Session& session;
    bool is_needed = true;
    ~Undo() {
      if (is_needed) session.transaction.reset();
    }
  } undo{session};

  transaction.is_local_origin = *is_local;
  transaction.arrival = Clock::system().now();
  transaction.smtputf8 = asks_for_utf8(words) && session.settings().messages->smtputf8_enable();
  auto sender = envelope_address(session, "MAIL", path, true, session.params().strict_envelopes());
  if (!sender || (sender->starts_with('-') && !session.settings().allows_min_user))
    return {"501 5.1.7 Bad sender address syntax"};
  if (session.params().strict_smtputf8() && !transaction.smtputf8 && !is_ascii(*sender)) {
    return {"553 5.6.7 Must declare SMTPUTF8 to permit unicode address"};
  }
  transaction.sender = std::move(*sender);
  if (auto refused = take_parameters(session, transaction, words)) return *refused;
  transaction.instance = new_instance(transaction.arrival);
  if (auto refused = check_size(session)) return *refused;
  if (!transaction.verp_delimiters.empty() && transaction.sender.empty())
    return {"503 5.5.4 Error: XVERP requires non-null sender"};
  if (auto refused = check_sender(session)) return *refused;
  if (!session.params().delay_open()) {
    if (auto refused = open_message(session)) return *refused;
  }
  undo.is_needed = false;
  return {"250 2.1.0 Ok"};
}

}  // namespace posthouse::smtpd
