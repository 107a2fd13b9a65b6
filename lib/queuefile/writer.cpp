#include "lib/queuefile/writer.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "lib/queuefile/record_reader.h"
#include "lib/queuefile/seal.h"

namespace posthouse::queuefile {

namespace {

constexpr int kNameAttempts = 10;
constexpr std::int64_t kBlock = 4096;
constexpr std::int64_t kMostPadding = 32 * 1024;

std::string parent_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

// Not a queue id, because of the dot: nobody takes it for a message.
std::string temporary_path(std::string_view queue, Time now, int attempt) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  static const pid_t pid = ::getpid();
  return fmt::format("{}/{}.{}", queue, micros % 1'000'000 + attempt, pid);
}

}  // namespace

Writer::Writer(FileSystem& files, const Layout& layout, const Options& options)
    : files_(&files), layout_(&layout), options_(options), queue_(options.queue) {}

Writer::Writer(Writer&& other) noexcept
    : files_(other.files_),
      layout_(other.layout_),
      options_(other.options_),
      queue_(std::move(other.queue_)),
      id_(std::move(other.id_)),
      path_(std::exchange(other.path_, {})),
      file_(std::move(other.file_)),
      buffer_(std::move(other.buffer_)),
      written_(other.written_),
      old_size_(other.old_size_),
      has_durable_name_(other.has_durable_name_),
      size_(other.size_) {}

Writer::~Writer() {
  if (!path_.empty()) (void)files_->remove(path_);
}

Failure Writer::failed(int error) const {
  return Failure::system("queue file " + path_, error);
}

Result<Writer> Writer::create(FileSystem& files, const Layout& layout, const Options& options, Time now) {
  Writer writer(files, layout, options);
  if (writer.take_spare(now)) return writer;
  if (auto made = writer.make_new(now); !made) return fail(std::move(made.error()));
  return writer;
}

bool Writer::take_spare(Time now) {
  if (options_.spares == nullptr) return false;
  auto taken = options_.spares->take(*files_, *layout_, queue_, options_.long_ids, now);
  if (!taken) return false;
  file_ = std::move(taken->file);
  id_ = std::move(taken->id);
  path_ = std::move(taken->path);
  old_size_ = taken->size;
  has_durable_name_ = true;
  return true;
}

Result<void> Writer::make_new(Time now) {
  for (int attempt = 0;; ++attempt) {
    path_ = temporary_path(queue_, now, attempt);
    auto file = files_->create(path_, 0600);
    if (file) {
      file_ = std::move(*file);
      break;
    }
    auto failure = Failure::system("create file " + path_, file.error());
    path_.clear();
    if (file.error() != EEXIST || attempt == kNameAttempts) return fail(std::move(failure));
  }
  auto status = file_->status();
  if (!status) return fail(failed(status.error()));
  for (int attempt = 0;; ++attempt) {
    const Time created = now + std::chrono::microseconds(attempt);
    id_ = options_.long_ids ? QueueId::make_long(created, status->inode)
                            : QueueId::make_short(created, status->inode);
    const std::string target = layout_->path(queue_, id_);
    if (layout_->depth(queue_) != 0) (void)layout_->make_directories(*files_, queue_, id_);
    auto renamed = files_->rename_new(path_, target);
    if (renamed) {
      path_ = target;
      return {};
    }
    if (renamed.error() != EEXIST || attempt == kNameAttempts) return fail(failed(renamed.error()));
  }
}

void Writer::record(RecordType type, std::string_view data) {
  append_record(buffer_, type, data);
}

void Writer::attribute(std::string_view name, std::string_view value) {
  if (!value.empty()) append_attribute(buffer_, name, value);
}

void Writer::pointer(std::int64_t target) {
  append_pointer(buffer_, target);
}

void Writer::recipient(std::string_view address, unsigned notify) {
  ++size_.recipient_count;
  size_.queue_flags |= static_cast<std::int64_t>(notify) << 1;
  record(RecordType::recipient, address);
}

void Writer::begin_envelope() {
  if (options_.has_size_record) record(RecordType::size, SizeRecord{}.payload());
}

void Writer::begin_content() {
  record(RecordType::message, {});
  size_.data_offset = offset();
}

void Writer::begin_extracted() {
  size_.content_length = offset() - size_.data_offset;
  if (size_.message_size == 0) size_.message_size = size_.content_length;
  record(RecordType::extracted, {});
}

std::int64_t Writer::content_length() const {
  if (size_.content_length != 0) return size_.content_length;
  return size_.data_offset == 0 ? 0 : offset() - size_.data_offset;
}

void Writer::line(std::string_view text, std::size_t line_limit) {
  while (text.size() >= line_limit) {
    record(RecordType::continued, text.substr(0, line_limit));
    text.remove_prefix(line_limit);
  }
  record(RecordType::line, text);
}

Result<void> Writer::flush_blocking() {
  if (buffer_.empty()) return {};
  if (auto put = file_->write_at(buffer_, written_); !put) return fail(failed(put.error()));
  written_ += static_cast<std::int64_t>(buffer_.size());
  buffer_.clear();
  return {};
}

Result<void> Writer::cut_off_old() {
  if (old_size_ <= written_) return {};
  if (auto done = file_->truncate(written_); !done) return fail(failed(done.error()));
  old_size_ = 0;
  return {};
}

// Files that are used again keep their size when they can: then a commit is the writing of their blocks, and
// the file system's journal has nothing to do. Nothing of the old message stays behind the new one.
Result<void> Writer::pad() {
  const std::int64_t end = offset();
  std::int64_t wanted = end;
  if (options_.spares != nullptr) {
    wanted = (end + kBlock - 1) / kBlock * kBlock;
    if (old_size_ > wanted && old_size_ - wanted <= kMostPadding) wanted = old_size_;
  }
  if (old_size_ > wanted) {
    if (auto done = file_->truncate(wanted); !done) return fail(failed(done.error()));
    old_size_ = 0;
  }
  buffer_.append(static_cast<std::size_t>(wanted - end), '\0');
  return {};
}

Result<void> Writer::show_blocking() {
  if (auto done = flush_blocking(); !done) return done;
  return cut_off_old();
}

Result<void> Writer::patch(std::int64_t at, std::string_view bytes) {
  if (at >= written_) {
    buffer_.replace(static_cast<std::size_t>(at - written_), bytes.size(), bytes);
    return {};
  }
  const auto in_file = std::min(static_cast<std::size_t>(written_ - at), bytes.size());
  if (auto put = file_->write_at(bytes.substr(0, in_file), at); !put) return fail(failed(put.error()));
  if (in_file < bytes.size()) buffer_.replace(0, bytes.size() - in_file, bytes.substr(in_file));
  return {};
}

Result<void> Writer::move_to(std::string_view queue) {
  if (auto moved = layout_->move(*files_, queue_, queue, id_); !moved) return fail(failed(moved.error()));
  has_durable_name_ = false;  // recovery would put it into incoming/
  queue_ = queue;
  path_ = layout_->path(queue, id_);
  return {};
}

// The bytes [begin, end) of the message so far, from memory or the file.
Result<std::string_view> Writer::part(std::int64_t begin, std::int64_t end, std::string& storage) {
  if (begin >= written_) {
    return std::string_view(buffer_).substr(static_cast<std::size_t>(begin - written_),
                                            static_cast<std::size_t>(end - begin));
  }
  if (auto done = flush_blocking(); !done) return fail(std::move(done.error()));
  storage.resize(static_cast<std::size_t>(end - begin));
  for (std::size_t have = 0; have < storage.size();) {
    const auto got =
        file_->read_at(storage.data() + have, storage.size() - have, begin + static_cast<std::int64_t>(have));
    if (!got || *got == 0) return fail(failed(got ? EIO : got.error()));
    have += *got;
  }
  return storage;
}

Result<void> Writer::write_seal() {
  Sealer sealer;
  std::string storage;
  const auto add_records = [&](std::int64_t begin, std::int64_t end) -> Result<void> {
    auto rest = part(begin, end, storage);
    if (!rest) return fail(std::move(rest.error()));
    while (!rest->empty()) {
      const Decoded record = decode_record(*rest);
      if (record.size == 0) return fail(failed(EINVAL));
      sealer.add(record.type, record.data);
      rest->remove_prefix(record.size);
    }
    return {};
  };
  const std::int64_t content_end = size_.extracted_offset();
  if (auto done = add_records(0, size_.data_offset); !done) return done;
  for (std::int64_t at = size_.data_offset; at < content_end;) {
    const std::int64_t next =
        at < written_ ? std::min<std::int64_t>(at + kFlushAt, content_end) : content_end;
    auto piece = part(at, next, storage);
    if (!piece) return fail(std::move(piece.error()));
    sealer.add_content(*piece);
    at = next;
  }
  if (auto done = add_records(content_end, offset()); !done) return done;
  attribute(kSealAttribute, sealer.value(id_));
  return {};
}

Result<Receipt> Writer::commit_blocking() {
  if (options_.has_size_record) {
    constexpr std::int64_t kPayloadOffset = SizeRecord::kRecordLength - SizeRecord::kPayloadLength;
    if (auto done = patch(kPayloadOffset, size_.payload()); !done) return fail(std::move(done.error()));
  }
  if (options_.has_seal) {
    if (auto done = write_seal(); !done) return fail(std::move(done.error()));
  }
  record(RecordType::end, {});
  if (auto done = pad(); !done) return fail(std::move(done.error()));
  if (auto done = flush_blocking(); !done) return fail(std::move(done.error()));
  // The mode before the sync: it must be as durable as the content.
  if (auto done = file_->set_mode(options_.ready_mode); !done) return fail(failed(done.error()));
  if (auto done = has_durable_name_ ? file_->sync_data() : file_->sync(); !done)
    return fail(failed(done.error()));
  if (!files_->syncs_names()) {
    if (auto done = files_->sync_directory(parent_of(path_)); !done) return fail(failed(done.error()));
  }
  path_.clear();
  file_.reset();
  return Receipt(id_, size_.message_size);
}

}  // namespace posthouse::queuefile
