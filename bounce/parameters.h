// Parameters of the bounce, defer and trace services.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::bounce {

struct Parameters : config::ParamSet {
  config::Bytes bounce_size_limit{
      *this,
      {.name = "bounce_size_limit",
       .fallback = "50000",
       .doc = R"(Of a larger message only the headers are returned in a non-delivery
notice.)",
       .at_least = 1}};
  config::Path bounce_template_file{
      *this,
      {.name = "bounce_template_file",
       .doc = R"(A file with texts for notices, in place of the built-in ones. It is
read when the service starts; templates with errors are not used.)"}};
  config::Bool backwards_bounce_logfile_compatibility{
      *this,
      {.name = "backwards_bounce_logfile_compatibility",
       .fallback = "yes",
       .doc = R"(Entries in bounce, defer and trace logs also have
the one-line form of old versions.)"}};
  config::Bool disable_verp_bounces{
      *this,
      {.name = "disable_verp_bounces",
       .fallback = "no",
       .doc = R"(One non-delivery notice for all recipients, even when the sender
asked for one per recipient with VERP.)"}};
  config::Bool enable_threaded_bounces{*this,
                                       {.name = "enable_threaded_bounces",
                                        .fallback = "no",
                                        .doc = R"(Notices refer to the original message with References: and
In-Reply-To:, so that mail readers show them together.)"}};
};

}  // namespace posthouse::bounce
