// Files of master that others read at any time: replaced as a whole.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "lib/base/failure.h"

namespace posthouse::master {

// With exactly this mode, whatever the umask says. A group other than the process's only as root.
Result<void> replace_file(const std::string& path, std::string_view text, mode_t mode,
                          gid_t group = static_cast<gid_t>(-1));

}  // namespace posthouse::master
