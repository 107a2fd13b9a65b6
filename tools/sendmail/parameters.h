// Parameters of the sendmail command.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::sendmail {

struct Parameters : config::ParamSet {
  config::List alias_database{*this,
                              {.name = "alias_database",
                               .fallback = "hash:/etc/aliases",
                               .doc = R"(The tables that newaliases and "sendmail -bi" build.)"}};
  config::Str default_verp_delimiters{
      *this,
      {.name = "default_verp_delimiters",
       .fallback = "+=",
       .doc =
           R"(The two characters around the recipient in the sender address of mail that asks for one sender
address per recipient (VERP, "sendmail -XV") without saying which.)"}};
};

}  // namespace posthouse::sendmail
