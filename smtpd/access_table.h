// check_*_access: tables of the form of access(5), asked about names, addresses, and the hosts that serve a
// domain.
#pragma once

#include "lib/table/table_list.h"
#include "smtpd/access_action.h"

namespace posthouse::smtpd {

// Whose names and addresses are looked up: those of the subject itself, or of the hosts in its DNS records.
enum class HostsOf : unsigned char { itself, mx, ns, a };

// One check_*_access restriction.
struct AccessQuery {
  std::string_view restriction;  // its name, of static lifetime
  Subject subject;
  HostsOf hosts = HostsOf::itself;

  // Names that the client or a stranger's DNS controls must not let anybody in.
  bool forbids_permit() const { return subject == Subject::reverse_client || hosts != HostsOf::itself; }
};

Outcome check_access(Check& check, const table::TableList& table, const AccessQuery& query,
                     const ListParser& parse);

}  // namespace posthouse::smtpd
