// Delivery to the users of this machine: aliases, .forward files, mailboxes.
#pragma once

#include <memory>

#include "lib/delivery/agent.h"
#include "lib/delivery/mailbox.h"
#include "lib/delivery/pass.h"
#include "local/expander.h"
#include "local/forwarder.h"
#include "local/parameters.h"
#include "local/world.h"

namespace posthouse::local {

inline constexpr service::Plan kPlan{.program = "local", .keeps_root = true};

class LocalAgent : public delivery::Agent {
 public:
  Result<void> prepare(const service::Environment& environment) override;

 protected:
  void deliver(delivery::Attempt& attempt) override;

 private:
  Result<void> take_parameters(const service::Environment& environment);
  Result<void> open_tables(const service::Environment& environment);

  void deliver_one(delivery::Attempt& attempt, std::size_t index);
  void deliver_expansion(delivery::Attempt& attempt, std::size_t index, const Expansion& expansion);
  Result<std::string> to_mailbox(const delivery::Attempt& attempt, std::size_t index, const User& user) const;
  Result<void> to_file(const delivery::Attempt& attempt, std::size_t index, const FileTarget& target) const;
  void unknown_user(delivery::Attempt& attempt, std::size_t index, const Expansion& expansion);
  void forward(delivery::Attempt& attempt, std::size_t index, const Expansion& expansion);
  static Lookup transport_for(const std::string& name, const table::TableList& tables,
                              const std::string& common);
  // Lets another transport deliver; it logs and marks.
  bool pass_by(delivery::Attempt& attempt, std::size_t index, const Lookup& transport,
               const std::string& address);
  bool was_delivered_before(const delivery::Attempt& attempt, std::string_view address) const;

  std::shared_ptr<const Parameters> parameters_;
  std::shared_ptr<WorldSettings> world_settings_;
  World world_;
  ExpanderRules rules_;
  delivery::MailboxCopy pattern_;
  std::unique_ptr<Forwarder> forwarder_;
  std::unique_ptr<delivery::Passer> passer_;
};

}  // namespace posthouse::local
