// Turns the content of a message, as it arrives in chunks, into the content records of its queue
// file: headers completed and rewritten, body lines as they are.
//
// The body costs one search for line ends and one copy into the writer's buffer; nothing is allocated
// per line. Headers are bounded by header_size_limit, what is longer is cut. May wait (header addresses).
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cleanup/address_mapper.h"
#include "cleanup/settings.h"
#include "lib/base/clock.h"
#include "lib/mail/address_list.h"
#include "lib/mail/header.h"
#include "lib/queuefile/writer.h"

namespace posthouse::cleanup {

// What the content needs to know of the message it belongs to.
struct ContentOrigin {
  std::string queue_id;
  Time arrival;
  std::string sender;  // internal form, after rewriting
  std::string full_name;
  std::string rewrite_context;  // "local" or "remote"
  bool may_map = true;          // canonical maps and masquerading apply
};

class Content {
 public:
  Content(const Settings& settings, AddressMapper& mapper, queuefile::Writer& writer,
          const ContentOrigin& origin);

  Result<void> append(std::string_view chunk);
  Result<void> end();  // once, after the last chunk

  unsigned hop_count() const { return hop_count_; }
  // "8bit" when a header of the message says 8bit or binary, else empty.
  const std::string& encoding() const { return encoding_; }
  bool has_8bit_header() const { return has_8bit_header_; }
  // "message-id=<...>" lines to log, in order.
  std::vector<std::string> take_log_lines() { return std::exchange(log_lines_, {}); }

 private:
  Result<void> line(std::string_view text);
  Result<void> header_line(std::string_view text);
  Result<void> begin_body(std::string_view first_line);
  bool is_after_own_header() const;
  Result<void> finish_header();
  Result<void> end_of_headers();
  void known_header(const mail::HeaderSpec& spec);
  Result<std::vector<std::string>> completed(const mail::AddressList& list);
  Result<void> rewrite_header(const mail::HeaderSpec& spec);
  void write_header(std::string_view text);
  void add_missing_headers();
  void add_from_header(std::string_view prefix);
  std::string_view header_context() const;
  bool has_seen(mail::HeaderType type) const { return seen_[static_cast<std::size_t>(type)]; }
  std::string_view without_stray_cr(std::string_view chunk);

  const Settings& settings_;
  AddressMapper& mapper_;
  queuefile::Writer& writer_;
  const ContentOrigin& origin_;

  bool in_headers_ = true;
  std::string header_;   // logical header being collected, lines joined by newlines
  std::string partial_;  // line that goes on in the next chunk
  bool is_cutting_ = false;
  std::string scratch_;
  std::bitset<64> seen_;
  bool is_resent_ = false;
  bool has_logged_id_ = false;
  unsigned hop_count_ = 0;
  std::string encoding_;
  bool has_8bit_header_ = false;
  std::vector<std::string> log_lines_;
};

}  // namespace posthouse::cleanup
