#include "local/service.h"

#include <sys/stat.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/config/core_parameters.h"
#include "lib/config/main_cf.h"
#include "lib/delivery/mailbox_parameters.h"
#include "lib/delivery/parallel.h"
#include "lib/log/log.h"
#include "lib/mail/extension.h"
#include "lib/mail/quote.h"
#include "lib/runtime/offload.h"
#include "lib/table/parameters.h"
#include "lib/table/settings.h"
#include "lib/table/types.h"

namespace posthouse::local {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kHeaderLimit = 256 * 1024;

Failure unusable(const config::Problems& problems) {
  return Failure::deferred("4.3.5", problems.empty() ? "bad configuration" : problems.front().text());
}

delivery::Relay relay() {
  return {.name = "local"};
}

bool is_probe(const ipc::DeliveryRequest& request) {
  return (request.flags & (ipc::delivery_flag::kProbe | ipc::delivery_flag::kUserProbe)) != 0;
}

// A spool directory that its group may write is written with that group: the user alone could not make files
// or lock files there.
delivery::Owner spool_owner(const std::string& directory, delivery::Owner owner) {
  struct stat status {};
  if (::stat(directory.c_str(), &status) == 0 && (status.st_mode & S_IWGRP) != 0 &&
      (status.st_mode & S_IWOTH) == 0) {
    owner.gid = status.st_gid;
  }
  return owner;
}

}  // namespace

Result<void> LocalAgent::prepare(const service::Environment& environment) {
  if (auto prepared = Agent::prepare(environment); !prepared) return prepared;
  if (auto taken = take_parameters(environment); !taken) return taken;
  if (auto filtered = use_status_filter(environment, table::all_types(), "local_delivery_status_filter",
                                        parameters_->local_delivery_status_filter());
      !filtered)
    return filtered;
  return open_tables(environment);
}

Result<void> LocalAgent::take_parameters(const service::Environment& environment) {
  const config::MainCf& main_cf = *environment.main_cf;
  const auto own = config::load<Parameters>(main_cf);
  if (!own) return fail(unusable(own.error()));
  parameters_ = *own;
  const auto shared = config::load<delivery::MailboxParameters>(main_cf);
  if (!shared) return fail(unusable(shared.error()));
  auto lock = delivery::MailboxLock::parse(parameters_->mailbox_delivery_lock());
  if (!lock)
    return fail(Failure::deferred("4.3.5", "mailbox_delivery_lock: expected flock, fcntl or dotlock"));
  lock->attempts = (*shared)->deliver_lock_attempts();
  lock->delay = (*shared)->deliver_lock_delay();
  lock->stale = (*shared)->stale_lock_time();
  pattern_.lock = *lock;
  pattern_.limit = parameters_->mailbox_size_limit();
  pattern_.must_own = (*shared)->strict_mailbox_ownership();

  const auto maps = config::load<table::AddressMapParameters>(main_cf);
  if (!maps) return fail(unusable(maps.error()));
  const auto& kinds = (*maps)->propagate_unmatched_extensions();
  rules_.alias_propagates = std::ranges::find(kinds, "alias") != kinds.end();
  rules_.include_propagates = std::ranges::find(kinds, "include") != kinds.end();
  rules_.forward_propagates = std::ranges::find(kinds, "forward") != kinds.end();
  const auto rights = config::load<config::Rights>(main_cf);
  if (!rights) return fail(unusable(rights.error()));
  const auto default_user = find_user_blocking((*rights)->default_privs());
  if (!default_user || !*default_user) {
    return fail(Failure::deferred("4.3.5", "default_privs: unknown user: " + (*rights)->default_privs()));
  }
  rules_.default_user = **default_user;
  const auto& files = parameters_->allow_mail_to_files();
  const auto may_name_files = [&](std::string_view kind) {
    return std::ranges::find(files, kind) != files.end();
  };
  rules_.aliases_may_name_files = may_name_files("alias");
  rules_.forwards_may_name_files = may_name_files("forward");
  rules_.includes_may_name_files = may_name_files("include");
  return {};
}

namespace {

Result<void> try_names(std::string_view parameter, std::string_view text) {
  const auto tried = expand_names(text, {}, config::Undefined::empty);
  if (tried) return {};
  return fail(Failure::deferred("4.3.5", fmt::format("{}: {}", parameter, tried.error().text)));
}

}  // namespace

Result<void> LocalAgent::open_tables(const service::Environment& environment) {
  const config::MainCf& main_cf = *environment.main_cf;
  const auto identity = config::load<config::Identity>(main_cf);
  if (!identity) return fail(unusable(identity.error()));
  const auto messages = config::load<config::Messages>(main_cf);
  if (!messages) return fail(unusable(messages.error()));
  auto settings = table::settings_from(environment.main_cf);
  if (!settings) return fail(unusable(settings.error()));
  const auto destinations = main_cf.expand((*identity)->mydestination());
  if (!destinations) return fail(Failure::deferred("4.3.5", destinations.error().text()));

  world_settings_ = std::make_shared<WorldSettings>();
  WorldSettings& world = *world_settings_;
  world.tables = std::make_shared<table::Tables>(std::move(*settings), table::all_types());
  world.aliases = table::TableList(*world.tables, "alias_maps", parameters_->alias_maps(),
                                   table::kLookupFlags | table::Flag::no_substitution);
  world.mailbox_transports =
      table::TableList(*world.tables, "mailbox_transport_maps", parameters_->mailbox_transport_maps(),
                       table::kLookupFlags | table::Flag::no_substitution);
  world.fallback_transports =
      table::TableList(*world.tables, "fallback_transport_maps", parameters_->fallback_transport_maps(),
                       table::kLookupFlags | table::Flag::no_substitution);
  world.mydestination = table::MatchList(*world.tables, "mydestination", *destinations,
                                         {.kind = table::MatchList::Kind::string});
  const std::string& forward_path = parameters_->forward_path();
  for (const auto pattern : split_any(forward_path)) {
    if (auto tried = try_names("forward_path", pattern); !tried) return tried;
    world.forward_path.emplace_back(pattern);
  }
  if (auto tried = try_names("luser_relay", parameters_->luser_relay()); !tried) return tried;
  world.forward_expansion_filter = parameters_->forward_expansion_filter();
  rules_.recipient_delimiter = (*messages)->recipient_delimiter();
  pattern_.names_original = (*messages)->enable_original_recipient();
  rules_.owner_request_special = (*messages)->owner_request_special();
  rules_.expands_owner = parameters_->expand_owner_alias();
  rules_.resets_owner = parameters_->reset_owner_alias();
  rules_.myorigin = (*identity)->myorigin();
  world_ = make_world(world_settings_);
  passer_ = std::make_unique<delivery::Passer>(services_);
  forwarder_ = std::make_unique<Forwarder>(services_, (*identity)->myhostname(), (*identity)->mail_name());
  return {};
}

void LocalAgent::deliver(delivery::Attempt& attempt) {
  delivery::run_parallel(attempt.results.open(), [&](std::size_t index) { deliver_one(attempt, index); });
  if (const std::string changed = world_settings_->tables->changed(); !changed.empty()) {
    log::info("table {} has changed -- restarting", changed);
    service::request_drain();
  }
}

void LocalAgent::deliver_one(delivery::Attempt& attempt, std::size_t index) {
  const std::string& address = attempt.request.recipients[index].address;
  if (was_delivered_before(attempt, address)) {
    return attempt.results.failed(index, relay(),
                                  Failure::bounced("5.4.6", "mail forwarding loop for " + address));
  }
  const auto expansion = Expander(world_, rules_).expand(address);
  if (!expansion) return attempt.results.failed(index, relay(), expansion.error());
  deliver_expansion(attempt, index, *expansion);
}

// Mailboxes and files first: only when they are done does the rest leave as a new message.
void LocalAgent::deliver_expansion(delivery::Attempt& attempt, std::size_t index,
                                   const Expansion& expansion) {
  const bool is_plain = !expansion.is_expanded || (expansion.addresses.empty() && expansion.files.empty());
  if (is_plain && (expansion.unknown || expansion.mailboxes.size() == 1)) {
    const std::string& name = expansion.unknown ? *expansion.unknown : expansion.mailboxes.front().name;
    const Lookup transport =
        transport_for(name, world_settings_->mailbox_transports, parameters_->mailbox_transport());
    if (pass_by(attempt, index, transport, expansion.followed)) return;
  }
  if (expansion.unknown) return unknown_user(attempt, index, expansion);
  if (is_probe(attempt.request)) {
    const std::string text =
        expansion.addresses.empty() ? "delivers to mailbox" : "aliased to " + expansion.addresses.front();
    return attempt.results.delivered(index, relay(), {.text = text});
  }
  std::string text;
  for (const User& user : expansion.mailboxes) {
    const auto done = to_mailbox(attempt, index, user);
    if (!done) return attempt.results.failed(index, relay(), done.error());
    text = *done;
  }
  for (const FileTarget& target : expansion.files) {
    if (auto done = to_file(attempt, index, target); !done) {
      return attempt.results.failed(index, relay(), done.error());
    }
    text = "delivered to file: " + target.path;
  }
  if (!expansion.addresses.empty()) return forward(attempt, index, expansion);
  attempt.results.delivered(index, relay(), {.text = text});
}

Result<std::string> LocalAgent::to_mailbox(const delivery::Attempt& attempt, std::size_t index,
                                           const User& user) const {
  if (!parameters_->mailbox_command().empty()) {
    log::warning("mailbox_command is not supported: mail for {} is deferred", user.name);
    return fail(Failure::deferred("4.3.5", "mail system configuration error"));
  }
  const ipc::DeliveryRecipient& recipient = attempt.request.recipients[index];
  delivery::MailboxCopy copy = pattern_;
  const std::string& spool = parameters_->mail_spool_directory();
  if (parameters_->home_mailbox().empty()) {
    copy.base = spool;
    copy.path = user.name + (spool.ends_with('/') ? "/" : "");
    copy.owner = spool_owner(spool, user.owner);
  } else {
    copy.base = user.home;
    copy.path = parameters_->home_mailbox();
    copy.owner = user.owner;
  }
  copy.user = user.name;
  copy.file = &attempt.file;
  copy.data_offset = attempt.request.data_offset;
  copy.sender = attempt.request.sender;
  copy.headers = delivery::delivery_headers(copy, recipient.original, recipient.address);
  if (auto delivered = delivery::deliver_to_mailbox(copy); !delivered) return fail(delivered.error());
  return std::string(copy.is_maildir() ? "delivered to maildir" : "delivered to mailbox");
}

Result<void> LocalAgent::to_file(const delivery::Attempt& attempt, std::size_t index,
                                 const FileTarget& target) const {
  const ipc::DeliveryRecipient& recipient = attempt.request.recipients[index];
  delivery::MailboxCopy copy = pattern_;
  copy.path = target.path;
  copy.owner = target.owner;
  copy.user = target.user;
  copy.must_own = false;
  copy.file = &attempt.file;
  copy.data_offset = attempt.request.data_offset;
  copy.sender = attempt.request.sender;
  copy.headers = delivery::delivery_headers(copy, recipient.original, recipient.address);
  // The null device takes everything and is no mailbox.
  if (target.path == "/dev/null") return {};
  return delivery::deliver_to_mailbox(copy);
}

void LocalAgent::unknown_user(delivery::Attempt& attempt, std::size_t index, const Expansion& expansion) {
  const Lookup transport = transport_for(*expansion.unknown, world_settings_->fallback_transports,
                                         parameters_->fallback_transport());
  if (pass_by(attempt, index, transport, expansion.followed)) return;
  const std::string& address = attempt.request.recipients[index].address;
  if (const std::string& relay_to = parameters_->luser_relay(); !relay_to.empty()) {
    Names names = names_of(address, rules_);
    names["user"] = *expansion.unknown;
    auto relayed_to = expand_names(relay_to, names, config::Undefined::empty);
    if (!relayed_to) return attempt.results.failed(index, relay(), relayed_to.error());
    Expansion relayed;
    relayed.addresses.push_back(std::move(*relayed_to));
    if (relayed.addresses[0].find('@') == std::string::npos) relayed.addresses[0] += "@" + rules_.myorigin;
    return forward(attempt, index, relayed);
  }
  attempt.results.failed(index, relay(),
                         Failure::bounced("5.1.1", "unknown user: \"" + *expansion.unknown + "\""));
}

void LocalAgent::forward(delivery::Attempt& attempt, std::size_t index, const Expansion& expansion) {
  if (is_probe(attempt.request)) {
    return attempt.results.delivered(index, relay(), {.text = "forwards to " + expansion.addresses.front()});
  }
  const ipc::DeliveryRecipient& recipient = attempt.request.recipients[index];
  const auto queue_id =
      forwarder_->forward(attempt, {.sender = expansion.owner.value_or(attempt.request.sender),
                                    .expanded = recipient,
                                    .addresses = expansion.addresses,
                                    .is_list = expansion.owner.has_value()});
  if (!queue_id) return attempt.results.failed(index, relay(), queue_id.error());
  attempt.results.delivered(
      index, relay(),
      {.text = "forwarded as " + *queue_id, .action = "expanded", .is_reported_elsewhere = true});
}

// The transport that the tables name for a user, or else the one for all.
Lookup LocalAgent::transport_for(const std::string& name, const table::TableList& tables,
                                 const std::string& common) {
  Lookup found = tables.lookup(name);
  if (std::holds_alternative<NotFound>(found) && !common.empty()) return common;
  return found;
}

// False when there is no transport to pass to.
bool LocalAgent::pass_by(delivery::Attempt& attempt, std::size_t index, const Lookup& transport,
                         const std::string& address) {
  if (std::holds_alternative<NotFound>(transport)) return false;
  if (const auto* failure = std::get_if<Failure>(&transport)) {
    log::warning("{}: transport lookup failure: {}", attempt.request.queue_id, failure->text);
    attempt.results.failed(index, relay(), Failure::deferred("4.3.5", "mail system configuration error"));
  } else {
    passer_->pass(attempt, std::span(&index, 1), std::get<std::string>(transport), relay(), address);
  }
  return true;
}

// Mail that was delivered to this address once and comes back is in a loop.
bool LocalAgent::was_delivered_before(const delivery::Attempt& attempt, std::string_view address) const {
  constexpr std::string_view kName = "Delivered-To:";
  const std::string external = mail::to_external(address);
  return runtime::offload([&] {
    queuefile::ContentReader content = attempt.content(16 * 1024);
    std::string line;
    std::size_t total = 0;
    for (auto piece = content.next(); piece && *piece && total < kHeaderLimit; piece = content.next()) {
      total += (*piece)->text.size();
      if (line.size() < 1024) line += (*piece)->text;
      if (!(*piece)->ends_line) continue;
      if (line.empty()) return false;
      if (starts_with_ignoring_case(line, kName) &&
          equal_ignoring_case(trim(std::string_view(line).substr(kName.size())), external)) {
        return true;
      }
      line.clear();
    }
    return false;
  });
}

}  // namespace posthouse::local
