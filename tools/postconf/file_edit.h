// Replaces a file at once: nobody ever sees half of it, and two editors at the same time wait for each other.
#pragma once

#include <functional>
#include <string>

#include "tools/postconf/complaint.h"

namespace posthouse::postconf {

// Throws Fatal("open PATH: No such file or directory").
std::string read_file(const std::string& path);

// The new text is written to PATH.tmp (exclusively locked), synchronised, and renamed to PATH. Owner, group
// and mode stay; a symbolic link keeps pointing at the file that is edited. Throws Fatal, the file then stays
// as it was.
void edit_file(const std::string& path, const std::function<std::string(const std::string&)>& change);

}  // namespace posthouse::postconf
