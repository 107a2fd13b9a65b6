// Parameters of postqueue.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::postqueue {

struct Parameters : config::ParamSet {
  config::Raw authorized_mailq_users{
      *this,
      {.name = "authorized_mailq_users",
       .fallback = "static:anyone",
       .doc = R"(The users who may look at the mail queue. Root and the mail owner
always may.)"}};
  config::Raw authorized_flush_users{
      *this,
      {.name = "authorized_flush_users",
       .fallback = "static:anyone",
       .doc = R"(The users who may flush the mail queue. Root and the mail owner
always may.)"}};
};

}  // namespace posthouse::postqueue
