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

struct SenderRights : config::ParamSet {
  config::Str local_login_sender_maps{
      *this,
      {.name = "local_login_sender_maps",
       .fallback = "static:*",
       .doc = R"(Tables that give for a login name ("uid:1000" without one) the sender addresses that this
user may submit mail with, between blanks or commas: addresses, @domain, <> for the null sender, * for all. Extensions
of the sender (user+extension) do not count. Who is not found may send nothing. Tables in files, without a file, and
behind proxy:.)"}};
  config::Str empty_address_local_login_sender_maps_lookup_key{
      *this,
      {.name = "empty_address_local_login_sender_maps_lookup_key",
       .fallback = "<>",
       .doc = R"(What stands for the null sender in the results of local_login_sender_maps.)",
       .at_least = 1}};
};

}  // namespace posthouse::callers
