// Parameters of pickup.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::pickup {

struct Parameters : config::ParamSet {
  config::List smtputf8_autodetect_classes{
      *this,
      {.name = "smtputf8_autodetect_classes",
       .fallback = "sendmail, verify",
       .doc =
           R"(Sources of mail (sendmail, verify, bounce, all) whose messages count as internationalized when their
headers or addresses contain UTF-8.)"}};
};

}  // namespace posthouse::pickup
