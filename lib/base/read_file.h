// Files of the machine that are read once, at the start: /etc/hosts, /etc/resolv.conf.
#pragma once

#include <string>

namespace posthouse {

// Empty when it cannot be read. Blocks.
std::string read_file(const std::string& path);

}  // namespace posthouse
