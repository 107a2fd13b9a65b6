// Parameters of the local delivery agent.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::local {

struct Parameters : config::ParamSet {
  config::Str alias_maps{*this,
                         {.name = "alias_maps",
                          .fallback = "hash:/etc/aliases",
                          .doc = R"(Tables with the aliases of local users.)"}};
  config::Str local_delivery_status_filter{
      *this,
      {.name = "local_delivery_status_filter",
       .fallback = "$default_delivery_status_filter",
       .doc = R"(Tables that replace the status code or the text of delivery results; see
default_delivery_status_filter.)"}};
  config::List allow_mail_to_files{
      *this,
      {.name = "allow_mail_to_files",
       .fallback = "alias, forward",
       .doc = R"(Where mail may be sent to a file: in an alias, a .forward file.)"}};
  config::Raw forward_path{
      *this,
      {.name = "forward_path",
       .fallback = "$home/.forward${recipient_delimiter}${extension}, $home/.forward",
       .doc =
           R"(Files that say where a user's mail goes; the first that exists counts. $home, $shell, $user, $local,
$extension, $recipient_delimiter, $domain and $recipient are those of the recipient; ${name?text} and
${name:text} work as in main.cf.)"}};
  config::Str forward_expansion_filter{
      *this,
      {.name = "forward_expansion_filter",
       .fallback = "1234567890!@%-_=+:,./abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
       .doc = R"(The characters that names in forward_path may stand for; "_" takes the place of others.)"}};
  config::Str home_mailbox{
      *this,
      {.name = "home_mailbox",
       .doc =
           R"(A mailbox file below the user's home directory, or a Maildir when it ends in "/". Empty: the user's file
in mail_spool_directory.)"}};
  config::Str mail_spool_directory{
      *this,
      {.name = "mail_spool_directory",
       .fallback = "/var/mail",
       .doc = R"(The directory with the users' mailbox files; when it ends in "/" these are Maildirs.)",
       .at_least = 1}};
  config::Bytes mailbox_size_limit{
      *this,
      {.name = "mailbox_size_limit",
       .fallback = "51200000",
       .doc =
           R"(The greatest size of a mailbox file, or of one message in a Maildir, in bytes; 0 is no limit.)"}};
  config::List mailbox_delivery_lock{
      *this,
      {.name = "mailbox_delivery_lock",
       .fallback = "fcntl, dotlock",
       .doc = R"(How a mailbox file is locked: fcntl, flock, dotlock. Maildirs need no lock.)"}};
  config::Str mailbox_command{
      *this,
      {.name = "mailbox_command",
       .doc =
           R"(A command that delivers to mailboxes. Commands are not run yet: mail that would need it is deferred.)"}};
  config::Str mailbox_transport{
      *this,
      {.name = "mailbox_transport",
       .doc =
           R"(A transport:nexthop that delivers to the mailboxes of all local users, known or not, instead of this
agent.)"}};
  config::Str mailbox_transport_maps{
      *this,
      {.name = "mailbox_transport_maps",
       .doc =
           R"(Tables with the transport:nexthop that delivers to the mailboxes of single users, known or not,
instead of this agent.)"}};
  config::Str fallback_transport_maps{
      *this,
      {.name = "fallback_transport_maps",
       .doc = R"(Tables with the transport:nexthop for single local names without an account.)"}};
  config::Bool expand_owner_alias{
      *this,
      {.name = "expand_owner_alias",
       .fallback = "no",
       .doc =
           R"(Mail that an alias with an owner-NAME companion sends on has the address that owner-NAME stands for as its
sender, not owner-NAME itself.)"}};
  config::Bool reset_owner_alias{
      *this,
      {.name = "reset_owner_alias",
       .fallback = "no",
       .doc =
           R"(Local users named by an alias without owner-NAME companion have their mail delivered at once also when that
alias was reached through one with an owner.)"}};
  config::Str fallback_transport{
      *this,
      {.name = "fallback_transport", .doc = R"(A transport:nexthop for local names without an account.)"}};
  config::Raw luser_relay{
      *this,
      {.name = "luser_relay",
       .doc = R"(The address that receives mail for local names without an account. $user, $local, $extension,
$recipient_delimiter, $domain and $recipient are those of the recipient.)"}};
};

}  // namespace posthouse::local
