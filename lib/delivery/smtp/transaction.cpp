#include "lib/delivery/smtp/transaction.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/delivery/smtp/content.h"
#include "lib/log/log.h"
#include "lib/mail/quote.h"
#include "lib/protocol/smtp_client_commands.h"
#include "lib/runtime/fiber.h"

namespace posthouse::delivery::smtp {
namespace {

// Commands that go out before their replies are awaited: must fit the peer's socket buffer.
constexpr std::size_t kBatchBytes = 8 * 1024;
constexpr std::size_t kContentPiece = 128 * 1024;
constexpr std::string_view kFinalDot = ".\r\n";

std::string on_one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

std::string_view attribute(const ipc::DeliveryRequest& request, std::string_view name) {
  for (const auto& one : request.client)
    if (one.name == name) return one.value;
  return {};
}

}  // namespace

Transaction::Transaction(Session& session, Attempt& attempt, const TransactionSettings& settings, Trial trial)
    : session_(session), attempt_(attempt), settings_(settings), trial_(std::move(trial)) {
  trial_.relay.name = session.server().name_and_port();
  trial_.relay.uses = session.uses;
  session.queue_id = attempt.request.queue_id;
  todo_ = attempt.results.open();
  probe_replies_.resize(is_probe() ? attempt.request.recipients.size() : 0);
}

bool Transaction::is_probe() const {
  return (attempt_.request.flags & (ipc::delivery_flag::kProbe | ipc::delivery_flag::kUserProbe)) != 0;
}

// Requested by the sender, and something in the message really needs it.
bool Transaction::needs_smtputf8() const {
  constexpr std::uint32_t kRequested = 1, kReasons = 2 | 4;
  if ((attempt_.request.send_options & kRequested) == 0) return false;
  return (attempt_.request.send_options & kReasons) != 0 || std::ranges::any_of(todo_, [&](std::size_t i) {
           return !is_ascii(attempt_.request.recipients[i].address);
         });
}

void Transaction::refuse(std::size_t recipient, const protocol::Reply& reply, Phase phase) {
  std::erase(todo_, recipient);
  session_.note_refusal(reply);
  last_failure_ = refused_command(session_.server(), reply, phase);
  if (last_failure_.is_permanent() || trial_.is_final) {
    attempt_.results.failed(recipient, trial_.relay, last_failure_, remote_of(session_.server(), reply));
  } else {
    log::info("{}: {}", attempt_.request.queue_id, on_one_line(last_failure_.text));
  }
}

void Transaction::refuse_rest(const protocol::Reply& reply, Phase phase) {
  if (!todo_.empty()) session_.note_refusal(reply);
  refuse_rest(refused_command(session_.server(), reply, phase), remote_of(session_.server(), reply));
}

void Transaction::refuse_rest(const Failure& failure, const Remote& remote) {
  const auto rest = std::exchange(todo_, {});
  if (rest.empty()) return;
  last_failure_ = failure;
  if (!failure.is_permanent() && !trial_.is_final) {
    log::info("{}: {}", attempt_.request.queue_id, on_one_line(failure.text));
    return;
  }
  for (std::size_t recipient : rest) attempt_.results.failed(recipient, trial_.relay, failure, remote);
}

void Transaction::trouble(const Failure& failure) {
  if (session_.uses > 1 && !has_reply_) {
    is_stale_ = true;
    return;
  }
  if (!todo_.empty() && trial_.is_final) attempt_.results.destination_failed(failure);
  refuse_rest(failure);
}

bool Transaction::prepare() {
  const auto& capabilities = session_.capabilities();
  const auto& request = attempt_.request;
  if (needs_smtputf8() && !capabilities.smtputf8) {
    refuse_rest(smtputf8_missing(session_.server()));
    return false;
  }
  const std::uint64_t limit = capabilities.size.value_or(0);
  if (limit > 0 && request.message_size > 0 && static_cast<std::uint64_t>(request.message_size) > limit) {
    refuse_rest(message_too_large(session_.server(), request.message_size, limit));
    return false;
  }
  return map_addresses();
}

bool Transaction::map_addresses() {
  sender_ = attempt_.request.sender;
  if (trial_.generic == nullptr) return true;
  mapped_.resize(attempt_.request.recipients.size());
  const auto map = [this](const std::string& address, std::string& out) {
    if (address.empty()) return true;
    auto mapped = trial_.generic->map(address);
    if (!mapped) {
      refuse_rest(Failure::deferred("4.3.0", "table lookup failure"));
      return false;
    }
    out = *std::move(mapped);
    return true;
  };
  if (!map(attempt_.request.sender, sender_)) return false;
  return std::ranges::all_of(std::vector(todo_), [&](std::size_t i) {
    return map(attempt_.request.recipients[i].address, mapped_[i]);
  });
}

void Transaction::mail_command(std::string& out) {
  const auto& capabilities = session_.capabilities();
  const auto& request = attempt_.request;
  const std::string sender = settings_.quote_envelope ? mail::to_external(sender_) : sender_;
  protocol::MailCommand command{.sender = sender};
  if (capabilities.size.value_or(0) > 0 && !is_conversion_needed())
    command.size = static_cast<std::uint64_t>(std::max<std::int64_t>(0, request.message_size));
  if (capabilities.eight_bit_mime && request.encoding == "8bit") command.body = "8BITMIME";
  if (capabilities.eight_bit_mime && request.encoding == "7bit") command.body = "7BIT";
  if (capabilities.dsn) {
    command.ret_flags = static_cast<int>(request.ret_flags);
    command.envelope_id = request.envelope_id;
  }
  command.smtputf8 = capabilities.smtputf8 && needs_smtputf8();
  protocol::append_mail(out, command);
}

void Transaction::rcpt_command(std::string& out, std::size_t recipient) {
  const ipc::DeliveryRecipient& whom = attempt_.request.recipients[recipient];
  std::string address = mapped_.empty() ? whom.address : mapped_[recipient];
  if (settings_.quote_envelope) address = mail::to_external(address);
  protocol::RcptCommand command{.recipient = address};
  if (session_.capabilities().dsn) {
    command.notify_flags = static_cast<int>(whom.notify);
    command.original_recipient = whom.dsn_original;
  }
  protocol::append_rcpt(out, command);
}

bool Transaction::xforward_commands() {
  struct Item {
    std::string_view name, value;
  };
  const auto& request = attempt_.request;
  const auto& offered = session_.capabilities().xforward;
  const auto offers = [&](std::string_view name) {
    return std::ranges::find(offered, name) != offered.end();
  };
  const std::string_view source = request.rewrite_context == "local" ? "LOCAL" : "REMOTE";
  const Item first[] = {{"NAME", attribute(request, "log_client_name")},
                        {"ADDR", attribute(request, "log_client_address")},
                        {"PORT", attribute(request, "log_client_port")}};
  const Item second[] = {{"PROTO", attribute(request, "log_protocol_name")},
                         {"HELO", attribute(request, "log_helo_name")},
                         {"IDENT", request.log_ident},
                         {"SOURCE", source}};
  const auto command = [&](std::span<const Item> items) {
    std::string line = "XFORWARD";
    for (const Item& item : items)
      if (offers(item.name)) protocol::append_xforward_attribute(line, item.name, item.value);
    return line.size() > 8 ? line + "\r\n" : std::string();
  };
  for (const auto& [line, phase] :
       {std::pair{command(first), Phase::xforward_name}, {command(second), Phase::xforward_helo}})
    if (!line.empty() && !ask(line, {phase})) return false;
  return true;
}

void Transaction::take_rcpt(const protocol::Reply& reply, std::size_t recipient) {
  if (std::ranges::find(todo_, recipient) == todo_.end()) return;  // MAIL was refused
  if (!reply.is_positive()) return refuse(recipient, reply, Phase::rcpt);
  accepted_.push_back(recipient);
  if (is_probe()) probe_replies_[recipient] = reply;
}

void Transaction::take(const protocol::Reply& reply, const Step& step) {
  switch (step.phase) {
    case Phase::rcpt:
      take_rcpt(reply, step.recipient);
      return;
    case Phase::data:
      data_accepted_ = reply.code / 100 == 3;
      if (!data_accepted_) refuse_rest(reply, Phase::data);
      return;
    case Phase::mail:
      session_.needs_reset = session_.needs_reset || reply.is_positive();
      [[fallthrough]];
    default:  // XFORWARD too
      if (reply.is_positive()) return;
      is_refused_ = true;
      refuse_rest(reply, step.phase);
  }
}

// False when the connection is of no more use. What was said before that counts.
bool Transaction::take_replies() {
  for (const Step& step : std::exchange(pending_, {})) {
    auto reply = session_.receive(step.phase);
    if (!reply || (session_.is_broken() && session_.uses > 1 && !has_reply_)) {
      trouble(reply ? Failure{} : reply.error());
      return false;
    }
    has_reply_ = true;
    take(*reply, step);
  }
  return !session_.is_broken();
}

// Sends a command; without pipelining, or when the batch is full, waits for the replies.
bool Transaction::ask(const std::string& command, Step step) {
  session_.send(command);
  batch_bytes_ += command.size();
  pending_.push_back(step);
  last_phase_ = step.phase;
  if (session_.capabilities().pipelining && batch_bytes_ < kBatchBytes) return true;
  batch_bytes_ = 0;
  return take_replies();
}

bool Transaction::talk() {
  if (settings_.send_xforward && !session_.capabilities().xforward.empty() && !xforward_commands())
    return false;
  std::string command;
  mail_command(command);
  if (is_refused_) return true;
  if (!ask(command, {Phase::mail})) return false;
  for (std::size_t recipient : std::vector(todo_)) {
    if (is_refused_) break;
    command.clear();
    rcpt_command(command, recipient);
    if (!ask(command, {Phase::rcpt, recipient})) return false;
  }
  // DATA may travel with the batch: whether anybody was accepted is known when its reply is.
  const bool is_worth_it = !pending_.empty() || !accepted_.empty();
  if (is_worth_it && !is_refused_ && (!is_probe() || settings_.probe_with_data) &&
      !ask("DATA\r\n", {Phase::data}))
    return false;
  batch_bytes_ = 0;
  return take_replies();
}

bool Transaction::is_conversion_needed() const {
  return settings_.convert_8bit && !session_.capabilities().eight_bit_mime &&
         attempt_.request.encoding != "7bit";
}

// All content has gone out before the dot may follow.
bool Transaction::send_dot_late(std::chrono::seconds delay) {
  if (auto sent = session_.flush(Phase::body); !sent) {
    trouble(sent.error());
    return false;
  }
  runtime::sleep_for(delay);
  session_.compose_content([](std::string& out) { out += kFinalDot; });
  return true;
}

bool Transaction::send_content() {
  ContentSource source(attempt_.content(), settings_, is_conversion_needed(), trial_.generic);
  const auto expected = static_cast<std::size_t>(std::max<std::int64_t>(attempt_.request.message_size, 0));
  const std::chrono::seconds delay = session_.dot_delay();
  for (;;) {
    Result<bool> appended = false;
    session_.compose_content([&](std::string& out) {
      make_room(out, std::min(expected + expected / 16, kContentPiece));
      appended = source.append(out, kContentPiece);
      if (delay.count() > 0 && appended && !*appended) out.resize(out.size() - kFinalDot.size());
    });
    if (!appended) {
      if (source.has_table_failure())
        refuse_rest(Failure::deferred("4.3.0", "table lookup failure"));
      else
        attempt_.unreadable(appended.error());
      todo_.clear();
      session_.abandon();
      return false;
    }
    if (!*appended) break;
    if (auto sent = session_.flush(Phase::body); !sent) {
      trouble(sent.error());
      return false;
    }
  }
  if (delay.count() > 0 && !send_dot_late(delay)) return false;
  session_.has_all_content();
  if (source.has_broken_lines())
    log::info("{}: breaking line > {} bytes with <CR><LF>SPACE", attempt_.request.queue_id,
              settings_.line_length_limit);
  return true;
}

void Transaction::deliver(std::size_t recipient, const protocol::Reply& reply) {
  std::erase(todo_, recipient);
  const bool takes_duty = session_.capabilities().dsn;
  Success success{
      .dsn = reply.status(), .text = reply.text, .is_reported_elsewhere = takes_duty && !is_probe()};
  success.action = settings_.assume_final ? "delivered" : "relayed";
  attempt_.results.delivered(recipient, trial_.relay, success, remote_of(session_.server(), reply));
}

// One reply for all recipients, or with LMTP one for each in the order of RCPT.
bool Transaction::take_final_replies() {
  session_.needs_reset = false;
  const bool one_each = settings_.is_lmtp;
  std::optional<protocol::Reply> reply;
  for (std::size_t recipient : accepted_) {
    if (!reply || one_each) {
      auto received = session_.receive(Phase::dot);
      if (!received) {
        last_phase_ = Phase::dot;
        trouble(received.error());
        return false;
      }
      reply = *std::move(received);
    }
    if (reply->is_positive()) {
      deliver(recipient, *reply);
    } else if (one_each) {
      refuse(recipient, *reply, Phase::dot);
    } else {
      refuse_rest(*reply, Phase::dot);
      break;
    }
  }
  return !session_.is_broken();
}

// The server wants content though it took no recipient.
void Transaction::finish_empty() {
  session_.needs_reset = false;
  session_.send(".\r\n");
  if (settings_.is_lmtp) {
    (void)session_.flush(Phase::body);
    session_.abandon();  // nobody knows whether a reply comes
  } else {
    (void)session_.receive(Phase::dot);
  }
}

void Transaction::finish_probe() {
  for (std::size_t recipient : accepted_)
    if (std::ranges::find(todo_, recipient) != todo_.end()) deliver(recipient, *probe_replies_[recipient]);
  if (data_accepted_) session_.abandon();  // content must not follow
}

Transaction::End Transaction::run() {
  if (todo_.empty() || !prepare()) return End::done;
  const bool is_whole = talk();
  if (is_stale_) return End::stale;
  if (is_probe()) {
    finish_probe();
  } else if (is_whole && data_accepted_ && accepted_.empty()) {
    finish_empty();
  } else if (is_whole && data_accepted_) {
    if (send_content()) (void)take_final_replies();
  }
  // Nobody may be left without a verdict of this session: 421 may have come in the middle.
  if (!todo_.empty()) trouble(connection_lost(session_.server(), last_phase_));
  return session_.is_broken() ? End::broken : End::done;
}

}  // namespace posthouse::delivery::smtp
