#include "tools/sendmail/message_input.h"

#include <utility>

#include "lib/mail/address_list.h"
#include "lib/mail/header.h"
#include "lib/queuefile/record.h"

namespace posthouse::sendmail {

using queuefile::RecordType;

bool MessageInput::append(std::string_view bytes) {
  while (!bytes.empty() && !has_ended_) {
    const auto end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    partial_.append(piece);
    if (end != std::string_view::npos) {
      const std::string whole = std::exchange(partial_, {});
      line(whole, true);
      continue;
    }
    // A CR at the very end may be half a line end: keep it.
    while (partial_.size() > rules_.line_limit) {
      line(std::string_view(partial_).substr(0, rules_.line_limit), false);
      partial_.erase(0, rules_.line_limit);
    }
  }
  return has_ended_;
}

void MessageInput::end() {
  if (!partial_.empty() && !has_ended_) line(std::exchange(partial_, {}), false);
  if (in_headers_) finish_header();
}

bool MessageInput::line(std::string_view text, bool is_terminated) {
  if (is_terminated && text.ends_with('\r')) text.remove_suffix(1);
  const bool is_first_piece = !std::exchange(is_continuing_, !is_terminated);
  if (is_first_piece && is_terminated && rules_.dot_ends && text == ".") {
    has_ended_ = true;
    return true;
  }
  if (is_at_start_ && is_first_piece) {
    if (text.starts_with("From ") || text.starts_with(">From ")) {
      is_continuing_ = false;
      return false;
    }
    is_at_start_ = false;
  }
  if (in_headers_ && is_first_piece) header_line(text);
  while (text.size() >= rules_.line_limit && (is_terminated || text.size() > rules_.line_limit)) {
    queuefile::append_record(out_, RecordType::continued, text.substr(0, rules_.line_limit));
    text.remove_prefix(rules_.line_limit);
  }
  queuefile::append_record(out_, is_terminated ? RecordType::line : RecordType::continued, text);
  return false;
}

void MessageInput::header_line(std::string_view text) {
  if (!header_.empty() && mail::is_continuation(text)) {
    if (header_.size() + text.size() < rules_.header_limit) header_.append(1, '\n').append(text);
    return;
  }
  finish_header();
  if (mail::is_header(text)) {
    header_.assign(text);
  } else {
    in_headers_ = false;
  }
}

void MessageInput::finish_header() {
  if (header_.empty()) return;
  const std::string header = std::exchange(header_, {});
  const auto& spec = mail::header_spec(std::string_view(header).substr(0, mail::header_name_length(header)));
  if (spec.is_resent) has_resent_ = true;
  if (!rules_.extract_recipients || !spec.may_extract) return;
  const auto list = mail::AddressList::parse(mail::header_value(header));
  auto& where = spec.is_resent ? resent_ : plain_;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].empty()) where.emplace_back(list[i]);
  }
}

}  // namespace posthouse::sendmail
