// Parameters that most processes read. What belongs to one daemon is declared in that daemon's
// parameters.h instead.
#pragma once

#include "lib/config/layout.h"
#include "lib/config/param_set.h"
#include "lib/mail/quote.h"

namespace posthouse::config {

// Computed defaults (host name, domain, networks).
std::string default_myhostname(const MainCf& main_cf);
std::string default_mydomain(const MainCf& main_cf);
std::string default_mynetworks(const MainCf& main_cf);

// Where things are.
struct Directories : ParamSet {
  Path config_directory{*this,
                        {.name = "config_directory",
                         .fallback = layout::config_directory(),
                         .doc = R"(The directory with main.cf and master.cf.)"}};
  Path queue_directory{
      *this,
      {.name = "queue_directory",
       .fallback = layout::queue_directory(),
       .doc =
           R"(The mail queue: messages, the sockets of the services, and the root of chrooted services.)"}};
  Path data_directory{
      *this,
      {.name = "data_directory",
       .fallback = layout::data_directory(),
       .doc =
           R"(The directory with files that the mail system writes for itself, such as caches. It belongs to
mail_owner.)"}};
  Path daemon_directory{*this,
                        {.name = "daemon_directory",
                         .fallback = layout::daemon_directory(),
                         .doc = R"(The directory with the programs that master.cf names.)"}};
  Path command_directory{*this,
                         {.name = "command_directory",
                          .fallback = layout::command_directory(),
                          .doc = R"(The directory with the administrative commands, such as postqueue.)"}};
};

// Who the mail system is.
struct Identity : ParamSet {
  Str myhostname{
      *this,
      {.name = "myhostname",
       .doc =
           R"(The Internet name of this mail host, used in greetings, in Received: headers and as a default of many
other parameters. The default is the machine's host name; a name without a dot is completed with mydomain.)",
       .at_least = 1,
       .compute = default_myhostname}};
  Str mydomain{
      *this,
      {.name = "mydomain",
       .doc = R"(The Internet domain of this mail host. The default is myhostname without its first label.)",
       .at_least = 1,
       .compute = default_mydomain}};
  Str myorigin{
      *this,
      {.name = "myorigin",
       .fallback = "$myhostname",
       .doc = R"(The domain that is added to an address without one. A value of the form /file/name is
replaced with the first line of that file.)",
       .at_least = 1}};
  Str mydestination{
      *this,
      {.name = "mydestination",
       .fallback = "$myhostname, localhost.$mydomain, localhost",
       .doc =
           R"(Domains whose mail is delivered by local_transport. Names, /file/names and type:table lookups.)"}};
  Str mail_name{*this,
                {.name = "mail_name",
                 .fallback = "Posthouse",
                 .doc = R"(The name of the mail system in greetings, Received: headers and bounce messages.)",
                 .at_least = 1}};
  Str mail_version{*this,
                   {.name = "mail_version",
                    .fallback = layout::version(),
                    .doc = R"(The version of the mail system.)",
                    .at_least = 1}};
  Str double_bounce_sender{
      *this,
      {.name = "double_bounce_sender",
       .fallback = "double-bounce",
       .doc =
           R"(The sender of notices to the postmaster. Mail that cannot be delivered to this address is dropped.)",
       .at_least = 1}};
  Str empty_address_recipient{*this,
                              {.name = "empty_address_recipient",
                               .fallback = "MAILER-DAEMON",
                               .doc = R"(Who receives mail that is addressed to the null address.)",
                               .at_least = 1}};
};

enum class NetworksStyle : unsigned char { host, subnet, network_class };

// The machine's networks.
struct Networks : ParamSet {
  Str inet_interfaces{
      *this,
      {.name = "inet_interfaces",
       .fallback = "all",
       .doc = R"(The network interface addresses that this mail system receives mail on: all, loopback-only,
addresses or names. Mail to user@[address] of one of them is local.)",
       .at_least = 1}};
  Str inet_protocols{
      *this,
      {.name = "inet_protocols",
       .fallback = "all",
       .doc = R"(The network protocols used to accept and to make connections: all, ipv4, ipv6.)",
       .at_least = 1}};
  List proxy_interfaces{
      *this,
      {.name = "proxy_interfaces",
       .doc =
           R"(Addresses on which this host receives mail through a proxy or an address translator. They count
as its own when loops are detected and addresses with a literal are resolved.)"}};
  Choice<NetworksStyle> mynetworks_style{
      *this,
      {.name = "mynetworks_style",
       .fallback = "${{$compatibility_level} <level {2} ? {subnet} : {host}}",
       .doc =
           R"(How the default of mynetworks is found: only this host, its subnetworks, or the whole class A, B or C
networks of its addresses.)",
       .words = {"host", "subnet", "class"}}};
  Str mynetworks{
      *this,
      {.name = "mynetworks",
       .doc =
           R"(Clients that may do more than strangers, in particular relay mail. Network/mask patterns, host
addresses, !exclusions, /file/names and type:table lookups. The default follows mynetworks_style.)",
       .compute = default_mynetworks}};
  List parent_domain_matches_subdomains{
      *this,
      {.name = "parent_domain_matches_subdomains",
       .fallback = "debug_peer_list,fast_flush_domains,mynetworks,permit_mx_backup_networks,"
                   "qmqpd_authorized_clients,relay_domains,smtpd_access_maps",
       .doc =
           R"(Lists in which a name such as example.com also matches its subdomains. In all others a subdomain
must be listed as .example.com.)"}};
};

// Users, groups and the environment of processes.
struct Rights : ParamSet {
  Str mail_owner{*this,
                 {.name = "mail_owner",
                  .fallback = "postfix",
                  .doc = R"(The account that owns the queue and runs most daemons.)",
                  .at_least = 1}};
  Str setgid_group{
      *this,
      {.name = "setgid_group",
       .fallback = "postdrop",
       .doc = R"(The group of the set-group-id commands that submit mail and look at the queue.)",
       .at_least = 1}};
  Str default_privs{
      *this,
      {.name = "default_privs",
       .fallback = "nobody",
       .doc = R"(The account for deliveries to files and commands when no other user is known.)",
       .at_least = 1}};
  List import_environment{
      *this,
      {.name = "import_environment",
       .fallback =
           "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME",
       .doc = R"(Environment variables that processes keep, and name=value pairs that they set.)"}};
};

// Logging.
struct Logging : ParamSet {
  Str syslog_name{*this,
                  {.name = "syslog_name",
                   .fallback = "${multi_instance_name?{$multi_instance_name}:{postfix}}",
                   .doc = R"(The first part of the program name in the log: syslog_name/process_name.)",
                   .at_least = 1}};
  Str syslog_facility{*this,
                      {.name = "syslog_facility",
                       .fallback = "mail",
                       .doc = R"(The syslog facility of the log.)",
                       .at_least = 1}};
  Path maillog_file{
      *this,
      {.name = "maillog_file", .doc = R"(A file, or /dev/stdout, that takes the log instead of syslog.)"}};
  List maillog_file_prefixes{*this,
                             {.name = "maillog_file_prefixes",
                              .fallback = "/var, /dev/stdout",
                              .doc = R"(With which of these prefixes maillog_file must begin.)"}};
  Str postlog_service_name{
      *this,
      {.name = "postlog_service_name",
       .fallback = "postlog",
       .doc = R"(The service of postlogd, which writes maillog_file for those who may not.)",
       .at_least = 1}};
  Choice<mail::LogForm> info_log_address_format{
      *this,
      {.name = "info_log_address_format",
       .fallback = "external",
       .doc = R"(How addresses stand in the log: external, as in SMTP, with quotes where they need them
("a b"@example.com), or internal, without (a b@example.com).)",
       .words = {"external", "internal"}}};
  Int delay_logging_resolution_limit{
      *this,
      {.name = "delay_logging_resolution_limit",
       .fallback = "2",
       .doc = R"(How many digits after the decimal point delays have in the log.)",
       .at_least = 0,
       .at_most = 6}};
};

// Limits and switches of messages that several daemons apply.
struct Messages : ParamSet {
  Bytes message_size_limit{
      *this,
      {.name = "message_size_limit",
       .fallback = "10240000",
       .doc = R"(The greatest size of a message with its envelope, in bytes; 0 is no limit.)",
       .at_least = 0}};
  Int line_length_limit{*this,
                        {.name = "line_length_limit",
                         .fallback = "2048",
                         .doc = R"(Longer input lines are taken in pieces of this length, in bytes.)",
                         .at_least = 512}};
  Int header_size_limit{
      *this,
      {.name = "header_size_limit",
       .fallback = "102400",
       .doc = R"(The longest message header kept, in bytes; the rest of a longer one is dropped.)",
       .at_least = 1}};
  Bool enable_original_recipient{
      *this,
      {.name = "enable_original_recipient",
       .fallback = "yes",
       .doc =
           R"(Tells mailboxes the recipient as it was before aliases, in X-Original-To:, and takes only recipients
for duplicates of which that is the same, too.)"}};
  Bool owner_request_special{
      *this,
      {.name = "owner_request_special",
       .fallback = "yes",
       .doc = R"(With "-" among the recipient delimiters, do not split owner-list and list-request.)"}};
  Str recipient_delimiter{
      *this,
      {.name = "recipient_delimiter",
       .doc = R"(Characters that may separate a user name from an address extension, user+extension.)"}};
  Bool smtputf8_enable{*this,
                       {.name = "smtputf8_enable",
                        .fallback = "${{$compatibility_level} <level {1} ? {no} : {yes}}",
                        .doc = R"(Support of internationalized addresses (RFC 6531).)"}};
  Bool show_user_unknown_table_name{*this,
                                    {.name = "show_user_unknown_table_name",
                                     .fallback = "yes",
                                     .doc = R"(Names the table in the reply about an unknown user.)"}};
  Bool soft_bounce{
      *this,
      {.name = "soft_bounce",
       .fallback = "no",
       .doc = R"(For tests of a configuration: mail that would be refused or returned stays in the queue or is
refused with a temporary status.)"}};
};

// The queue's directories and file names.
struct Queue : ParamSet {
  Bool enable_long_queue_ids{
      *this,
      {.name = "enable_long_queue_ids",
       .fallback = "no",
       .doc = R"(Queue ids that are not used again for years, instead of short ones.)"}};
  List hash_queue_names{*this,
                        {.name = "hash_queue_names",
                         .fallback = "deferred, defer",
                         .doc = R"(The queue directories that are split into subdirectories.)"}};
  Int hash_queue_depth{
      *this,
      {.name = "hash_queue_depth",
       .fallback = "1",
       .doc = R"(How many levels of subdirectories the directories in hash_queue_names have.)",
       .at_least = 1,
       .at_most = 10}};
  Int queue_file_recycle_limit{
      *this,
      {.name = "queue_file_recycle_limit",
       .fallback = "1000",
       .doc =
           R"(How many files of delivered messages are kept in the directory spare, to be overwritten by new
messages, which is faster than making new files. Such a file still holds the old message until then, for the mail
system's own user only; all are removed when nothing has been delivered for a minute or two, and at start-up. Only
messages of up to 128 kilobytes are kept, and none on file systems other than ext4, XFS, Btrfs and tmpfs. With 0, the
file of a delivered message is removed at once. A message in such a file is safe as soon as its bytes are; if a power
cut undoes the file's new name, the next start finds the message by the seal in it.)",
       .at_least = 0}};
};

// Rules for addresses that several daemons apply.
struct AddressForm : ParamSet {
  Bool allow_min_user{
      *this,
      {.name = "allow_min_user",
       .fallback = "no",
       .doc = R"(Accepts addresses that begin with a minus sign, which some programs take for an
option.)"}};
  Str remote_header_rewrite_domain{
      *this,
      {.name = "remote_header_rewrite_domain",
       .doc = R"(The domain added to incomplete addresses in the headers of mail from
strangers. When empty, such headers stay as they are.)"}};
};

// Which defaults an older configuration expects.
struct Compatibility : ParamSet {
  Level compatibility_level{
      *this,
      {.name = "compatibility_level",
       .fallback = "0",
       .doc =
           R"(The Postfix version whose defaults this configuration was made for. Some defaults depend on it.)"}};
};

}  // namespace posthouse::config
