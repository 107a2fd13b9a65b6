#include "smtpd/postdrop_handover.h"

#include <fmt/format.h>

#include "lib/command/postdrop_pipe.h"
#include "lib/log/log.h"
#include "lib/queuefile/record.h"

namespace posthouse::smtpd {
namespace {

using queuefile::RecordType;

class PostdropHandover : public Handover {
 public:
  PostdropHandover(command::PostdropPipe pipe, std::string queue_id, std::size_t line_limit)
      : pipe_(std::move(pipe)), queue_id_(std::move(queue_id)), line_limit_(line_limit) {}
  // Without an end record postdrop drops the message.
  ~PostdropHandover() override {
    if (!is_finished_) pipe_.finish();
  }
  PostdropHandover(const PostdropHandover&) = delete;
  PostdropHandover& operator=(const PostdropHandover&) = delete;

  void add_envelope(const ipc::CleanupOpen& message);
  const std::string& queue_id() const override { return queue_id_; }
  void add_recipient(ipc::CleanupRecipient recipient) override;
  bool add_content(std::string chunk, Deadline deadline) override;
  Result<ipc::CleanupClosed> finish(const ipc::CleanupClose& close, Deadline deadline) override;

 private:
  bool send();

  command::PostdropPipe pipe_;
  std::string queue_id_;
  std::size_t line_limit_;
  std::string records_;  // not yet written
  std::string partial_;  // of a line
  bool has_content_ = false;
  bool is_finished_ = false;
};

void PostdropHandover::add_envelope(const ipc::CleanupOpen& message) {
  for (const auto& list : {message.attributes, message.late_attributes}) {
    for (const ipc::Attribute& attribute : list) {
      for (const std::string_view kept : {"envelope_id", "ret_flags", "encoding"}) {
        if (attribute.name == kept) queuefile::append_attribute(records_, attribute.name, attribute.value);
      }
    }
  }
  queuefile::append_record(records_, RecordType::sender, message.sender);
  if (!message.verp_delimiters.empty())
    queuefile::append_record(records_, RecordType::verp, message.verp_delimiters);
}

void PostdropHandover::add_recipient(ipc::CleanupRecipient recipient) {
  if (!recipient.dsn_original.empty())
    queuefile::append_attribute(records_, "dsn_orig_rcpt", recipient.dsn_original);
  if (recipient.notify != 0)
    queuefile::append_attribute(records_, "notify_flags", fmt::format("{}", recipient.notify));
  queuefile::append_record(records_, RecordType::recipient, recipient.address);
}

bool PostdropHandover::add_content(std::string chunk, Deadline) {
  if (!std::exchange(has_content_, true)) queuefile::append_record(records_, RecordType::message, {});
  for (const char c : chunk) {
    if (c == '\n') {
      queuefile::append_record(records_, RecordType::line, std::exchange(partial_, {}));
      continue;
    }
    partial_ += c;
    if (partial_.size() >= line_limit_)
      queuefile::append_record(records_, RecordType::continued, std::exchange(partial_, {}));
  }
  return send();
}

Result<ipc::CleanupClosed> PostdropHandover::finish(const ipc::CleanupClose&, Deadline) {
  if (!partial_.empty()) queuefile::append_record(records_, RecordType::line, std::exchange(partial_, {}));
  queuefile::append_record(records_, RecordType::extracted, {});
  queuefile::append_record(records_, RecordType::end, {});
  const bool is_sent = send();
  is_finished_ = true;
  if (pipe_.finish() != 0 || !is_sent) return fail(queue_failure());  // postdrop has said why
  return ipc::CleanupClosed{.queue_id = queue_id_};
}

bool PostdropHandover::send() {
  const auto written = pipe_.write(records_);
  records_.clear();
  if (!written) log::warning("{}: {}", queue_id_, written.error().text);
  return written.has_value();
}

}  // namespace

Result<std::unique_ptr<Handover>> open_in_postdrop(const PostdropSettings& postdrop,
                                                   const ipc::CleanupOpen& message) {
  auto pipe = command::PostdropPipe::start(postdrop.program);
  if (!pipe) {
    log::warning("{}", pipe.error().text);
    return fail(queue_failure());
  }
  auto queue_id = pipe->queue_id();
  if (!queue_id) {
    log::warning("{}", queue_id.error().text);
    pipe->finish();
    return fail(queue_failure());
  }
  auto handover =
      std::make_unique<PostdropHandover>(std::move(*pipe), std::move(*queue_id), postdrop.line_limit);
  handover->add_envelope(message);
  return handover;
}

}  // namespace posthouse::smtpd
