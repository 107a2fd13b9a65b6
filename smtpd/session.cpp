#include "smtpd/session.h"

#include <fmt/format.h>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/mail/header.h"
#include "lib/mail/quote.h"
#include "lib/runtime/fiber.h"
#include "smtpd/access.h"
#include "smtpd/reject_footer.h"

namespace posthouse::smtpd {
namespace {

constexpr std::size_t kInputLimit = 64 * 1024;
constexpr std::size_t kSkipLimit = 1024 * 1024;  // of one endless command line

}  // namespace

Session::Session(std::shared_ptr<const Settings> settings, Neighbours& neighbours, runtime::Stream stream,
                 Client who)
    : client(std::move(who)),
      settings_(std::move(settings)),
      params_(&settings_->current_params()),
      neighbours_(neighbours),
      stream_(std::move(stream)),
      request_time_(params_->timeout()),
      lines_(static_cast<std::size_t>(settings_->messages->line_length_limit())) {}

Deadline Session::deadline_for_cleanup() const {
  return settings_->services.deadline();
}

Deadline Session::deadline() const {
  return deadline_after(params_->timeout());
}

runtime::Io Session::fill(std::size_t limit) {
  if (!params_->per_request_deadline()) return stream_.fill(deadline(), limit);
  return request_time_.spend([&](Deadline until) { return stream_.fill(until, limit); });
}

runtime::Io Session::fill_content(std::size_t limit) {
  const std::size_t before = stream_.buffered().size();
  const runtime::Io io = fill(limit);
  if (io == runtime::Io::ok) request_time_.earn(stream_.buffered().size() - before, params_->min_data_rate());
  return io;
}

void Session::run() {
  log::info("connect from {}", client.label());
  if (greet()) converse();
  reset_transaction();
  const std::string_view why = end_text();
  // The client need not wait for a notice.
  if ((trouble_ & settings_->notices.classes) != 0) stream_.shutdown_write();
  end_of_record(why.empty() ? "\n" : fmt::format("Session aborted, reason: {}\n\n", why));
  say_goodbye();
}

bool Session::greet() {
  if (auto refused = limit_connections(*this)) {
    reply(*std::move(refused));
    return stream_.flush(deadline_after(std::chrono::seconds(10))), false;
  }
  if (stream_.input_is_waiting() && stream_.fill(deadline(), kInputLimit) == runtime::Io::ok) {
    note_improper_pipelining();
    if (end_ != End::none) return stream_.flush(deadline()), false;
  }
  if (!params_->delay_reject()) denied = check_client(*this);
  if (denied) {
    reply(*denied);
    denied = access_denied(*this);
    return true;
  }
  reply({"220 " + params_->banner()});
  return true;
}

void Session::converse() {
  while (end_ == End::none) {
    if (errors_ >= params_->hard_error_limit()) {
      reply({fmt::format("421 4.7.0 {} Error: too many errors", myhostname()), trouble::kNone});
      end(End::too_many_errors);
      break;
    }
    const auto line = next_line();
    if (!line) continue;
    if (keeps_record()) record_.received(*line);
    if (settings_->command_filter)
      obey_filtered(*line);
    else
      obey(*line);
  }
  if (end_ != End::lost && end_ != End::hangup) stream_.flush(deadline_after(std::chrono::seconds(10)));
}

// Waits for a complete command; what was answered so far is sent before waiting.
std::optional<std::string> Session::next_line() {
  begin_request();
  while (end_ == End::none) {
    std::size_t used = 0;
    const auto line = lines_.next(stream_.buffered(), used);
    std::string text;
    if (line) {
      text = line->text;
      if (line->is_too_long) {
        log::warning("{}: request longer than {}: {}...", client.label(),
                     settings_->messages->line_length_limit(), printable(line->text.substr(0, 30)));
      }
      if (line->has_bare_lf && settings_->forbids_bare_newline(*this)) {
        log::info("disconnect: bare <LF> received after {} from {}", where, client.label());
        reply({fmt::format("521 5.5.2 {} Error: bare <LF> received", myhostname())});
        return std::nullopt;
      }
    }
    stream_.consume(used);
    if (line) return text;
    if (lines_.skipped() > kSkipLimit) return end(End::lost), std::nullopt;
    runtime::Io io = stream_.unsent() > 0 ? stream_.flush(deadline()) : runtime::Io::ok;
    if (io == runtime::Io::ok) {
      std::optional<runtime::IdleScope> idle;
      if (!transaction) idle.emplace(runtime::Fiber::Idle::waiting_for_client);
      io = fill(kInputLimit);
    }
    if (io == runtime::Io::ok) continue;
    if (io == runtime::Io::timeout) {
      reply({fmt::format("421 4.4.2 {} Error: timeout exceeded", myhostname()), trouble::kNone});
      end(End::timeout);
    } else {
      end(io == runtime::Io::cancelled ? End::quit : End::lost);
    }
  }
  return std::nullopt;
}

void Session::obey_filtered(std::string_view line) {
  if (settings_->messages->smtputf8_enable() && !is_valid_utf8(line)) return obey(line);
  table::Table& filter = *settings_->command_filter;
  const Lookup found = filter.query(line);
  if (std::holds_alternative<Failure>(found)) {
    log::warning("{} lookup error for \"{}\"", filter.spec(), printable(line));
    return reply(local_data_error());
  }
  const auto* command = std::get_if<std::string>(&found);
  if (command == nullptr) return obey(line);
  log::info("{}: replacing command \"{}\" with \"{}\"", client.label(), printable(line), *command);
  obey(*command);
}

void Session::obey(std::string_view line) {
  command_.parse(line);
  if (!is_valid_utf8(line) && settings_->messages->smtputf8_enable()) {
    ++errors_;
    return reply({"500 5.5.2 Error: bad UTF-8 syntax"});
  }
  if (command_.verb().empty()) {
    ++errors_;
    return reply({"500 5.5.2 Error: bad syntax"});
  }
  const std::size_t verb = find_verb(command_.verb());
  where = verb == kUnknownVerb ? "UNKNOWN" : std::string(kVerbs[verb].name);
  if (verb == kUnknownVerb && (mail::is_header(line) || is_forbidden(command_.verb()))) {
    log::warning("non-SMTP command from {}: {}", client.label(), escaped(line, 100));
    reply({"221 2.7.0 Error: I can break rules, too. Goodbye."});
    ++counts_[verb].total;
    return end(End::quit);
  }
  // Without EHLO nothing may be pipelined at all.
  if ((kVerbs[verb].ends_batch || (!is_esmtp && verb != kUnknownVerb)) && !stream_.buffered().empty())
    note_improper_pipelining();
  if (end_ != End::none) return;
  Reply answered = answer(command_, verb);
  ++counts_[verb].total;
  if (!answered.is_failure()) ++counts_[verb].good;
  const bool is_junk = kVerbs[verb].is_junk && ++junk_ > params_->junk_command_limit();
  if ((answered.is_failure() && !std::exchange(is_forgiven_, false)) || is_junk) ++errors_;
  reply(std::move(answered));
  if (where == "END-OF-MESSAGE") limit_record();
}

Reply Session::answer(const protocol::SmtpCommand& command, std::size_t verb) {
  if (denied && kVerbs[verb].name != "QUIT") return *denied;
  return kVerbs[verb].obey(*this, command);
}

bool Session::is_forbidden(std::string_view word) const {
  const auto matches = settings_->forbidden_commands.matches(word);
  return matches && *matches;
}

void Session::reply(Reply reply) {
  if (reply.is_silent()) {
    if (end_ == End::none) end(End::hangup);
    return;
  }
  if (settings_->messages->soft_bounce()) reply = softened(std::move(reply));
  if (reply.is_failure()) reply = with_footer(std::move(reply), *this);
  if (errors_ > params_->soft_error_limit() && params_->error_sleep_time().count() > 0) {
    stream_.flush(deadline());
    runtime::sleep_for(params_->error_sleep_time());
  }
  write(reply);
  if (reply.ends_session() && end_ == End::none) end_ = End::quit;
  if (stream_.has_backlog() && stream_.flush(deadline()) != runtime::Io::ok) end(End::lost);
}

void Session::write(const Reply& reply) {
  stream_.write(reply.text);
  stream_.write("\r\n");
  if (!keeps_record()) return;
  record_.sent(reply.text);
  if (reply.is_failure()) trouble_ |= reply.trouble;
}

void Session::limit_record() {
  if (record_.lines() > static_cast<std::size_t>(params_->history_flush_threshold())) end_of_record();
}

void Session::end_of_record(std::string_view ending) {
  if (trouble_ != trouble::kNone) {
    const std::string subject = fmt::format("SMTP server: errors from {}", client.label());
    peers::tell_postmaster(
        {.classes = trouble_, .subject = subject, .opening = {}, .ending = ending, .transcript = record_},
        settings_->notices, [this](const peers::Outgoing& mail) { return neighbours_.submit(mail); });
  }
  record_.clear();
  trouble_ = trouble::kNone;
}

bool Session::send_now(const Reply& reply) {
  write(reply);
  return stream_.flush(deadline()) == runtime::Io::ok;
}

void Session::reset_transaction() {
  transaction.reset();
  forwarded = {};
  has_failed_bdat = false;
}

void Session::note_improper_pipelining() {
  if (settings_->is_user_session) return;  // its input is whatever program or file
  if (!has_improper_pipelining) {
    log::info("improper command pipelining after {} from {}: {}", where, client.label(),
              escaped(stream_.buffered(), 100));
  }
  has_improper_pipelining = true;
  if (!params_->forbid_unauth_pipelining()) return;
  reply({"554 5.5.0 Error: SMTP protocol synchronization"});
  end(End::quit);
}

void Session::end(End reason, std::string detail) {
  end_ = reason;
  end_detail_ = std::move(detail);
}

std::string_view Session::log_id() const {
  return transaction && transaction->handover ? transaction->queue_id() : std::string_view("NOQUEUE");
}

std::string Session::access_context() const {
  std::string text = ";";
  const mail::LogForm form = settings().log_form;
  if (transaction) text += fmt::format(" from=<{}>", mail::in_log(transaction->sender, form));
  if (!recipient.empty()) text += fmt::format(" to=<{}>", mail::in_log(recipient, form));
  text += fmt::format(" proto={}", protocol());
  if (helo_name) text += fmt::format(" helo=<{}>", *helo_name);
  return text;
}

std::string_view Session::end_text() const {
  switch (end_) {
    case End::lost:
      return where == "END-OF-MESSAGE" ? "" : "lost connection";
    case End::timeout:
      return "timeout";
    case End::too_many_errors:
      return "too many errors";
    default:
      return "";
  }
}

Reply Session::local_data_error(std::string_view question) const {
  if (!question.empty()) log::warning("don't know {} {}", question, client.label());
  Reply reply{fmt::format("421 4.3.0 {} Server local data error", myhostname()), trouble::kData};
  log::info("{}: reject: {} from {}: {}", log_id(), where, client.label(), reply.text);
  return reply;
}

void Session::say_goodbye() {
  const std::string detail = end_detail_.empty() ? "" : " (" + end_detail_ + ")";
  if (const std::string_view why = end_text(); !why.empty())
    log::info("{} after {}{} from {}", why, where, detail, client.label());
  log::info("disconnect from {}{}", client.label(), statistics());
}

std::string Session::statistics() const {
  std::string text;
  unsigned total = 0, good = 0;
  const auto add = [&text](std::string_view name, unsigned ok, unsigned all) {
    text += ok == all ? fmt::format(" {}={}", name, ok) : fmt::format(" {}={}/{}", name, ok, all);
  };
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i].total == 0) continue;
    add(kVerbs[i].label, counts_[i].good, counts_[i].total);
    total += counts_[i].total;
    good += counts_[i].good;
  }
  if (total == 0) return " commands=0/0";
  add("commands", good, total);
  return text;
}

}  // namespace posthouse::smtpd
