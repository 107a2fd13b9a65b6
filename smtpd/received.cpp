#include "smtpd/received.h"

#include <fmt/format.h>

#include "lib/base/text.h"
#include "lib/mail/date.h"
#include "lib/mail/quote.h"
#include "smtpd/session.h"

namespace posthouse::smtpd {

std::string received_header(const Session& session, Time now) {
  const Transaction& transaction = *session.transaction;
  const Client& client = session.client;
  std::string text = fmt::format("Received: from {} ({} [{}])\n", session.helo_name.value_or(client.name),
                                 client.name, client.header_address());
  const std::string protocol = transaction.smtputf8 ? "UTF8SMTP" : std::string(session.protocol());
  text += fmt::format("\tby {} ({}) with {} id {}", session.myhostname(),
                      session.settings().identity->mail_name(), protocol, transaction.queue_id());
  if (transaction.recipients.size() == 1) {
    text += fmt::format("\n\tfor <{}>", mail::to_external(transaction.recipients.front()));
  }
  text += "; " + mail::date_text(now) + "\n";
  return text;
}

}  // namespace posthouse::smtpd
