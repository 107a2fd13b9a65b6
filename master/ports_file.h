// pid/ports: where the inet services listen, one line "SERVICE ADDRESS PORT" a listener. Tests and scripts
// read it when master.cf says port 0. Replaced atomically.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/failure.h"

namespace posthouse::master {

struct BoundPort {
  std::string service, address;
  std::uint16_t port = 0;
};

std::string ports_text(const std::vector<BoundPort>& ports);
Result<void> write_ports_file(const std::string& path, const std::vector<BoundPort>& ports);

}  // namespace posthouse::master
