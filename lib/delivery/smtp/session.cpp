#include "lib/delivery/smtp/session.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/protocol/smtp_client_commands.h"

namespace posthouse::delivery::smtp {
namespace {

constexpr int kClosing = 421;

std::chrono::seconds limit_of(Phase phase, const Timeouts& timeouts) {
  switch (phase) {
    case Phase::greeting:
    case Phase::ehlo:
    case Phase::helo:
    case Phase::lhlo:
      return timeouts.helo;
    case Phase::xforward_name:
    case Phase::xforward_helo:
      return timeouts.xforward;
    case Phase::mail:
      return timeouts.mail;
    case Phase::rcpt:
      return timeouts.rcpt;
    case Phase::data:
      return timeouts.data_init;
    case Phase::body:
      return timeouts.data_xfer;
    case Phase::dot:
      return timeouts.data_done;
    case Phase::rset:
      return timeouts.rset;
    case Phase::quit:
      return timeouts.quit;
  }
  return timeouts.mail;
}

}  // namespace

Session::Session(runtime::Stream stream, Server server, const SessionSettings& settings)
    : born(std::chrono::steady_clock::now()),
      stream_(std::move(stream)),
      server_(std::move(server)),
      settings_(&settings) {
  if (settings.tables && settings.tables->has_reply_filter())
    reader_ = protocol::ReplyReader({}, [this](std::string_view line) { return filtered(line); });
}

TimeBudget Session::time_for(Phase phase) const {
  return TimeBudget(limit_of(phase, settings_->timeouts));
}

runtime::Io Session::fill(TimeBudget& time) {
  if (!settings_->has_request_deadline) time.renew();
  return time.spend([&](Deadline until) { return stream_.fill(until); });
}

runtime::Io Session::flush(TimeBudget& time) {
  if (!settings_->has_request_deadline) time.renew();
  return time.spend([&](Deadline until) { return stream_.flush(until); });
}

void Session::send(std::string_view bytes) {
  stream_.write(bytes);
  if (settings_->keeps_record) record_.sent(bytes);
}

void Session::has_all_content() {
  if (settings_->keeps_record) record_.sent(".");
}

void Session::note_refusal(const protocol::Reply& reply) {
  const bool blames_us = (reply.code >= 500 && reply.code < 510) || reply.code == 555;
  if (blames_us || reply.code < 400 || reply.code > 599) has_protocol_error_ = true;
}

void Session::forget_record() {
  record_.clear();
  has_protocol_error_ = false;
}

Failure Session::trouble(runtime::Io io, Phase phase) {
  is_broken_ = true;
  return io == runtime::Io::timeout ? conversation_timed_out(server_, phase)
                                    : connection_lost(server_, phase);
}

Result<void> Session::flush(Phase phase) {
  if (!content_time_) content_time_ = time_for(phase);
  const std::size_t bytes = stream_.unsent();
  const runtime::Io io = flush(*content_time_);
  if (io != runtime::Io::ok) return fail(trouble(io, phase));
  content_time_->earn(bytes, settings_->min_data_rate);
  return {};
}

Result<protocol::Reply> Session::receive(Phase phase) {
  if (is_broken_) return fail(connection_lost(server_, phase));
  // A server that refused early may have closed already: what it said counts more than that we could not
  // send.
  TimeBudget time = time_for(phase);
  content_time_.reset();
  const runtime::Io sent = stream_.unsent() > 0 ? flush(time) : runtime::Io::ok;
  if (sent == runtime::Io::timeout || sent == runtime::Io::cancelled) return fail(trouble(sent, phase));
  while (true) {
    if (auto reply = reader_.next()) {
      if (*reply && settings_->keeps_record) record_.received((*reply)->text);
      if (*reply && (*reply)->code != kClosing) return std::move(*reply);
      is_broken_ = true;
      if (*reply) return std::move(*reply);
      return fail(unreadable(reply->error(), phase));
    }
    const runtime::Io io = fill(time);
    if (io != runtime::Io::ok) return fail(trouble(io, phase));
    reader_.feed(stream_.buffered());
    stream_.consume(stream_.buffered().size());
  }
}

// What has been asked for already may be answered by "go ahead" to content: no goodbye then.
Failure Session::unreadable(const Failure& failure, Phase phase) {
  const std::string_view text = failure.text;
  if (!text.starts_with(protocol::kMalformedReply)) {
    is_broken_ = phase >= Phase::mail;
    return failure;
  }
  log::warning("non-{} response from {}: {}", settings_->is_lmtp ? "LMTP" : "ESMTP", server_.name_and_port(),
               text.substr(protocol::kMalformedReply.size()));
  return connection_lost(server_, phase);
}

Result<std::string> Session::filtered(std::string_view line) const {
  std::string text = printable(line, settings_->keeps_utf8);
  auto replacement = settings_->tables->replaced_reply(text);
  if (!replacement) {
    log::warning("{}: table {} lookup error for {}", queue_id, settings_->tables->reply_filter_name(), text);
    return fail(local_data_error(server_));
  }
  if (!*replacement) return text;
  log::info("{}: replacing server reply \"{}\" with \"{}\"", server_.name_and_port(), text, **replacement);
  return **std::move(replacement);
}

Result<void> Session::refused(const protocol::Reply& reply, bool softened) {
  note_refusal(reply);
  return fail(refused_session(server_, reply, softened));
}

bool Session::is_own_name(std::string_view name) const {
  return !settings_->is_lmtp && equal_ignoring_case(name, settings_->myhostname);
}

bool Session::is_self() const {
  return is_own_name(capabilities_.server_name) && server_.port == kSmtpPort && !server_.is_unix;
}

void Session::note_own_name(std::string_view what, std::string_view name) const {
  if (is_own_name(name))
    log::warning("host {} {} with my own hostname {}", server_.name_and_port(), what, name);
}

Result<void> Session::open(std::chrono::seconds age) {
  auto greeting = receive(Phase::greeting);
  if (!greeting) return fail(greeting.error());
  if (!greeting->is_positive()) return refused(*greeting, settings_->skip_5xx_greeting);
  const auto words = split_any(std::string_view(greeting->text).substr(3), " -\n");
  if (!words.empty()) note_own_name("greeted me", words[0]);
  const bool mentions_esmtp = upper(greeting->text).find("ESMTP") != std::string::npos;
  const bool may_extend = survey_pix(*greeting, age);
  return hello(settings_->is_lmtp || (may_extend && !settings_->never_send_ehlo &&
                                      (settings_->always_send_ehlo || mentions_esmtp)));
}

// A PIX firewall leaves of a greeting only what cannot be a word.
bool Session::survey_pix(const protocol::Reply& greeting, std::chrono::seconds age) {
  if (greeting.text.find_first_not_of("20 *") != std::string::npos) return true;
  auto own = settings_->tables ? settings_->tables->pix_workarounds(server_.address) : std::nullopt;
  const auto& words = own ? *own : settings_->pix_workarounds;
  if (words.empty()) return true;
  const auto has = [&](std::string_view name) {
    return std::ranges::any_of(words, [&](const auto& word) { return equal_ignoring_case(word, name); });
  };
  const bool disables = has("disable_esmtp");
  const bool delays = has("delay_dotcrlf") && age >= settings_->pix_threshold;
  if (delays) dot_delay_ = settings_->pix_delay;
  log::info("{}: enabling PIX workarounds: {}{}{} for {}", queue_id, disables ? "disable_esmtp" : "",
            disables && delays ? " " : "", delays ? "delay_dotcrlf" : "", server_.name_and_port());
  return !disables;
}

Result<void> Session::take_capabilities(const protocol::Reply& reply) {
  auto words = settings_->tables ? settings_->tables->discarded_keywords(server_.address)
                                 : Result<std::optional<ClientTables::Words>>();
  if (!words) {
    log::warning("{}: {} map lookup error for {}", queue_id, settings_->tables->discard_keywords_title(),
                 server_.address);
    return fail(local_data_error(server_));
  }
  const auto& discarded = *words ? **words : settings_->discard_keywords;
  if (const std::string names = protocol::discarded_names(discarded); !names.empty())
    log::info("discarding EHLO keywords: {}", names);
  capabilities_ = protocol::parse_capabilities(reply, discarded);
  note_own_name("replied to HELO/EHLO", capabilities_.server_name);
  return {};
}

Result<void> Session::hello(bool extended) {
  const Phase phase = settings_->is_lmtp ? Phase::lhlo : Phase::ehlo;
  std::string command;
  if (extended) {
    protocol::append_line(command, settings_->is_lmtp ? "LHLO" : "EHLO", settings_->helo_name);
    send(command);
    auto reply = receive(phase);
    if (!reply) return fail(reply.error());
    if (reply->is_positive()) return take_capabilities(*reply);
    if (settings_->is_lmtp || is_broken_) return refused(*reply, false);
  }
  command.clear();
  protocol::append_line(command, "HELO", settings_->helo_name);
  send(command);
  auto reply = receive(Phase::helo);
  if (!reply) return fail(reply.error());
  if (!reply->is_positive()) return refused(*reply, false);
  return {};
}

Result<void> Session::reset() {
  send("RSET\r\n");
  auto reply = receive(Phase::rset);
  if (!reply) return fail(reply.error());
  if (!reply->is_positive()) {
    is_broken_ = true;
    return fail(refused_command(server_, *reply, Phase::rset));
  }
  needs_reset = false;
  return {};
}

void Session::quit() {
  if (is_broken_) return;
  send(needs_reset ? "RSET\r\nQUIT\r\n" : "QUIT\r\n");
  if (settings_->skip_quit_response) {
    (void)flush(Phase::rset);  // the short limit: there is nothing to lose
  } else {
    if (needs_reset && !receive(Phase::rset)) return;
    (void)receive(Phase::quit);
  }
  is_broken_ = true;
}

bool Session::is_stale() {
  return is_broken_ || reader_.has_input() || stream_.input_is_waiting();
}

}  // namespace posthouse::delivery::smtp
