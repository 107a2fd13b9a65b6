// Prints a queue file in readable form, record by record.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "lib/base/failure.h"
#include "lib/queuefile/record_reader.h"

namespace posthouse::postcat {

struct Parts {
  bool envelope = false, header = false, body = false;
  bool decimal_types = false, offsets = false;
  bool raw = false;  // do not follow pointers
  std::int64_t start_offset = 0;
};

class Printer {
 public:
  // `name` stands in the marker lines; `print` receives the text.
  Printer(queuefile::File& file, std::string name, const Parts& parts,
          std::function<void(std::string_view)> print);

  // Failure: unreadable or not a queue file (the text is complete), after what could be printed.
  Result<void> run();

 private:
  Result<bool> print(const queuefile::Record& record);  // false at the end of the message
  void print_content(const queuefile::Record& record);
  void print_envelope(const queuefile::Record& record);
  void print_marker(std::string_view text);
  void out(std::string_view text);
  void begin_line(const queuefile::Record& record);

  queuefile::RecordReader reader_;
  std::string name_;
  Parts parts_;
  std::function<void(std::string_view)> print_;
  enum class Segment : unsigned char { envelope, header, body, extracted };
  Segment segment_ = Segment::envelope;
  queuefile::RecordType last_type_ = queuefile::RecordType::end;
  std::int64_t position_ = 0;  // where the reader stood before this record
};

}  // namespace posthouse::postcat
