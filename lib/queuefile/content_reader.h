// Streams the content of a queue file for delivery: large reads, no copy and no allocation per
// line. Follows edits (pointers), skips padding, ends at the X record.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/queuefile/record_reader.h"

namespace posthouse::queuefile {

class ContentReader {
 public:
  ContentReader(File& file, std::int64_t data_offset, std::size_t block_size = 64 * 1024);

  struct Piece {
    std::string_view text;  // valid until the next call
    bool ends_line = false;
  };
  // The next piece when it has been read already; nothing means that next() is to be asked.
  std::optional<Piece> buffered() {
    if (ended_) return std::nullopt;
    const auto record = reader_.buffered_line();
    if (!record) return std::nullopt;
    return Piece{record->data, record->type == RecordType::line};
  }
  // The next piece of a line, nothing at the end of the content.
  Result<std::optional<Piece>> next();

  struct Format {
    std::string_view line_end = "\r\n";
    bool dot_stuffing = false;  // RFC 5321 section 4.5.2
  };
  // Appends lines to `out` until it has grown by `size` or more; false when the content has
  // ended. An unterminated last line is terminated.
  Result<bool> append_lines(std::string& out, std::size_t size, const Format& format);

  void rewind();  // to the start of the content
  // After the end: where the record behind X begins.
  std::int64_t position() const { return reader_.position(); }

 private:
  RecordReader reader_;
  std::int64_t data_offset_;
  bool at_line_start_ = true;
  bool ended_ = false;
};

}  // namespace posthouse::queuefile
