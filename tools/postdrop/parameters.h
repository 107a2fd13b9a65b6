// Parameters of local submission.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::postdrop {

struct Parameters : config::ParamSet {
  config::Str authorized_submit_users{
      *this,
      {.name = "authorized_submit_users",
       .fallback = "static:anyone",
       .doc = R"(Users who may submit mail with the sendmail command: names, /files and tables.)"}};
};

}  // namespace posthouse::postdrop
