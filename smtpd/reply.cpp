#include "smtpd/reply.h"

#include <fmt/format.h>

#include "lib/base/text.h"
#include "lib/mail/dsn.h"

namespace posthouse::smtpd {

Reply reply_of(int code, std::string_view dsn, std::string_view text, unsigned trouble) {
  const char first = static_cast<char>('0' + code / 100 % 10);
  const std::string status = mail::is_valid_dsn(dsn) ? mail::dsn_with_class(dsn, first) : std::string(dsn);
  return {fmt::format("{} {} {}", code, status, text), trouble};
}

Reply reply_to(const Failure& failure) {
  return reply_of(failure.is_permanent() ? 550 : 451, failure.dsn, failure.text);
}

Reply softened(Reply reply) {
  if (reply.first() != '5') return reply;
  std::size_t start = 0;
  while (start < reply.text.size()) {
    reply.text[start] = '4';
    if (reply.text.size() > start + 5 && reply.text[start + 4] == '5' && reply.text[start + 5] == '.') {
      reply.text[start + 4] = '4';
    }
    const std::size_t end = reply.text.find("\r\n", start);
    if (end == std::string::npos) break;
    start = end + 2;
  }
  return reply;
}

}  // namespace posthouse::smtpd
