#include "lib/protocol/smtp_client_content.h"

#include "lib/base/text.h"

namespace posthouse::protocol {

void ContentWriter::append(std::string_view text) {
  const std::size_t from = out_.size();
  out_.append(text);
  if (text.find('\r') == std::string_view::npos && text.find('\n') == std::string_view::npos) return;
  for (std::size_t i = from; i < out_.size(); ++i)
    if (out_[i] == '\r' || out_[i] == '\n') out_[i] = ' ';
}

void ContentWriter::add(std::string_view piece, bool ends) {
  if (at_start_ && !piece.empty()) {
    if (piece.front() == '.') out_ += '.';
    at_start_ = false;
    column_ = 0;
  }
  while (line_limit_ > 0 && piece.size() > line_limit_ - column_) {
    const std::size_t room = line_limit_ - column_;
    append(piece.substr(0, room));
    out_ += "\r\n ";
    piece.remove_prefix(room);
    column_ = line_limit_ > 1 ? 1 : 0;
    broken_ = true;
  }
  append(piece);
  column_ += piece.size();
  if (!ends) return;
  out_ += "\r\n";
  at_start_ = true;
  column_ = 0;
}

void ContentWriter::finish() {
  if (!at_start_) add({}, true);
  out_ += ".\r\n";
}

}  // namespace posthouse::protocol
