#include "virtual/service.h"

#include "lib/base/text.h"
#include "lib/config/core_parameters.h"
#include "lib/config/main_cf.h"
#include "lib/delivery/mailbox_parameters.h"
#include "lib/delivery/parallel.h"
#include "lib/log/log.h"
#include "lib/table/settings.h"
#include "lib/table/types.h"
#include "virtual/parameters.h"

namespace posthouse::virtual_agent {
namespace {

Failure unusable(const config::Problems& problems) {
  return Failure::deferred("4.3.5", problems.empty() ? "bad configuration" : problems.front().text());
}

// Mailbox owners are looked up in the tables themselves, never through another process.
std::string without_proxy(std::string_view text) {
  std::string direct;
  for (const std::string& spec : table::split_list(text)) {
    if (!direct.empty()) direct += ", ";
    direct += spec.starts_with("proxy:") ? spec.substr(6) : spec;
  }
  return direct;
}

}  // namespace

Result<void> VirtualAgent::prepare(const service::Environment& environment) {
  if (auto prepared = Agent::prepare(environment); !prepared) return prepared;
  const auto own = config::load<Parameters>(*environment.main_cf);
  if (!own) return fail(unusable(own.error()));
  const auto shared = config::load<delivery::MailboxParameters>(*environment.main_cf);
  if (!shared) return fail(unusable(shared.error()));
  auto lock = delivery::MailboxLock::parse((*own)->virtual_mailbox_lock());
  if (!lock)
    return fail(Failure::deferred("4.3.5", "virtual_mailbox_lock: expected flock, fcntl or dotlock"));
  lock->attempts = (*shared)->deliver_lock_attempts();
  lock->delay = (*shared)->deliver_lock_delay();
  lock->stale = (*shared)->stale_lock_time();
  pattern_.base = (*own)->virtual_mailbox_base();
  pattern_.limit = (*own)->virtual_mailbox_limit();
  pattern_.lock = *lock;
  pattern_.must_own = (*shared)->strict_mailbox_ownership();
  if (auto filtered = use_status_filter(environment, table::all_types(), "virtual_delivery_status_filter",
                                        (*own)->virtual_delivery_status_filter());
      !filtered)
    return filtered;
  return open_tables(environment);
}

Result<void> VirtualAgent::open_tables(const service::Environment& environment) {
  const auto own = config::load<Parameters>(*environment.main_cf);
  if (!own) return fail(unusable(own.error()));
  const auto messages = config::load<config::Messages>(*environment.main_cf);
  if (!messages) return fail(unusable(messages.error()));
  auto settings = table::settings_from(environment.main_cf);
  if (!settings) return fail(unusable(settings.error()));
  tables_ = std::make_unique<table::Tables>(std::move(*settings), table::all_types());
  const auto flags = table::kLookupFlags | table::Flag::no_substitution | table::Flag::no_untrusted;
  const auto open = [&](std::string_view title, std::string_view text) {
    return table::TableList(*tables_, title, without_proxy(text), flags);
  };
  FinderSettings finder{.mailboxes = open("virtual_mailbox_maps", (*own)->virtual_mailbox_maps()),
                        .users = open("virtual_uid_maps", (*own)->virtual_uid_maps()),
                        .groups = open("virtual_gid_maps", (*own)->virtual_gid_maps()),
                        .rules = {},
                        .minimum_uid = static_cast<unsigned>((*own)->virtual_minimum_uid()),
                        .needs_owner = !environment.is_rootless};
  pattern_.names_original = (*messages)->enable_original_recipient();
  finder.rules.recipient_delimiter = (*messages)->recipient_delimiter();
  finder.rules.owner_request_special = (*messages)->owner_request_special();
  finder_ = std::make_unique<MailboxFinder>(std::move(finder));
  return {};
}

void VirtualAgent::deliver(delivery::Attempt& attempt) {
  delivery::run_parallel(attempt.results.open(), [&](std::size_t index) { deliver_one(attempt, index); });
  if (const std::string changed = tables_->changed(); !changed.empty()) {
    log::info("table {} has changed -- restarting", changed);
    service::request_drain();
  }
}

void VirtualAgent::deliver_one(delivery::Attempt& attempt, std::size_t index) const {
  const ipc::DeliveryRecipient& recipient = attempt.request.recipients[index];
  const delivery::Relay relay{.name = "virtual"};
  const auto place = finder_->find(recipient.address);
  if (!place) return attempt.results.failed(index, relay, place.error());

  delivery::MailboxCopy copy = pattern_;
  copy.path = place->path;
  const std::string kind = copy.is_maildir() ? "maildir" : "mailbox";
  if ((attempt.request.flags & (ipc::delivery_flag::kProbe | ipc::delivery_flag::kUserProbe)) != 0) {
    return attempt.results.delivered(index, relay, {.text = "delivers to " + kind});
  }
  copy.file = &attempt.file;
  copy.data_offset = attempt.request.data_offset;
  copy.sender = attempt.request.sender;
  copy.headers = delivery::delivery_headers(copy, recipient.original, recipient.address);
  copy.owner = place->owner;
  copy.user = recipient.address;
  if (auto delivered = delivery::deliver_to_mailbox(copy); !delivered) {
    return attempt.results.failed(index, relay, delivered.error());
  }
  attempt.results.delivered(index, relay, {.text = "delivered to " + kind});
}

}  // namespace posthouse::virtual_agent
