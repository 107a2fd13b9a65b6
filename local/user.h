// Accounts of the machine.
#pragma once

#include <optional>
#include <string>

#include "lib/base/failure.h"
#include "lib/delivery/user_rights.h"

namespace posthouse::local {

struct User {
  std::string name, home, shell;
  delivery::Owner owner;
};

// Nothing when there is no such account; a failure when the account database cannot say. Blocking.
Result<std::optional<User>> find_user_blocking(const std::string& name);
Result<std::optional<User>> find_user_blocking(unsigned uid);

}  // namespace posthouse::local
