#include "master/ports_file.h"

#include <fmt/format.h>

#include "master/whole_file.h"

namespace posthouse::master {

std::string ports_text(const std::vector<BoundPort>& ports) {
  std::string text;
  for (const BoundPort& bound : ports) {
    text += fmt::format("{} {} {}\n", bound.service, bound.address, bound.port);
  }
  return text;
}

Result<void> write_ports_file(const std::string& path, const std::vector<BoundPort>& ports) {
  return replace_file(path, ports_text(ports), 0644);
}

}  // namespace posthouse::master
