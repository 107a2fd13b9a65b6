// Reads SMTP and LMTP replies (RFC 5321 section 4.2) from bytes as they arrive.
//
// Used by lib/delivery and tests. A reply with an invalid or changing code, without a code, or longer
// than the limits is a Failure with verdict defer: never a guess. After a Failure the stream is out of
// step, so nothing more is read from it. The enhanced status code is that of the last line alone.
// Does no I/O (a LineFilter may wait), keeps no reference to its input.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/failure.h"

namespace posthouse::protocol {

struct Reply {
  int code = 0;      // 200..599
  std::string dsn;   // enhanced status code whose class agrees with the code, or empty
  std::string text;  // all lines as received, joined by '\n'

  bool is_positive() const { return code / 100 == 2; }
  bool is_permanent() const { return code / 100 == 5; }
  // The enhanced status code, or class.0.0; a reply that is neither 2xx nor 5xx is a 4.0.0.
  std::string status() const;
};

// How the text of a Failure begins; the line that was not understood follows, printable and cut.
inline constexpr std::string_view kMalformedReply = "malformed reply: ";

class ReplyReader {
 public:
  struct Limits {
    std::size_t line = 2048;        // longer lines are cut, their rest is read and dropped
    std::size_t text = 16384;       // longer replies are cut
    std::size_t reply = 256 << 10;  // a reply of more bytes than this is a Failure
  };
  // What stands in place of a line; its Failure is that of the reply.
  using LineFilter = std::function<Result<std::string>(std::string_view line)>;

  ReplyReader() : ReplyReader(Limits{}) {}
  explicit ReplyReader(Limits limits, LineFilter filter = nullptr)
      : limits_(limits), filter_(std::move(filter)) {}

  void feed(std::string_view bytes);
  // The next complete reply; nothing when more input is needed.
  std::optional<Result<Reply>> next();
  // Input that no reply has been made of yet.
  bool has_input() const { return begin_ < input_.size() || lines_ > 0 || skipping_; }
  void clear();

 private:
  std::optional<std::string_view> take_line();
  std::optional<Failure> add_line(std::string_view line, bool& complete);
  std::optional<Failure> add_filtered(std::string_view line, bool& complete);
  Failure broken(std::string_view line);

  Limits limits_;
  LineFilter filter_;
  std::string input_;
  std::size_t begin_ = 0;
  Reply reply_;
  std::size_t lines_ = 0;
  std::size_t bytes_ = 0;
  bool skipping_ = false;  // inside the rest of a line that was too long
  bool broken_ = false;
};

// The enhanced status code (RFC 3463) that `text` begins with, when its class is `code_class` (2, 4, 5).
std::string_view leading_dsn(std::string_view text, int code_class);

}  // namespace posthouse::protocol
