// The real neighbours: services below the queue directory, and the DNS.
#pragma once

#include <memory>

#include "lib/config/core_parameters.h"
#include "lib/config/main_cf.h"
#include "lib/peers/services.h"
#include "smtpd/neighbours.h"
#include "smtpd/postdrop_handover.h"

namespace posthouse::smtpd {

dns::ResolverSettings dns_settings(const config::MainCf& main_cf);
std::unique_ptr<Neighbours> make_neighbours(const peers::Services& services, dns::Lookups& dns,
                                            const config::Identity& identity);
// For a session with the user who started the process.
std::unique_ptr<Neighbours> make_user_neighbours(const peers::Services& services, dns::Lookups& dns,
                                                 const config::Identity& identity, PostdropSettings postdrop);

}  // namespace posthouse::smtpd
