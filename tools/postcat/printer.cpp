#include "tools/postcat/printer.h"

#include <fmt/format.h>

#include <ctime>

#include "lib/base/text.h"
#include "lib/mail/header.h"
#include "lib/queuefile/size_record.h"

namespace posthouse::postcat {

namespace {

using queuefile::Record;
using queuefile::RecordType;

std::string_view label(char type) {
  switch (type) {
    case 'C':
      return "message_size";
    case 'T':
      return "message_arrival_time";
    case 'c':
      return "queue_file_create_time";
    case 'F':
      return "sender_fullname";
    case 'I':
      return "content_inspector";
    case 'L':
      return "content_filter";
    case 'S':
      return "sender";
    case 'D':
      return "done_recipient";
    case '/':
      return "canceled_recipient";
    case 'R':
      return "recipient";
    case 'O':
      return "original_recipient";
    case 'W':
      return "warning_message_time";
    case 'V':
      return "verp_delimiters";
    case 'A':
      return "named_attribute";
    case 'K':
      return "killed_record";
    case '>':
      return "redirect_to";
    case 'w':
      return "padding";
    case 'p':
      return "pointer_record";
    case 'r':
      return "return_receipt";
    case 'e':
      return "errors_to";
    case 'P':
      return "priority";
    case '<':
      return "dsn_return_flags";
    case 'i':
      return "dsn_envelope_id";
    case 'o':
      return "dsn_original_recipient";
    case 'n':
      return "dsn_notify_flags";
    default:
      return "unknown_record_type";
  }
}

std::string clock_text(std::string_view number) {
  const auto pieces = split_any(number, " ");
  const auto seconds = pieces.empty() ? std::nullopt : parse_int<std::int64_t>(pieces[0]);
  if (!seconds) return std::string(number);
  const auto time = static_cast<std::time_t>(*seconds);
  std::tm parts{};
  if (!::localtime_r(&time, &parts)) return std::string(number);
  char text[64];
  return std::string(text, std::strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &parts));
}

}  // namespace

Printer::Printer(queuefile::File& file, std::string name, const Parts& parts,
                 std::function<void(std::string_view)> print)
    : reader_(file, 64 * 1024), name_(std::move(name)), parts_(parts), print_(std::move(print)) {
  reader_.seek(parts.start_offset);
}

void Printer::out(std::string_view text) {
  print_(text);
}

void Printer::begin_line(const Record& record) {
  if (parts_.offsets) out(fmt::format("{:>9} ", position_));
  if (parts_.decimal_types)
    out(fmt::format("{:>3} ", static_cast<int>(static_cast<unsigned char>(record.type))));
}

void Printer::print_marker(std::string_view text) {
  out(fmt::format("*** {} {} ***\n", text, name_));
}

Result<void> Printer::run() {
  const bool starts_in_middle = parts_.start_offset != 0;
  for (bool is_first = true;; is_first = false) {
    // What is skipped (padding, pointers) counts as the start of the record behind it.
    if (is_first || last_type_ != RecordType::padding) position_ = reader_.position();
    auto record = reader_.next(!parts_.raw);
    if (!record) return fail(std::move(record.error()));
    if (!*record) return {};
    if (is_first && !starts_in_middle) {
      const RecordType type = (*record)->type;
      if (type != RecordType::size && type != RecordType::time)
        return fail(Failure::bounced("5.3.0", "input is not a valid queue file"));
      if (parts_.envelope) print_marker("ENVELOPE RECORDS");
    }
    auto more = print(**record);
    if (!more) return fail(std::move(more.error()));
    if (!*more) return {};
    last_type_ = (*record)->type;
  }
}

Result<bool> Printer::print(const Record& record) {
  const bool is_open_line =
      last_type_ == RecordType::continued && !parts_.offsets && parts_.body && segment_ == Segment::body;
  switch (record.type) {
    case RecordType::end:
      if (parts_.envelope) {
        begin_line(record);
        print_marker("MESSAGE FILE END");
      }
      return false;
    case RecordType::message:
      segment_ = Segment::header;
      if (parts_.envelope) {
        begin_line(record);
        print_marker("MESSAGE CONTENTS");
      }
      return true;
    case RecordType::extracted:
      if (is_open_line && parts_.envelope) out("\n");
      segment_ = Segment::extracted;
      if (parts_.envelope) {
        begin_line(record);
        print_marker("HEADER EXTRACTED");
      }
      return true;
    case RecordType::padding:
      if (!parts_.raw) return true;
      break;
    default:
      break;
  }
  if (segment_ == Segment::header || segment_ == Segment::body) {
    print_content(record);
  } else if (parts_.envelope) {
    print_envelope(record);
  }
  return true;
}

void Printer::print_content(const Record& record) {
  if (record.type != RecordType::line && record.type != RecordType::continued) {
    if (parts_.header || parts_.body) print_envelope(record);
    return;
  }
  const bool starts_line = last_type_ != RecordType::continued;
  if (segment_ == Segment::header && starts_line && !mail::is_header(record.data) &&
      !mail::is_continuation(record.data))
    segment_ = Segment::body;
  if (!(segment_ == Segment::header ? parts_.header : parts_.body)) return;
  begin_line(record);
  out(record.data);
  if (record.type == RecordType::line || parts_.offsets) out("\n");
}

void Printer::print_envelope(const Record& record) {
  begin_line(record);
  std::string_view name = label(static_cast<char>(record.type));
  std::string value(record.data);
  if (record.type == RecordType::time || record.type == RecordType::warn) value = clock_text(record.data);
  if (record.type == RecordType::attribute) {
    const auto text = queuefile::parse_attribute(record.data);
    if (text && text->name == "create_time") {
      name = "create_time";
      value = clock_text(text->value);
    }
  }
  out(fmt::format("{}: {}\n", name, value));
}

}  // namespace posthouse::postcat
