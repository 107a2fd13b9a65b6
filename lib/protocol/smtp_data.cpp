#include "lib/protocol/smtp_data.h"

#include <cstring>

namespace posthouse::protocol {

// `bytes` starts with "." at the start of a line.
SmtpDataReader::Dot SmtpDataReader::look_at_dot(std::string_view bytes, std::size_t& end_length) const {
  if (bytes.size() == 1) return Dot::unknown;
  const bool is_lenient = rule_ == EndOfData::lenient;
  if (bytes[1] == '\n') {
    end_length = 2;
    return is_lenient ? Dot::end : Dot::stuffed;
  }
  if (bytes[1] != '\r') return Dot::stuffed;
  if (bytes.size() == 2) return Dot::unknown;
  if (bytes[2] != '\n') return Dot::stuffed;
  end_length = 3;
  return after_crlf_ || is_lenient ? Dot::end : Dot::stuffed;
}

std::size_t SmtpDataReader::feed(std::string_view bytes, std::string& out) {
  std::size_t at = 0;
  while (at < bytes.size() && !is_finished_) {
    std::string_view rest = bytes.substr(at);
    const bool took_dot = at_line_start_ && rest.front() == '.';
    if (took_dot) {
      std::size_t end_length = 0;
      const Dot dot = look_at_dot(rest, end_length);
      if (dot == Dot::unknown) return at;
      if (dot == Dot::end) {
        has_bare_lf_ = has_bare_lf_ || end_length == 2;
        is_finished_ = true;
        return at + end_length;
      }
      rest.remove_prefix(1);
      ++at;
    }
    const void* found = std::memchr(rest.data(), '\n', rest.size());
    if (found == nullptr) {
      const std::size_t keep = rest.back() == '\r' ? 1 : 0;
      out.append(rest.substr(0, rest.size() - keep));
      if (took_dot || rest.size() > keep) at_line_start_ = false;
      return bytes.size() - keep;
    }
    const auto length = static_cast<std::size_t>(static_cast<const char*>(found) - rest.data());
    const bool has_cr = length > 0 && rest[length - 1] == '\r';
    out += rest.substr(0, has_cr ? length - 1 : length);
    out += '\n';
    after_crlf_ = has_cr;
    has_bare_lf_ = has_bare_lf_ || !has_cr;
    at_line_start_ = true;
    at += length + 1;
  }
  return at;
}

}  // namespace posthouse::protocol
