// Reads the records of a file in logical order: follows pointers, skips nothing else.
//
// Reads blocks of `block_size` bytes and remembers the last two places, because readers go to the end of a
// file and back; a record's data is valid until the next call. Backward jumps are limited to 10000 per file.
// Trouble with the bytes is Failure{bounce}: the file is corrupt; trouble with reading is Failure{defer}.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/base/failure.h"
#include "lib/queuefile/file_system.h"
#include "lib/queuefile/record.h"

namespace posthouse::queuefile {

class RecordReader {
 public:
  explicit RecordReader(File& file, std::size_t block_size = 16 * 1024)
      : file_(&file), block_size_(block_size) {}

  // The next record; nothing at the end of the file. Pointers are followed when `follow` is set,
  // otherwise returned like any record.
  Result<std::optional<Record>> next(bool follow = true);
  // The next record when it is one of content (line, continued) and has been read already, as nearly all are;
  // nothing means that next() is to be asked.
  std::optional<Record> buffered_line();
  std::int64_t position() const { return position_; }
  void seek(std::int64_t offset) { position_ = offset; }
  void restart(std::int64_t offset) {  // a new pass over the file: counts jumps afresh
    position_ = offset;
    reverse_jumps_ = 0;
  }

  static constexpr int kMaxReverseJumps = 10000;

 private:
  Result<std::optional<Record>> physical();
  void go_elsewhere();
  // False at the end of the file.
  Result<bool> fill(std::size_t need);
  Result<void> jump(const Record& pointer);
  std::string_view window() const;

  File* file_;
  std::size_t block_size_;
  std::string buffer_, other_buffer_;
  std::int64_t buffer_offset_ = 0, other_offset_ = 0;
  std::int64_t position_ = 0;
  int reverse_jumps_ = 0;
};

}  // namespace posthouse::queuefile
