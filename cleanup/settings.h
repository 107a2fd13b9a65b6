// The settings of a message's processing as plain values; parameters.h fills them from main.cf.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/mail/quote.h"
#include "lib/queuefile/layout.h"
#include "lib/table/address_lookup.h"

namespace posthouse::cleanup {

// Where an address stands; what canonical_classes, masquerade_classes and so on name.
enum class AddressClass : unsigned {
  none = 0,
  envelope_sender = 1,
  envelope_recipient = 2,
  header_sender = 4,
  header_recipient = 8,
};
constexpr AddressClass operator|(AddressClass a, AddressClass b) {
  return static_cast<AddressClass>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool has(AddressClass set, AddressClass one) {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(one)) != 0;
}

// propagate_unmatched_extensions: whose results get the extension that the key lacked.
struct Propagation {
  bool canonical = true;
  bool virtual_alias = true;
};

struct Settings {
  std::string myhostname = "localhost";
  std::string mail_name_daemon = "MAILER-DAEMON";
  std::string empty_address_recipient = "MAILER-DAEMON";
  mail::LogForm log_form = mail::LogForm::external;
  bool long_queue_ids = false;
  queuefile::Layout layout;
  bool recycles_files = false;

  std::size_t line_length_limit = 2048;
  std::size_t header_size_limit = 102400;
  std::size_t header_address_token_limit = 10240;
  std::int64_t message_size_limit = 10240000;  // 0 = none
  unsigned hopcount_limit = 50;
  std::chrono::seconds delay_warning_time{0};

  bool always_add_missing_headers = false;
  std::string undisclosed_recipients_header;
  std::string always_bcc;
  bool has_remote_header_rewrite_domain = false;
  bool enable_original_recipient = true;
  bool obsolete_from_format = false;
  bool replace_stray_cr_lf = true;
  std::size_t duplicate_filter_limit = 1000;
  std::vector<std::string> drop_headers{"bcc", "content-length", "resent-bcc", "return-path"};

  std::size_t virtual_expansion_limit = 1000;
  std::size_t virtual_recursion_limit = 1000;
  std::size_t virtual_address_length_limit = 1000;
  Propagation propagation;

  std::vector<std::string> masquerade_domains;
  std::vector<std::string> masquerade_exceptions;
  AddressClass masquerade_classes =
      AddressClass::envelope_sender | AddressClass::header_sender | AddressClass::header_recipient;
  AddressClass canonical_classes = AddressClass::envelope_sender | AddressClass::envelope_recipient |
                                   AddressClass::header_sender | AddressClass::header_recipient;
  AddressClass sender_canonical_classes = AddressClass::envelope_sender | AddressClass::header_sender;
  AddressClass recipient_canonical_classes =
      AddressClass::envelope_recipient | AddressClass::header_recipient;
};

// The lookup of an address in a list of tables, bound to its AddressRules; empty = no tables.
// May wait.
using FindAddress = std::function<table::AddressLookup(std::string_view address)>;

struct Maps {
  FindAddress canonical, sender_canonical, recipient_canonical;
  FindAddress virtual_alias;
  FindAddress sender_bcc, recipient_bcc;
};

}  // namespace posthouse::cleanup
