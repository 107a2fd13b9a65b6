// Users who may use the commands for mail: login names, /files and tables.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::callers {

struct AuthorizedUsers : config::ParamSet {
  config::Str authorized_submit_users{
      *this,
      {.name = "authorized_submit_users",
       .fallback = "static:anyone",
       .doc = R"(Users who may submit mail with the sendmail command: names, /files and tables.)"}};
  config::Str authorized_mailq_users{
      *this,
      {.name = "authorized_mailq_users",
       .fallback = "static:anyone",
       .doc = R"(The users who may look at the mail queue. Root and the mail owner
always may.)"}};
  config::Str authorized_flush_users{
      *this,
      {.name = "authorized_flush_users",
       .fallback = "static:anyone",
       .doc = R"(The users who may flush the mail queue. Root and the mail owner
always may.)"}};
};

}  // namespace posthouse::callers
