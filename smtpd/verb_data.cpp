// DATA: the content goes to cleanup as it comes; 250 only with cleanup's word that it is safe.
#include <fmt/format.h>

#include "lib/base/text.h"
#include "lib/protocol/smtp_data.h"
#include "smtpd/access.h"
#include "smtpd/content.h"
#include "smtpd/received.h"
#include "smtpd/session.h"

namespace posthouse::smtpd {
namespace {

constexpr std::size_t kInputLimit = 64 * 1024;

// Reads to the end of the message whatever happens, so that the next command is found.
class ContentReceiver {
 public:
  ContentReceiver(Session& session, Transaction& transaction, protocol::EndOfData rule)
      : session_(session),
        transaction_(transaction),
        reader_(rule),
        limit_(session.settings().messages->message_size_limit()) {}

  ContentResult receive(std::string header) {
    chunk_ = std::move(header);
    transaction_.content_size = chunk_.size();
    session_.begin_request();
    while (!reader_.is_finished()) {
      if (session_.stream().buffered().empty() || took_nothing_) {
        if (!chunk_.empty() && chunk_.size() > kInputLimit / 2) pass_on();
        if (!fill()) return result_;
      }
      take();
    }
    pass_on();
    result_.is_complete = true;
    result_.has_bare_lf = reader_.has_bare_lf();
    return result_;
  }

 private:
  bool fill() {
    const runtime::Io io = session_.fill_content(kInputLimit);
    if (io == runtime::Io::ok) return true;
    const std::string detail = fmt::format("{} bytes", received_);
    if (io == runtime::Io::timeout) {
      session_.send_now(
          {fmt::format("421 4.4.2 {} Error: timeout exceeded", session_.myhostname()), trouble::kNone});
      session_.end(Session::End::timeout, detail);
    } else {
      session_.end(Session::End::lost, detail);
    }
    return false;
  }

  void take() {
    const std::size_t before = chunk_.size();
    make_room(chunk_, session_.stream().buffered().size());
    const std::size_t used = reader_.feed(session_.stream().buffered(), chunk_);
    session_.stream().consume(used);
    received_ += used;
    took_nothing_ = used == 0;
    transaction_.content_size += chunk_.size() - before;
    if (limit_ > 0 && transaction_.content_size > limit_) result_.is_too_big = true;
    if (result_.is_too_big || result_.is_lost) chunk_.clear();
    if (chunk_.size() >= kInputLimit / 2) pass_on();
  }

  void pass_on() {
    if (chunk_.empty() || result_.is_too_big || result_.is_lost) return;
    // A chunk on the wire is at most kChunk bytes; what is read at once may be a little more.
    for (std::size_t at = 0; at < chunk_.size() && !result_.is_lost; at += Handover::kChunk) {
      std::string part =
          chunk_.size() <= Handover::kChunk ? std::move(chunk_) : chunk_.substr(at, Handover::kChunk);
      const bool is_all = part.size() < Handover::kChunk || chunk_.empty();
      if (!transaction_.handover->add_content(std::move(part), session_.deadline_for_cleanup()))
        result_.is_lost = true;
      if (is_all) break;
    }
    chunk_.clear();
  }

  Session& session_;
  Transaction& transaction_;
  protocol::SmtpDataReader reader_;
  std::uint64_t limit_;
  std::string chunk_;
  std::uint64_t received_ = 0;  // bytes from the client, as they came
  bool took_nothing_ = false;
  ContentResult result_;
};

}  // namespace

Reply data(Session& session, const protocol::SmtpCommand& command) {
  if (session.has_failed_bdat) return {"503 5.5.1 Error: DATA after BDAT"};
  if (!session.transaction) return {"503 5.5.1 Error: need RCPT command"};
  if (session.transaction->bdat) return {"503 5.5.1 Error: DATA after BDAT"};
  if (session.transaction->recipients.empty())
    return {"554 5.5.1 Error: no valid recipients", trouble::kNone};
  if (!command.arguments().empty()) return {"501 5.5.4 Syntax: DATA"};
  Transaction& transaction = *session.transaction;
  if (auto refused = check_data(session)) return *refused;
  if (!session.send_now({"354 End data with <CR><LF>.<CR><LF>"})) {
    session.end(Session::End::lost);
    return {};
  }
  std::string header = transaction.actions.prepended + received_header(session, Clock::system().now());
  const auto rule = session.settings().end_of_data_rule(session);
  const ContentResult received = ContentReceiver(session, transaction, rule).receive(std::move(header));
  if (!received.is_complete) {
    session.transaction.reset();
    return {};  // no reply would be heard
  }
  session.where = "END-OF-MESSAGE";
  Reply reply = conclude_message(session, received);
  session.reset_transaction();
  return reply;
}

}  // namespace posthouse::smtpd
