// Builds one queue file. Records are collected in memory and written with one call when the
// message is small; a larger one is spilled in big blocks. An abandoned Writer removes its file.
//
// Used by cleanup (incoming) and postdrop (maildrop). Record calls never do I/O and never fail;
// functions ending in _blocking do I/O and belong in runtime::offload. Errors are deferrals whose
// text says what could not be written. Not thread-safe: one call at a time.
//
//   auto writer = Writer::create(files, layout, {.queue = "incoming"}, clock.now());
//   writer->begin_envelope();  writer->record(...);
//   writer->begin_content();   writer->line("Subject: x"); ...
//   writer->begin_extracted(); writer->record(...);
//   Result<Receipt> receipt = writer->commit_blocking();
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/failure.h"
#include "lib/base/text.h"
#include "lib/queuefile/file_system.h"
#include "lib/queuefile/layout.h"
#include "lib/queuefile/receipt.h"
#include "lib/queuefile/record.h"
#include "lib/queuefile/size_record.h"
#include "lib/queuefile/spare_files.h"

namespace posthouse::queuefile {

class Writer {
 public:
  struct Options {
    std::string_view queue = queue::kIncoming;
    bool long_ids = false;
    mode_t ready_mode = 0700;
    bool has_size_record = true;   // false for maildrop files
    SpareTaker* spares = nullptr;  // where to take files from before making new ones
    bool has_seal = false;         // of files that become spare ones, see seal.h
  };

  // Makes the file with mode 0600 under its final name; that is where the id comes from.
  static Result<Writer> create(FileSystem& files, const Layout& layout, const Options& options, Time now);
  Writer(Writer&& other) noexcept;
  Writer& operator=(Writer&&) = delete;
  ~Writer();  // removes the file unless committed

  const QueueId& queue_id() const { return id_; }
  const std::string& path() const { return path_; }

  void record(RecordType type, std::string_view data);
  void attribute(std::string_view name, std::string_view value);  // nothing for an empty value
  void pointer(std::int64_t target = 0);
  // Counts the recipient, and the notify bits for the SIZE record.
  void recipient(std::string_view address, unsigned notify = 0);

  void begin_envelope();
  void begin_content();
  void begin_extracted();

  // One content line of any length, cut into L records of `line_limit` and a final, shorter N.
  void line(std::string_view text, std::size_t line_limit = 2048);

  // About so many bytes of content come next: room is made once.
  void expect(std::size_t size) { make_room(buffer_, size + size / 16); }

  std::int64_t offset() const { return written_ + static_cast<std::int64_t>(buffer_.size()); }
  std::int64_t content_length() const;  // so far; final after begin_extracted()
  std::int64_t recipient_count() const { return size_.recipient_count; }
  void set_send_options(unsigned options) { size_.send_options = options; }
  void set_mixed_recipients() { size_.queue_flags |= kMixedRecipients; }

  // True when the buffer has grown so large that flush_blocking() should be called soon.
  bool wants_flush() const { return buffer_.size() >= kFlushAt; }
  Result<void> flush_blocking();
  // The same, and others may read the unfinished file: nothing follows that was there before.
  Result<void> show_blocking();

  // Overwrites bytes that were written before, for edits in place. [offset, +size) must exist.
  Result<void> patch(std::int64_t offset, std::string_view bytes);

  // Renames the unfinished file into another queue (hold) before commit.
  Result<void> move_to(std::string_view queue);

  // Adds the seal and E, writes what is left and the final SIZE record, overwrites or cuts off what a spare
  // file had beyond, sets the ready mode, syncs the file and, unless it is a spare one (recovery.h), its
  // name. After success the Writer owns nothing any more.
  Result<Receipt> commit_blocking();

  static constexpr std::size_t kFlushAt = 256 * 1024;

 private:
  Writer(FileSystem& files, const Layout& layout, const Options& options);
  Result<void> cut_off_old();
  Result<void> pad();
  bool take_spare(Time now);
  Result<void> make_new(Time now);
  Result<std::string_view> part(std::int64_t begin, std::int64_t end, std::string& storage);
  Result<void> write_seal();
  Failure failed(int error) const;

  FileSystem* files_;
  const Layout* layout_;
  Options options_;
  std::string queue_;
  QueueId id_;
  std::string path_;  // empty when there is nothing to remove
  std::unique_ptr<File> file_;
  std::string buffer_;
  std::int64_t written_ = 0;       // bytes in the file before buffer_
  std::int64_t old_size_ = 0;      // of the file before it was ours
  bool has_durable_name_ = false;  // some name, under which recovery.h finds it
  SizeRecord size_;
};

}  // namespace posthouse::queuefile
