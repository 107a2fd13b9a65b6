// A connection to an LDAP server that is ready for questions: encrypted and bound as the settings say.
#pragma once

#include <memory>
#include <string>

#include "lib/table/connection_pool.h"
#include "lib/table/ldap/settings.h"

struct ldap;

namespace posthouse::table {

struct EndSession {
  void operator()(struct ldap* handle) const;
};
using Session = std::unique_ptr<struct ldap, EndSession>;

// Blocks for at most the timeout in each step: connecting, TLS, and the bind with all its rounds.
ClientResult<Session> open_session(const DirectorySettings& settings, const std::string& url);

}  // namespace posthouse::table
