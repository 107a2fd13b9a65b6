// Which trouble the postmaster hears of, and at which address.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::peers {

struct NoticeParameters : config::ParamSet {
  config::List notify_classes{*this,
                              {.name = "notify_classes",
                               .fallback = "resource, software",
                               .doc = R"(Which kinds of trouble the postmaster hears of.
About mail: bounce (copies of non-delivery notices, without the content; also what 2bounce says), 2bounce
(notices that cannot be sent to anybody), delay (copies of delay warnings).
With a transcript of the SMTP session in which it happened: bounce (the SMTP server refused an unknown recipient or
sender, or a message that is too big or loops), policy (refused by an access rule, too many recipients, a declared
size above the limit), protocol (a client's command was wrong; a server answered the SMTP or LMTP client with a code
that means that the client's command was wrong, or with one that SMTP does not know), resource (no room in the queue, or
the queue file could not be written), software (a mistake in the configuration or in the mail system), data (a
lookup table could not be read).)"}};
  config::Str error_notice_recipient{*this,
                                     {.name = "error_notice_recipient",
                                      .fallback = "postmaster",
                                      .doc = R"(Who gets the transcripts of SMTP sessions with trouble of
the classes policy, protocol, resource, software and data.)",
                                      .at_least = 1}};
  config::Str bounce_notice_recipient{
      *this,
      {.name = "bounce_notice_recipient",
       .fallback = "postmaster",
       .doc = R"(Who gets the postmaster copies of non-delivery notices, and the
transcripts of SMTP sessions with trouble of the class bounce.)",
       .at_least = 1}};
  config::Str double_bounce_notice_recipient{*this,
                                             {.name = "2bounce_notice_recipient",
                                              .fallback = "postmaster",
                                              .doc = R"(Who gets undeliverable mail that cannot be returned
to its sender.)",
                                              .at_least = 1}};
  config::Str delay_notice_recipient{*this,
                                     {.name = "delay_notice_recipient",
                                      .fallback = "postmaster",
                                      .doc = R"(Who gets the postmaster copies of delay warnings.)",
                                      .at_least = 1}};
  config::List internal_mail_filter_classes{
      *this,
      {.name = "internal_mail_filter_classes",
       .doc = R"(Mail of the mail system itself that passes header and body
checks and Milters: bounce (notices to senders) and notify (to the postmaster).)"}};
};

}  // namespace posthouse::peers
