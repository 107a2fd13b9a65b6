// The first record of a queue file: six decimal numbers in fixed columns, so that it can be
// rewritten in place. All zero while the file is being written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posthouse::queuefile {

struct SizeRecord {
  std::int64_t content_length = 0;  // distance from data_offset to the X record
  std::int64_t data_offset = 0;     // first record after M
  std::int64_t recipient_count = 0;
  std::int64_t queue_flags = 0;   // kMixedRecipients, notify bits << 1
  std::int64_t message_size = 0;  // what is logged as size=
  std::int64_t send_options = 0;  // kSmtpUtf8Requested ...

  static constexpr std::size_t kPayloadLength = 95;
  static constexpr std::size_t kRecordLength = 97;

  std::string payload() const;  // exactly kPayloadLength bytes
  // Accepts one, three or more numbers; message_size 0 becomes content_length. Nothing when
  // malformed, negative, or the flags are unknown. An unfinished (all zero) record is parsed;
  // is_complete() tells.
  static std::optional<SizeRecord> parse(std::string_view payload);
  bool is_complete() const { return content_length > 0 && data_offset > 0; }
  std::int64_t extracted_offset() const { return data_offset + content_length; }
};

// SizeRecord::queue_flags
inline constexpr unsigned kMixedRecipients = 0x01;
inline constexpr unsigned kQueueFlagsMask = 0x1f;  // bits 1-4: notify value << 1

// notify_flags (RFC 3461)
inline constexpr unsigned kNotifyNever = 1;
inline constexpr unsigned kNotifySuccess = 2;
inline constexpr unsigned kNotifyFailure = 4;
inline constexpr unsigned kNotifyDelay = 8;

// ret_flags
inline constexpr unsigned kReturnFull = 1;
inline constexpr unsigned kReturnHeaders = 2;

// trace_flags
inline constexpr unsigned kTraceSystemProbe = 256;
inline constexpr unsigned kTraceUserProbe = 512;
inline constexpr unsigned kTraceRecord = 1024;
inline constexpr unsigned kTraceDelay = 8192;

// SizeRecord::send_options
inline constexpr unsigned kSmtpUtf8Requested = 1;
inline constexpr unsigned kSmtpUtf8Header = 2;
inline constexpr unsigned kSmtpUtf8Sender = 4;
inline constexpr unsigned kSmtpUtf8Recipient = 8;

}  // namespace posthouse::queuefile
