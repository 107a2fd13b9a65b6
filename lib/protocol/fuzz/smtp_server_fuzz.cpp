// Feeds arbitrary bytes, split at a place the first byte chooses, to the readers of the SMTP server.
#include "lib/protocol/policy.h"
#include "lib/protocol/smtp_command.h"
#include "lib/protocol/smtp_data.h"
#include "lib/protocol/smtp_line.h"

namespace {

using namespace posthouse::protocol;

std::string content_of(std::string_view input, EndOfData rule, std::size_t step) {
  SmtpDataReader reader(rule);
  std::string text, pending;
  for (std::size_t at = 0; at < input.size() && !reader.is_finished(); at += step) {
    pending += input.substr(at, step);
    pending.erase(0, reader.feed(pending, text));
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t step = bytes[0] % 16 + 1u;
  const std::string_view input(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  const std::string message = std::string(input) + "\r\n.\r\n";
  for (const EndOfData rule : {EndOfData::strict, EndOfData::lenient}) {
    // What is content must not depend on how the network cut it.
    if (content_of(message, rule, step) != content_of(message, rule, message.size())) __builtin_trap();
  }
  SmtpLineReader lines(64);
  std::string_view left = input;
  SmtpCommand command;
  while (!left.empty()) {
    std::size_t used = 0;
    if (auto line = lines.next(left, used)) {
      command.parse(line->text);
      std::string_view path;
      std::size_t first = 0;
      command.take_path("FROM:", path, first);
    }
    if (used == 0) break;
    left.remove_prefix(used);
  }
  std::size_t used = 0;
  (void)parse_policy_reply(input, used);
  return 0;
}
