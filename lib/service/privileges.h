// From root to what the daemon needs.
#pragma once

#include <string>

#include "lib/base/failure.h"

namespace posthouse::service {

struct Confinement {
  std::string user;              // mail_owner; empty: stay who we are
  std::string chroot_directory;  // empty: no chroot
  bool keeps_root = false;       // real and saved ids stay root
};

// Call as root, before threads exist. Also sets no-new-privileges for those that give root up for good.
Result<void> confine(const Confinement& confinement);

}  // namespace posthouse::service
