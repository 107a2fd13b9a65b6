// A message that goes to postdrop, as those of sendmail do. Calls block: for a process that serves one user.
#pragma once

#include <memory>
#include <string>

#include "smtpd/handover.h"

namespace posthouse::smtpd {

struct PostdropSettings {
  std::string program;
  std::size_t line_limit = 2048;
};

Result<std::unique_ptr<Handover>> open_in_postdrop(const PostdropSettings& postdrop,
                                                   const ipc::CleanupOpen& message);

}  // namespace posthouse::smtpd
