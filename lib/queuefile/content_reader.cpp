#include "lib/queuefile/content_reader.h"

#include <fmt/format.h>

namespace posthouse::queuefile {

ContentReader::ContentReader(File& file, std::int64_t data_offset, std::size_t block_size)
    : reader_(file, block_size), data_offset_(data_offset) {
  rewind();
}

void ContentReader::rewind() {
  reader_.restart(data_offset_);
  at_line_start_ = true;
  ended_ = false;
}

Result<std::optional<ContentReader::Piece>> ContentReader::next() {
  if (const auto piece = buffered()) return piece;
  while (!ended_) {
    auto record = reader_.next();
    if (!record) return fail(std::move(record.error()));
    if (!*record) return fail(Failure::bounced("5.3.0", "unexpected end of file in message content"));
    switch ((*record)->type) {
      case RecordType::line:
        return Piece{(*record)->data, true};
      case RecordType::continued:
        return Piece{(*record)->data, false};
      case RecordType::padding:
        break;
      case RecordType::extracted:
      case RecordType::end:
        ended_ = true;
        break;
      default:
        return fail(Failure::bounced("5.3.0", fmt::format("unexpected record type {} in message content",
                                                          static_cast<int>((*record)->type))));
    }
  }
  return std::optional<Piece>{};
}

Result<bool> ContentReader::append_lines(std::string& out, std::size_t size, const Format& format) {
  const std::size_t stop_at = out.size() + size;
  while (out.size() < stop_at) {
    auto piece = next();
    if (!piece) return fail(std::move(piece.error()));
    if (!*piece) {
      if (!at_line_start_) out.append(format.line_end);
      at_line_start_ = true;
      return false;
    }
    const Piece& got = **piece;
    if (at_line_start_ && format.dot_stuffing && got.text.starts_with('.')) out += '.';
    out.append(got.text);
    if (got.ends_line) out.append(format.line_end);
    at_line_start_ = got.ends_line || (at_line_start_ && got.text.empty());
  }
  return true;
}

}  // namespace posthouse::queuefile
