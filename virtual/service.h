// Delivery to the mailboxes of virtual domains: Maildir or mbox files found by table lookup.
#pragma once

#include <memory>

#include "lib/delivery/agent.h"
#include "lib/delivery/mailbox.h"
#include "lib/table/tables.h"
#include "virtual/mailbox_finder.h"

namespace posthouse::virtual_agent {

inline constexpr service::Plan kPlan{.program = "virtual", .keeps_root = true};

class VirtualAgent : public delivery::Agent {
 public:
  Result<void> prepare(const service::Environment& environment) override;

 protected:
  void deliver(delivery::Attempt& attempt) override;

 private:
  void deliver_one(delivery::Attempt& attempt, std::size_t index) const;
  Result<void> open_tables(const service::Environment& environment);

  std::unique_ptr<table::Tables> tables_;
  std::unique_ptr<MailboxFinder> finder_;
  delivery::MailboxCopy pattern_;  // what is the same for all copies
};

}  // namespace posthouse::virtual_agent
