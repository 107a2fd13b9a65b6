// The directories of an instance: made when missing, with owner, group and mode; warned about when wrong.
//
// As root they belong to mail_owner (maildrop and public: group setgid_group); otherwise to whoever runs
// this.
#pragma once

#include <string_view>

#include "tools/postfix/instance.h"

namespace posthouse::postfix_command {

struct QueueDirectory {
  std::string_view name;
  unsigned mode;
  bool is_roots = false;       // root, not mail_owner
  bool is_submission = false;  // group setgid_group
};
extern const std::vector<QueueDirectory> kQueueDirectories;

// False = the system cannot start (each reason was said).
bool check_directories(const Instance& instance);
// Whether main.cf and master.cf are good and every service could start with them: master's --check.
bool check_configuration(const Instance& instance);
// Owners and modes of everything that check_directories() looks at, and of the set-group-id commands. Root
// only.
bool set_permissions(const Instance& instance);

}  // namespace posthouse::postfix_command
