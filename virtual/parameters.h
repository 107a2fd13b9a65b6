// Parameters of the virtual delivery agent.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::virtual_agent {

struct Parameters : config::ParamSet {
  config::Str virtual_delivery_status_filter{
      *this,
      {.name = "virtual_delivery_status_filter",
       .fallback = "$default_delivery_status_filter",
       .doc = R"(Tables that replace the status code or the text of delivery results; see
default_delivery_status_filter.)"}};
  config::Str virtual_mailbox_maps{
      *this,
      {.name = "virtual_mailbox_maps",
       .doc = R"(Tables with all addresses of the virtual mailbox domains; the value is the mailbox below
virtual_mailbox_base, a Maildir when it ends in "/".)"}};
  config::Str virtual_mailbox_base{
      *this,
      {.name = "virtual_mailbox_base",
       .doc =
           R"(The directory that all mailboxes of virtual_mailbox_maps are below. Nothing is delivered outside of it.)"}};
  config::Str virtual_uid_maps{
      *this,
      {.name = "virtual_uid_maps",
       .doc =
           R"(Tables with the numerical user id for each address, with whose rights its mailbox is written. A mail
system that runs without root privilege writes all mailboxes as its own user.)"}};
  config::Str virtual_gid_maps{
      *this, {.name = "virtual_gid_maps", .doc = R"(Tables with the numerical group id for each address.)"}};
  config::Int virtual_minimum_uid{*this,
                                  {.name = "virtual_minimum_uid",
                                   .fallback = "100",
                                   .doc = R"(A user id below this is refused and the mail deferred.)",
                                   .at_least = 1}};
  config::Bytes virtual_mailbox_limit{
      *this,
      {.name = "virtual_mailbox_limit",
       .fallback = "51200000",
       .doc =
           R"(The greatest size of a mailbox file, or of one message in a Maildir, in bytes; 0 is no limit.)"}};
  config::List virtual_mailbox_lock{
      *this,
      {.name = "virtual_mailbox_lock",
       .fallback = "fcntl, dotlock",
       .doc = R"(How a mailbox file is locked: fcntl, flock, dotlock. Maildirs need no lock.)"}};
};

}  // namespace posthouse::virtual_agent
