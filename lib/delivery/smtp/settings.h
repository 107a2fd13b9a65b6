// What the SMTP and LMTP engine needs to know, as plain values: filled by the smtp and lmtp daemons from
// their parameters. All of it is fixed for the life of the process.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/failure.h"
#include "lib/config/own_addresses.h"
#include "lib/peers/session_notice.h"

namespace posthouse::delivery::smtp {

enum class AddressPreference : unsigned char { any, ipv4, ipv6 };

class ClientTables;

struct RouteSettings {
  bool is_lmtp = false;
  bool use_ipv4 = true, use_ipv6 = true;  // inet_protocols
  AddressPreference preference = AddressPreference::any;
  bool randomize = true;          // among equal MX preferences
  bool balance_families = true;   // both families among the first address_limit
  std::size_t address_limit = 5;  // 0: no limit
  bool dns_enabled = true;        // no: every name is looked up like a [host]
  bool dns_lookup = true, native_lookup = false, native_first = false;  // smtp_host_lookup
  bool default_names = false, other_names = false;                      // smtp_dns_resolver_options
  bool ignore_mx_error = false;
  bool defer_if_no_mx_address = false;
  std::string default_service = "smtp";
  std::string myhostname;
  config::OwnAddresses own_addresses;  // for loops to self
};

struct Timeouts {
  using Seconds = std::chrono::seconds;
  Seconds connect{30}, helo{300}, xforward{300}, mail{300}, rcpt{300}, data_init{120}, data_xfer{180},
      data_done{600}, rset{20}, quit{300};  // 0: no limit, for connect
};

struct SessionSettings {
  bool is_lmtp = false;
  std::string myhostname, helo_name;
  Timeouts timeouts;
  bool has_request_deadline = false;  // timeouts are for whole requests, not for each wait
  int min_data_rate = 500;            // bytes per second of content, with has_request_deadline
  bool always_send_ehlo = true, never_send_ehlo = false;
  bool skip_5xx_greeting = true;
  bool skip_quit_response = true;
  bool keeps_record = false;  // for notices to the postmaster
  std::vector<std::string> discard_keywords, pix_workarounds;
  std::chrono::seconds pix_threshold{500}, pix_delay{10};
  bool keeps_utf8 = true;                      // in what tables are asked for: smtputf8_enable
  std::shared_ptr<const ClientTables> tables;  // null: none
};

struct TransactionSettings {
  bool is_lmtp = false;
  std::size_t line_length_limit = 998;
  bool send_xforward = false;
  bool quote_envelope = true;
  bool convert_8bit = true;      // quoted-printable for servers without 8BITMIME
  bool probe_with_data = false;  // address_verify_target
  bool assume_final = false;     // LMTP: delivered, not relayed
  std::size_t mime_nesting_limit = 100, mime_boundary_limit = 2048, header_size_limit = 102400;
};

struct ReuseSettings {
  bool is_enabled = true;
  std::chrono::seconds idle_limit{2};
  std::chrono::seconds age_limit{300};
  int use_limit = 0;  // 0: none
};

struct Settings {
  RouteSettings route;
  SessionSettings session;
  TransactionSettings transaction;
  ReuseSettings reuse;
  std::size_t session_limit = 2;  // sessions per request; 0: no limit
  std::string generic_maps;
  std::string fallback_relay;     // list of destinations
  std::string best_mx_transport;  // takes what loops back to this mail system
  std::string bind_address, bind_address6;
  peers::Services services;
  bool bind_address_enforce = false;
  peers::SessionNoticeRules notices;
};

}  // namespace posthouse::delivery::smtp
