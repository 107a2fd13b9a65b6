#include "smtpd/handover.h"

#include <optional>
#include <utility>

#include "lib/log/log.h"

namespace posthouse::smtpd {
namespace {

class CleanupHandover : public Handover {
 public:
  CleanupHandover(Neighbours& neighbours, ipc::Connection connection)
      : neighbours_(neighbours), connection_(std::move(connection)) {}
  // An unfinished message is cancelled; the connection can serve the next one.
  ~CleanupHandover() override;
  CleanupHandover(const CleanupHandover&) = delete;
  CleanupHandover& operator=(const CleanupHandover&) = delete;

  // Asks for a queue file. A failure is cleanup's own; `lost` tells that there was no answer at all.
  struct Lost {
    std::string why;          // empty: there was an answer
    bool is_closed = false;   // by a cleanup process that had ended
    bool is_unheard = false;  // by one that was about to end
  };
  Result<void> open(const ipc::CleanupOpen& message, Deadline deadline, Lost& lost);
  const std::string& queue_id() const override { return queue_id_; }
  void add_recipient(ipc::CleanupRecipient recipient) override;
  bool add_content(std::string chunk, Deadline deadline) override;
  Result<ipc::CleanupClosed> finish(const ipc::CleanupClose& close, Deadline deadline) override;

 private:
  void send_recipients();

  Neighbours& neighbours_;
  std::optional<ipc::Connection> connection_;
  std::string queue_id_;
  ipc::CleanupRecipients recipients_;
};

Result<void> CleanupHandover::open(const ipc::CleanupOpen& message, Deadline deadline, Lost& lost) {
  connection_->send(message);
  auto frame = connection_->receive(deadline);
  if (!frame) {
    lost = {.why = frame.error().text,
            .is_closed = connection_->was_closed_by_peer(frame.error()),
            .is_unheard = connection_->was_not_heard(frame.error())};
    return fail(queue_failure());
  }
  if (frame->is<ipc::CleanupOpened>()) {
    if (auto opened = frame->as<ipc::CleanupOpened>()) {
      queue_id_ = std::move(opened->queue_id);
      return {};
    }
  }
  if (auto closed = frame->as<ipc::CleanupClosed>(); closed && !closed->reason.empty()) {
    return fail(Failure::deferred(closed->dsn.empty() ? "4.3.0" : closed->dsn, closed->reason));
  }
  return fail(queue_failure());
}

CleanupHandover::~CleanupHandover() {
  if (!connection_ || queue_id_.empty()) return;
  connection_->send(ipc::CleanupCancel{});
  if (connection_->stream().unsent() < 1024) {
    if (connection_->flush(deadline_after(std::chrono::seconds(1)))) {
      neighbours_.give_back_cleanup(std::move(*connection_));
    }
  }
}

void CleanupHandover::add_recipient(ipc::CleanupRecipient recipient) {
  recipients_.recipients.push_back(std::move(recipient));
  if (recipients_.recipients.size() >= 500) send_recipients();
}

void CleanupHandover::send_recipients() {
  if (recipients_.recipients.empty() || !connection_) return;
  connection_->send(recipients_);
  recipients_.recipients.clear();
}

bool CleanupHandover::add_content(std::string chunk, Deadline deadline) {
  if (!connection_) return false;
  send_recipients();
  ipc::CleanupContent content;
  content.chunk = chunk;
  connection_->send(content);
  if (!connection_->stream().has_backlog()) return true;
  if (auto sent = connection_->flush(deadline); !sent) {
    log::warning("send message content to cleanup service: {}", sent.error().text);
    connection_.reset();
    return false;
  }
  return true;
}

Result<ipc::CleanupClosed> CleanupHandover::finish(const ipc::CleanupClose& close, Deadline deadline) {
  if (!connection_) return fail(queue_failure());
  send_recipients();
  connection_->send(close);
  auto closed = connection_->expect<ipc::CleanupClosed>(deadline);
  if (!closed) {
    log::warning("{}: cleanup service: {}", queue_id_, closed.error().text);
    connection_.reset();
    return fail(queue_failure());
  }
  neighbours_.give_back_cleanup(std::move(*connection_));
  connection_.reset();
  return closed;
}

}  // namespace

Failure queue_failure() {
  return Failure::deferred("4.3.0", "Error: queue file write error");
}

Result<std::unique_ptr<Handover>> open_in_cleanup(Neighbours& neighbours, const ipc::CleanupOpen& message,
                                                  Deadline deadline) {
  // A kept connection may have been closed by a cleanup process that ended meanwhile: ask once more.
  for (bool is_second = false;;) {
    auto connection = neighbours.take_cleanup(deadline);
    if (!connection) {
      log::warning("{}", connection.error().text);
      return fail(queue_failure());
    }
    auto handover = std::make_unique<CleanupHandover>(neighbours, std::move(*connection));
    CleanupHandover::Lost lost;
    auto opened = handover->open(message, deadline, lost);
    if (opened) return handover;
    if (lost.is_unheard || (lost.is_closed && !std::exchange(is_second, true))) continue;
    if (!lost.why.empty()) log::warning("open message in cleanup service: {}", lost.why);
    return fail(std::move(opened.error()));
  }
}

Result<std::unique_ptr<Handover>> Neighbours::open_message(const ipc::CleanupOpen& message,
                                                           Deadline deadline) {
  return open_in_cleanup(*this, message, deadline);
}

}  // namespace posthouse::smtpd
