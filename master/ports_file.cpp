#include "master/ports_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "lib/base/unique_fd.h"

namespace posthouse::master {

std::string ports_text(const std::vector<BoundPort>& ports) {
  std::string text;
  for (const BoundPort& bound : ports) {
    text += fmt::format("{} {} {}\n", bound.service, bound.address, bound.port);
  }
  return text;
}

Result<void> write_ports_file(const std::string& path, const std::vector<BoundPort>& ports) {
  const std::string text = ports_text(ports);
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());
  const UniqueFd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd) return fail(Failure::system("create " + fresh, errno));
  ::fchmod(fd.get(), 0644);
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return fail(Failure::system("write " + fresh, errno));
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return fail(Failure::system("rename " + fresh, errno));
  return {};
}

}  // namespace posthouse::master
