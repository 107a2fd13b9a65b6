#include "lib/table/ldap/bounded_io.h"

#include <lber.h>
#include <ldap.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "lib/base/clock.h"

namespace posthouse::table {
namespace {

using Limit = std::chrono::seconds;

bool becomes_ready(Sockbuf_IO_Desc* layer, short events) {
  ber_socket_t socket = -1;
  ::ber_sockbuf_ctrl(layer->sbiod_sb, LBER_SB_OPT_GET_FD, &socket);
  const Deadline deadline = deadline_after(*static_cast<const Limit*>(layer->sbiod_pvt));
  pollfd wanted{socket, events, 0};
  int found = 0;
  do {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    found = ::poll(&wanted, 1, static_cast<int>(std::max<long>(0, left.count())));
  } while (found < 0 && errno == EINTR);
  if (found == 0) errno = ETIMEDOUT;
  return found > 0;
}

int set_up(Sockbuf_IO_Desc* layer, void* limit) {
  layer->sbiod_pvt = limit;
  return 0;
}

int tear_down(Sockbuf_IO_Desc* layer) {
  delete static_cast<Limit*>(layer->sbiod_pvt);
  return 0;
}

int control(Sockbuf_IO_Desc* layer, int option, void* argument) {
  return LBER_SBIOD_CTRL_NEXT(layer, option, argument);
}

ber_slen_t read_in_time(Sockbuf_IO_Desc* layer, void* buffer, ber_len_t size) {
  return becomes_ready(layer, POLLIN) ? LBER_SBIOD_READ_NEXT(layer, buffer, size) : -1;
}

ber_slen_t write_in_time(Sockbuf_IO_Desc* layer, void* buffer, ber_len_t size) {
  return becomes_ready(layer, POLLOUT) ? LBER_SBIOD_WRITE_NEXT(layer, buffer, size) : -1;
}

int close_nothing(Sockbuf_IO_Desc*) {
  return 0;
}

Sockbuf_IO bounded = {set_up, tear_down, control, read_in_time, write_in_time, close_nothing};

int on_connection(LDAP* handle, Sockbuf* socket, LDAPURLDesc*, sockaddr*, ldap_conncb*) {
  timeval* raw = nullptr;
  if (::ldap_get_option(handle, LDAP_OPT_NETWORK_TIMEOUT, static_cast<void*>(&raw)) != 0 || raw == nullptr)
    return -1;
  const std::unique_ptr<timeval, decltype(&::ldap_memfree)> timeout(raw, &::ldap_memfree);
  auto limit = std::make_unique<Limit>(timeout->tv_sec);
  const int error = ::ber_sockbuf_add_io(socket, &bounded, LBER_SBIOD_LEVEL_PROVIDER + 1, limit.get());
  if (error == 0) (void)limit.release();
  return error;
}

void on_end(LDAP*, Sockbuf*, ldap_conncb*) {}

ldap_conncb callbacks = {on_connection, on_end, nullptr};

}  // namespace

void bound_io(struct ldap* handle) {
  ::ldap_set_option(handle, LDAP_OPT_CONNECT_CB, &callbacks);
}

}  // namespace posthouse::table
