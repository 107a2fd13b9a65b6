// What a notice returns of the message it is about: its envelope facts and its text, read from the queue
// file.
#pragma once

#include <string>

#include "lib/base/clock.h"
#include "lib/base/failure.h"
#include "lib/queuefile/file_system.h"

namespace posthouse::bounce {

struct Original {
  Time arrival;
  unsigned trace_flags = 0;
  std::string text;  // lines ended by LF: headers, empty line, body; headers alone when is_complete is false
  bool is_complete = false;
  std::string message_id;  // "<id@host>" as written; empty if none
};

// Blocks. At most `size_limit` bytes of a message are returned; of a larger one only its headers (at most as
// many bytes). Failure when the file cannot be read or is corrupt.
Result<Original> read_original_blocking(queuefile::FileSystem& files, const std::string& path,
                                        std::size_t size_limit);

// The headers of a message text, with the last line's LF; without the empty line.
std::string_view headers_of(std::string_view text);
// The value of the first header of that name, unfolded; empty if there is none.
std::string header_value(std::string_view headers, std::string_view name);

}  // namespace posthouse::bounce
