// How a table reaches its LDAP servers.
#pragma once

#include <chrono>
#include <string>

#include "lib/table/client_config.h"

namespace posthouse::table {

struct DirectorySettings {
  enum class Bind { none, simple, sasl };
  Bind bind = Bind::simple;
  std::string bind_dn, bind_password;  // with SASL, the name that the mechanism proves
  std::string sasl_mechanisms, sasl_realm, sasl_authorization;
  long sasl_least_strength = 0;
  bool start_tls = false, tls_required = false, chases_referrals = false;
  int version = 2, dereference = 0;
  std::chrono::seconds timeout{10};
  std::string ca_file, ca_directory, certificate, key, random_file, ciphers;
};
// `urls`: those of ldap_urls().
DirectorySettings directory_settings(const ClientConfig& config, std::string_view urls);
// server_host and server_port as a list of URLs.
std::string ldap_urls(const ClientConfig& config);
// debuglevel: what the libraries tell goes to the log. It holds for the whole process.
void set_debug_level(const ClientConfig& config);

}  // namespace posthouse::table
