// Makes every read and write on the connections of an LDAP handle end.
//
// The library waits with its timeouts before most of them, but not in a TLS handshake with GnuTLS, which it
// repeats for ever when the server says nothing, and not in the middle of a TLS record.
#pragma once

struct ldap;

namespace posthouse::table {

// Each waits for at most the handle's network timeout, of whole seconds, which must be set. Covers the
// connections that are made afterwards.
void bound_io(struct ldap* handle);

}  // namespace posthouse::table
