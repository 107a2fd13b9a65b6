#include "qmgr/opener.h"

#include <cerrno>

#include "lib/log/log.h"
#include "lib/queuefile/seal.h"
#include "lib/runtime/offload.h"

namespace posthouse::qmgr {
namespace {

namespace queue = queuefile::queue;

constexpr mode_t kForceExpire = 0010;
constexpr mode_t kFlushRequest = 0040;

}  // namespace

std::shared_ptr<Message> Opener::open(const QueueId& id, Source source) {
  if (source != Source::arrival && store_.is_being_delivered(id)) {
    aftermath_.still_locked(id);
    return nullptr;
  }
  auto file = store_.open_active(id, queuefile::OpenFor::reading);
  if (!file) {
    if (file.error() != ENOENT) {
      log::warning("open active/{}: {}", id.text(), error_text(file.error()));
      aftermath_.retry_soon(id);
    }
    return nullptr;
  }
  auto message = std::make_shared<Message>();
  message->number = ++last_number_;
  message->id = id;
  message->opened = clock_.now();
  message->has_bounced = source != Source::arrival;
  message->keeps_file = source == Source::arrival || source == Source::scan;
  if (!read_envelope(*message, std::move(*file))) return nullptr;
  const bool is_doubtful =
      source == Source::left_over || (source != Source::arrival && has_foreign_seal(*message));
  if (is_doubtful && !is_intact(*message)) return nullptr;
  return message;
}

// Another inode in the seal is no sign of that: postsuper -s renames the files of a queue that was copied.
bool Opener::has_foreign_seal(const Message& message) {
  const auto id = queuefile::sealed_id(message.envelope.attribute(queuefile::kSealAttribute));
  return id && *id != message.id && id->inode() == message.id.inode();
}

// A power cut leaves a file that was never completely written, or undoes the name of one that was.
bool Opener::is_intact(const Message& message) {
  const auto seal = runtime::offload([&] { return queuefile::read_seal(*message.file); });
  if (!seal && !seal.error().is_permanent()) {
    log::warning("{}: {}", message.id.text(), seal.error().text);
    aftermath_.retry_soon(message.id);
    return false;
  }
  if (seal && seal->state == queuefile::SealState::none) return true;
  if (seal && seal->state == queuefile::SealState::intact) {
    if (seal->is_of(message.id)) return true;
    aftermath_.holds_other(message.id, seal->id);
    return false;
  }
  aftermath_.reject_corrupt(message.id, Failure::bounced("5.3.0", "the file was not completely written"));
  return false;
}

bool Opener::read_envelope(Message& message, std::unique_ptr<queuefile::File> file) {
  message.file = std::move(file);
  message.reader = std::make_unique<queuefile::EnvelopeReader>(*message.file);
  auto envelope = message.reader->read();
  for (const std::string& warning : message.reader->take_warnings()) {
    log::warning("{}: {}", message.id.text(), warning);
  }
  if (envelope) {
    message.envelope = std::move(*envelope);
    return true;
  }
  if (envelope.error().is_permanent()) {
    aftermath_.reject_corrupt(message.id, envelope.error());
  } else {
    log::warning("{}: {}", message.id.text(), envelope.error().text);
    aftermath_.retry_soon(message.id);
  }
  return false;
}

Opener::Requests Opener::take_requests(Message& message) {
  Requests requests;
  const auto status = message.file->status();
  if (!status) return requests;
  const mode_t mode = status->permissions();
  if ((mode & kFlushRequest) != 0) {
    requests.forgets_dead = true;
    (void)store_.clear_flush_request(message.id, mode);
  }
  message.is_expired_by_force = (mode & kForceExpire) != 0;
  if (message.has_bounced) {  // from a scan: there may be a log of the last attempt
    if (message.is_expired_by_force && store_.log_of(queue::kDefer, message.id) == QueueStore::Log::filled) {
      message.has_deferred = true;
      message.close();
      requests.is_to_deliver = false;
      return requests;
    }
    store_.remove_log(queue::kDefer, message.id);
  }
  return requests;
}

}  // namespace posthouse::qmgr
