// Parameters of the sendmail command.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::sendmail {

struct Parameters : config::ParamSet {
  config::List alias_database{*this,
                              {.name = "alias_database",
                               .fallback = "hash:/etc/aliases",
                               .doc = R"(The tables that newaliases and "sendmail -bi" build.)"}};
};

}  // namespace posthouse::sendmail
