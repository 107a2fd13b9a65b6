#include "cleanup/content.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "lib/base/text.h"
#include "lib/mail/address_list.h"
#include "lib/mail/date.h"
#include "lib/mail/quote.h"

namespace posthouse::cleanup {

namespace {

using mail::HeaderType;
using queuefile::RecordType;

constexpr std::string_view kMailboxLine = "X-Mailbox-Line: ";

std::string compact_utc(Time time) {
  const std::time_t seconds = static_cast<std::time_t>(unix_seconds(time));
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[16];
  const std::size_t size = std::strftime(text, sizeof text, "%Y%m%d%H%M%S", &parts);
  return std::string(text, size);
}

// A display name as an RFC 5322 phrase.
std::string as_phrase(std::string_view name) {
  constexpr std::string_view kSpecials = "()<>@,;:\\\".[]";
  if (name.find_first_of(kSpecials) == std::string_view::npos) return std::string(name);
  std::string quoted = "\"";
  for (char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

Content::Content(const Settings& settings, AddressMapper& mapper, queuefile::Writer& writer,
                 const ContentOrigin& origin)
    : settings_(settings), mapper_(mapper), writer_(writer), origin_(origin) {}

std::string_view Content::without_stray_cr(std::string_view chunk) {
  if (!settings_.replace_stray_cr_lf || std::memchr(chunk.data(), '\r', chunk.size()) == nullptr)
    return chunk;
  scratch_.assign(chunk);
  std::ranges::replace(scratch_, '\r', ' ');
  return scratch_;
}

Result<void> Content::append(std::string_view chunk) {
  if (chunk.empty()) return {};
  chunk = without_stray_cr(chunk);
  const std::size_t limit = settings_.line_length_limit;
  while (!chunk.empty()) {
    const auto* end = static_cast<const char*>(std::memchr(chunk.data(), '\n', chunk.size()));
    const std::string_view piece =
        chunk.substr(0, end ? static_cast<std::size_t>(end - chunk.data()) : chunk.size());
    chunk.remove_prefix(end ? piece.size() + 1 : piece.size());
    if (end && partial_.empty() && !is_cutting_) {
      if (!in_headers_) {
        writer_.line(piece, limit);
      } else if (auto done = line(piece); !done) {
        return done;
      }
      continue;
    }
    if (in_headers_) {  // a header is collected whole, but not without limit
      const std::size_t room =
          settings_.header_size_limit - std::min(settings_.header_size_limit, partial_.size());
      partial_.append(piece.substr(0, room));
    } else {
      partial_.append(piece);
      while (partial_.size() >= limit) {
        writer_.record(RecordType::continued, std::string_view(partial_).substr(0, limit));
        partial_.erase(0, limit);
        is_cutting_ = true;
      }
    }
    if (!end) break;
    is_cutting_ = false;
    const std::string whole = std::exchange(partial_, {});
    if (auto done = line(whole); !done) return done;
  }
  return {};
}

Result<void> Content::line(std::string_view text) {
  if (in_headers_) return header_line(text);
  writer_.line(text, settings_.line_length_limit);
  return {};
}

// The header that is being collected is the Received: of the client of cleanup, and the line may be
// the first one of the message as it was sent.
bool Content::is_after_own_header() const {
  return (hop_count_ == 0 && starts_with_ignoring_case(header_, "received:")) ||
         (hop_count_ == 1 && header_.starts_with(kMailboxLine));
}

Result<void> Content::header_line(std::string_view text) {
  if (is_after_own_header()) {
    if (text.starts_with("From ") || text.starts_with(">From ")) {  // debris of a mailbox file
      if (auto done = finish_header(); !done) return done;
      header_.assign(kMailboxLine).append(text);
      return {};
    }
    // The Received: header is continued with tabs: this is text without headers.
    if (text.starts_with(' ')) return begin_body(text);
  }
  if (!header_.empty() && mail::is_continuation(text)) {
    const std::size_t room =
        settings_.header_size_limit - std::min(settings_.header_size_limit, header_.size());
    if (room > text.size()) header_.append(1, '\n').append(text);
    return {};
  }
  if (auto done = finish_header(); !done) return done;
  if (mail::is_header(text)) {
    header_.assign(text.substr(0, settings_.header_size_limit));
    return {};
  }
  return begin_body(text);
}

Result<void> Content::begin_body(std::string_view first_line) {
  if (auto done = finish_header(); !done) return done;
  if (auto done = end_of_headers(); !done) return done;
  writer_.record(RecordType::line, {});
  if (!first_line.empty()) writer_.line(first_line, settings_.line_length_limit);
  return {};
}

Result<void> Content::finish_header() {
  if (header_.empty()) return {};
  const std::string_view name = std::string_view(header_).substr(0, mail::header_name_length(header_));
  const mail::HeaderSpec& spec = mail::header_spec(name);
  if (!is_ascii(header_)) has_8bit_header_ = true;
  Result<void> done;
  if (spec.type != HeaderType::other) known_header(spec);
  const auto is_dropped = [&](const std::string& dropped) { return equal_ignoring_case(dropped, name); };
  if (std::ranges::any_of(settings_.drop_headers, is_dropped)) {
    header_.clear();
    return {};
  }
  if ((spec.is_sender || spec.is_recipient) && !header_context().empty()) done = rewrite_header(spec);
  write_header(header_);
  header_.clear();
  return done;
}

void Content::known_header(const mail::HeaderSpec& spec) {
  seen_.set(static_cast<std::size_t>(spec.type));
  if (spec.is_resent) is_resent_ = true;
  switch (spec.type) {
    case HeaderType::received:
      ++hop_count_;
      break;
    case HeaderType::message_id:
    case HeaderType::resent_message_id: {
      const bool is_resent = spec.type == HeaderType::resent_message_id;
      if (!is_resent) has_logged_id_ = true;
      log_lines_.push_back(fmt::format("{}message-id={}", is_resent ? "resent-" : "",
                                       trim(mail::unfolded(mail::header_value(header_)))));
      break;
    }
    case HeaderType::content_transfer_encoding: {
      const std::string value = lower(trim(mail::header_value(header_)));
      if (value.starts_with("8bit") || value.starts_with("binary")) encoding_ = "8bit";
      break;
    }
    default:
      break;
  }
}

// The context in which header addresses are rewritten; empty: they are left alone.
std::string_view Content::header_context() const {
  if (origin_.rewrite_context != "remote") return "local";
  return settings_.has_remote_header_rewrite_domain ? std::string_view("remote") : std::string_view();
}

// The addresses in internal form, with the domains they lack.
Result<std::vector<std::string>> Content::completed(const mail::AddressList& list) {
  constexpr std::string_view kName = "name";  // stands for a quoted name, which only lacks a domain
  std::vector<std::string> addresses;
  for (std::size_t i = 0; i < list.size(); ++i)
    addresses.push_back(list.is_quoted_name(i) ? std::string(kName) : mail::to_internal(list[i]));
  if (auto done = mapper_.complete(header_context(), addresses); !done) return fail(std::move(done.error()));
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list.is_quoted_name(i)) addresses[i].replace(0, kName.size(), mail::to_internal(list[i]));
  }
  return addresses;
}

Result<void> Content::rewrite_header(const mail::HeaderSpec& spec) {
  auto list = mail::AddressList::parse(mail::header_value(header_), settings_.header_address_token_limit);
  if (list.empty()) return {};
  auto addresses = completed(list);
  if (!addresses) return fail(std::move(addresses.error()));
  bool has_changed = false;
  for (std::size_t i = 0; i < list.size(); ++i) {
    std::string& address = (*addresses)[i];
    if (address.empty()) continue;
    if (origin_.may_map) {
      const auto where = spec.is_sender ? AddressClass::header_sender : AddressClass::header_recipient;
      auto mapped = mapper_.canonical(std::move(address), where);
      if (!mapped) return fail(std::move(mapped.error()));
      address = std::move(*mapped);
    }
    const std::string text = mail::to_external(address);
    if (text == list[i]) continue;
    list.replace(i, text);
    has_changed = true;
  }
  if (has_changed) header_ = list.header(spec.name);
  return {};
}

void Content::write_header(std::string_view text) {
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    writer_.line(text.substr(at, end - at), settings_.line_length_limit);
    at = end + 1;
  }
}

Result<void> Content::end_of_headers() {
  in_headers_ = false;
  add_missing_headers();
  if (!has_logged_id_) log_lines_.push_back("message-id=<>");
  return {};
}

void Content::add_missing_headers() {
  if (header_context().empty() && !settings_.always_add_missing_headers) return;
  const std::string_view prefix = is_resent_ ? "Resent-" : "";
  const auto lacks = [&](HeaderType plain, HeaderType resent) {
    return !has_seen(is_resent_ ? resent : plain);
  };
  if (lacks(HeaderType::message_id, HeaderType::resent_message_id)) {
    const std::string id =
        settings_.long_queue_ids
            ? fmt::format("<{}@{}>", origin_.queue_id, settings_.myhostname)
            : fmt::format("<{}.{}@{}>", compact_utc(origin_.arrival), origin_.queue_id, settings_.myhostname);
    write_header(fmt::format("{}Message-Id: {}", prefix, id));
    log_lines_.push_back(fmt::format("{}message-id={}", is_resent_ ? "resent-" : "", id));
    if (!is_resent_) has_logged_id_ = true;
  }
  if (lacks(HeaderType::date, HeaderType::resent_date))
    write_header(fmt::format("{}Date: {}", prefix, mail::date_text(origin_.arrival)));
  if (lacks(HeaderType::from, HeaderType::resent_from)) add_from_header(prefix);
  const bool has_recipients = is_resent_ ? has_seen(HeaderType::resent_to) || has_seen(HeaderType::resent_cc)
                                         : has_seen(HeaderType::to) || has_seen(HeaderType::cc);
  if (!has_recipients && !settings_.undisclosed_recipients_header.empty())
    write_header(settings_.undisclosed_recipients_header);
}

void Content::add_from_header(std::string_view prefix) {
  const std::string address =
      origin_.sender.empty() ? settings_.mail_name_daemon : mail::to_external(origin_.sender);
  if (origin_.full_name.empty()) {
    write_header(fmt::format("{}From: {}", prefix, address));
  } else if (settings_.obsolete_from_format) {
    write_header(fmt::format("{}From: {} ({})", prefix, address, origin_.full_name));
  } else {
    write_header(fmt::format("{}From: {} <{}>", prefix, as_phrase(origin_.full_name), address));
  }
}

Result<void> Content::end() {
  if (!partial_.empty() || is_cutting_) {
    is_cutting_ = false;
    const std::string whole = std::exchange(partial_, {});
    if (auto done = line(whole); !done) return done;
  }
  if (!in_headers_) return {};
  if (auto done = finish_header(); !done) return done;
  return end_of_headers();
}

}  // namespace posthouse::cleanup
