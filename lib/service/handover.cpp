#include "lib/service/handover.h"

#include <sys/socket.h>

#include <array>
#include <cstring>

namespace posthouse::service {

UniqueFd receive_descriptor(int fd) {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(fd, &message, MSG_CMSG_CLOEXEC) < 0) return UniqueFd();
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (!header || header->cmsg_type != SCM_RIGHTS) return UniqueFd();
  int passed = -1;
  std::memcpy(&passed, CMSG_DATA(header), sizeof passed);
  return UniqueFd(passed);
}

}  // namespace posthouse::service
