#include "smtpd/handover.h"

#include "lib/log/log.h"

namespace posthouse::smtpd {
namespace {

Failure not_written() {
  return Failure::deferred("4.3.0", "Error: queue file write error");
}

}  // namespace

Result<std::unique_ptr<Handover>> Handover::open(Neighbours& neighbours, const ipc::CleanupOpen& message,
                                                 Deadline deadline) {
  // A kept connection may have been closed by a cleanup process that ended meanwhile: ask once more.
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto connection = neighbours.take_cleanup(deadline);
    if (!connection) {
      log::warning("{}", connection.error().text);
      return fail(not_written());
    }
    std::unique_ptr<Handover> handover(new Handover(neighbours, std::move(*connection)));
    handover->connection_->send(message);
    auto frame = handover->connection_->receive(deadline);
    if (!frame) {
      if (handover->connection_->was_closed_by_peer(frame.error()) && attempt == 0) continue;
      log::warning("open message in cleanup service: {}", frame.error().text);
      return fail(not_written());
    }
    if (frame->is<ipc::CleanupOpened>()) {
      if (auto opened = frame->as<ipc::CleanupOpened>()) {
        handover->queue_id_ = std::move(opened->queue_id);
        return handover;
      }
    }
    if (auto closed = frame->as<ipc::CleanupClosed>(); closed && !closed->reason.empty()) {
      return fail(Failure::deferred(closed->dsn.empty() ? "4.3.0" : closed->dsn, closed->reason));
    }
    return fail(not_written());
  }
  return fail(not_written());
}

Handover::~Handover() {
  if (!connection_ || queue_id_.empty()) return;
  connection_->send(ipc::CleanupCancel{});
  if (connection_->stream().unsent() < 1024) {
    if (connection_->flush(deadline_after(std::chrono::seconds(1)))) {
      neighbours_.give_back_cleanup(std::move(*connection_));
    }
  }
}

void Handover::add_recipient(ipc::CleanupRecipient recipient) {
  recipients_.recipients.push_back(std::move(recipient));
  if (recipients_.recipients.size() >= 500) send_recipients();
}

void Handover::send_recipients() {
  if (recipients_.recipients.empty() || !connection_) return;
  connection_->send(recipients_);
  recipients_.recipients.clear();
}

bool Handover::add_content(std::string chunk, Deadline deadline) {
  if (!connection_) return false;
  send_recipients();
  ipc::CleanupContent content;
  content.chunk = std::move(chunk);
  connection_->send(content);
  if (!connection_->stream().has_backlog()) return true;
  if (auto sent = connection_->flush(deadline); !sent) {
    log::warning("send message content to cleanup service: {}", sent.error().text);
    connection_.reset();
    return false;
  }
  return true;
}

Result<ipc::CleanupClosed> Handover::finish(const ipc::CleanupClose& close, Deadline deadline) {
  if (!connection_) return fail(not_written());
  send_recipients();
  connection_->send(close);
  auto closed = connection_->expect<ipc::CleanupClosed>(deadline);
  if (!closed) {
    log::warning("{}: cleanup service: {}", queue_id_, closed.error().text);
    connection_.reset();
    return fail(not_written());
  }
  neighbours_.give_back_cleanup(std::move(*connection_));
  connection_.reset();
  return closed;
}

}  // namespace posthouse::smtpd
