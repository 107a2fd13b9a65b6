#include "tools/postqueue/report.h"

#include <fmt/format.h>

#include <ctime>

#include "lib/base/text.h"

namespace posthouse::postqueue {

namespace {

constexpr std::string_view kShortHeader =
    "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n";
constexpr std::string_view kLongHeader =
    "----Queue ID-----  --Size-- ---Arrival Time---- --Sender/Recipient------\n";
constexpr std::size_t kReasonWidth = 78;  // with the brackets

// "Sun Nov 22 06:38:53"
std::string arrival_text(std::int64_t seconds) {
  const auto clock = static_cast<std::time_t>(seconds);
  std::tm parts{};
  localtime_r(&clock, &parts);
  char buffer[64];
  const std::size_t size = std::strftime(buffer, sizeof buffer, "%a %b %e %H:%M:%S", &parts);
  return std::string(buffer, size);
}

std::string_view status_mark(const ipc::ShowqEntry& entry) {
  if (entry.queue_name == "active") return "*";
  if (entry.queue_name == "hold") return "!";
  return "";
}

}  // namespace

void TextReport::add(const ipc::ShowqEntry& entry, std::string& out) {
  if (!is_continuing_) add_message(entry, out);
  for (const ipc::ShowqRecipient& recipient : entry.recipients) add_recipient(recipient, out);
  is_continuing_ = entry.is_continued;
}

void TextReport::add_message(const ipc::ShowqEntry& entry, std::string& out) {
  if (count_ == 0) {
    out += long_ids_ ? kLongHeader : kShortHeader;
  } else {
    out += '\n';
  }
  ++count_;
  bytes_ += static_cast<std::uint64_t>(entry.size);
  last_reason_.clear();
  const std::string id =
      fmt::format("{}{}{}", entry.queue_id, status_mark(entry), entry.is_force_expired ? "#" : "");
  const std::string arrival = arrival_text(entry.arrival_time);
  if (long_ids_) {
    fmt::format_to(std::back_inserter(out), "{:<17} {:>8} {:>19.19} {}\n", id, entry.size, arrival,
                   entry.sender);
  } else {
    fmt::format_to(std::back_inserter(out), "{:<11} {:>7} {:<20.20} {}\n", id, entry.size, arrival,
                   entry.sender);
  }
}

void TextReport::add_recipient(const ipc::ShowqRecipient& recipient, std::string& out) {
  if (recipient.reason != last_reason_) {
    const std::string_view reason = recipient.reason.empty() ? std::string_view("reason unavailable")
                                                             : std::string_view(recipient.reason);
    fmt::format_to(std::back_inserter(out), "{:>{}}\n", fmt::format("({})", reason), kReasonWidth);
    last_reason_ = recipient.reason;
  }
  fmt::format_to(std::back_inserter(out), "{:{}}{}\n", "", long_ids_ ? 47 : 41, recipient.address);
}

void TextReport::end(std::string& out) {
  if (count_ == 0) {
    out += "Mail queue is empty\n";
    return;
  }
  fmt::format_to(std::back_inserter(out), "\n-- {} Kbytes in {} Request{}.\n", bytes_ / 1024, count_,
                 count_ == 1 ? "" : "s");
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const std::string clean = is_valid_utf8(text) ? std::string(text) : printable(text);
  out += '"';
  for (const char c : clean) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (byte >= 0x20 && byte != 0x7F) {
          out += c;
        } else {
          out += "\\u00";
          out += kHex[byte >> 4];
          out += kHex[byte & 15];
        }
    }
  }
  out += '"';
}

void JsonReport::add(const ipc::ShowqEntry& entry, std::string& out) {
  if (!is_continuing_) {
    out += "{\"queue_name\": ";
    append_json_string(out, entry.queue_name);
    out += ", \"queue_id\": ";
    append_json_string(out, entry.queue_id);
    fmt::format_to(std::back_inserter(out),
                   ", \"arrival_time\": {}, \"message_size\": {}, \"forced_expire\": {}, \"sender\": ",
                   entry.arrival_time, entry.size, entry.is_force_expired);
    append_json_string(out, entry.sender);
    out += ", \"recipients\": [";
    has_recipient_ = false;
  }
  for (const ipc::ShowqRecipient& recipient : entry.recipients) {
    out += has_recipient_ ? ", {\"address\": " : "{\"address\": ";
    has_recipient_ = true;
    append_json_string(out, recipient.address);
    if (!recipient.reason.empty()) {
      out += ", \"delay_reason\": ";
      append_json_string(out, recipient.reason);
    }
    out += '}';
  }
  is_continuing_ = entry.is_continued;
  if (!is_continuing_) out += "]}\n";
}

}  // namespace posthouse::postqueue
