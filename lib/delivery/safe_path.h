// Directories and files below a trusted directory, reached step by step so that no table value and no user
// leads elsewhere: no "..", no symbolic links other than root's, no hard-linked or special files.
//
// Blocking; to be called with the rights of the mailbox owner. Errors are errno values (ELOOP: a symbolic
// link that is not trusted; EPERM: "..").
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>
#include <string_view>

#include "lib/base/unique_fd.h"

namespace posthouse::delivery {

// Opens the directory `relative` below `base`; with `create_mode` missing ones are made. An empty base is
// "/".
std::expected<UniqueFd, int> open_directory_below(const std::string& base, std::string_view relative,
                                                  mode_t create_mode = 0);

// "a/b" -> {"a", "b"}; "b" -> {"", "b"}
std::pair<std::string_view, std::string_view> split_path(std::string_view path);

}  // namespace posthouse::delivery
