#include "smtpd/destinations.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/mail/dsn.h"
#include "lib/mail/host_name.h"
#include "lib/mail/quote.h"
#include "lib/runtime/fiber.h"

namespace posthouse::smtpd {
namespace {

using ipc::AddressClass;
using ipc::Resolved;

// The recipient (or sender) resolved; nothing after `check` has refused.
std::optional<Resolved> resolve(Check& check, Subject subject, Outcome& refused) {
  Session& session = check.session();
  const std::string& sender = session.transaction ? session.transaction->sender : std::string();
  const std::string address = subject == Subject::sender ? sender : session.recipient;
  auto resolved = session.neighbours().resolve(sender, address);
  refused = Outcome::reject;
  if (!resolved || resolved->status == Resolved::Status::temporary) {
    refused = check.table_trouble(subject);
    return std::nullopt;
  }
  if (resolved->status == Resolved::Status::bad_syntax) {
    refused = subject == Subject::sender ? check.reject(501, "5.1.7", "Bad sender address syntax")
                                         : check.reject(501, "5.1.3", "Bad recipient address syntax");
    return std::nullopt;
  }
  return std::move(*resolved);
}

Outcome refuse_unauthorised(Check& check, int code, std::string_view dsn) {
  if (check.session().recipient.empty()) return Outcome::dunno;  // CONNECT, ETRN, DATA of many recipients
  Outcome refused;
  const auto resolved = resolve(check, Subject::recipient, refused);
  if (!resolved) return refused;
  if (is_authorised_destination(check, *resolved)) return Outcome::dunno;
  return check.reject(code, dsn, fmt::format("<{}>: Relay access denied", check.what(Subject::recipient)));
}

struct ClassRules {
  const table::TableList* tables;
  int code;
  std::string_view name;
};

// Which table lists the users of a class; none for addresses of other hosts.
std::optional<ClassRules> rules_of(const Check& check, AddressClass address_class) {
  const Settings& settings = check.settings();
  const Params& params = check.params();
  switch (address_class) {
    case AddressClass::local:
      return ClassRules{&settings.local_recipients, params.unknown_local_code(), "local recipient"};
    case AddressClass::virtual_mailbox:
      return ClassRules{&settings.virtual_mailboxes, params.unknown_virtual_mailbox_code(),
                        "virtual mailbox"};
    case AddressClass::relay:
      return ClassRules{&settings.relay_recipients, params.unknown_relay_code(), "relay recipient"};
    case AddressClass::virtual_alias:
      return ClassRules{nullptr, params.unknown_virtual_alias_code(), "virtual alias"};
    case AddressClass::other:
      break;
  }
  return std::nullopt;
}

// Found, not found, or trouble, over several lists of tables.
Result<bool> is_listed(const std::vector<const table::TableList*>& lists, std::string_view address,
                       const table::AddressRules& rules) {
  for (const table::TableList* list : lists) {
    if (!list || list->empty()) continue;
    auto found = table::find_address(*list, address, rules);
    if (auto* trouble = std::get_if<Failure>(&found)) return fail(std::move(*trouble));
    if (std::holds_alternative<table::AddressMatch>(found)) return true;
  }
  return false;
}

// A value that makes no sense is a mistake of the configuration.
Outcome lookup_trouble(Check& check, Subject subject, const Failure& why) {
  return why.dsn == "4.3.5" ? check.misconfigured() : check.table_trouble(subject);
}

// A transport named error or retry refuses at once, with its own text.
std::optional<Outcome> refuse_error_transport(Check& check, Subject subject, const Resolved& resolved) {
  const bool is_error =
      resolved.transport == "error" || resolved.transport == check.settings().services.error_transport;
  if (!is_error && resolved.transport != "retry") return std::nullopt;
  const auto default_dsn = subject == Subject::sender ? "5.1.0" : "5.1.1";
  const auto [dsn, text] = mail::split_dsn(resolved.nexthop, default_dsn);
  return check.reject(is_error ? 550 : 450, check.status_for(subject, dsn),
                      check.rejected(subject, text.empty() ? "Address is undeliverable" : text));
}

Outcome refuse_unlisted(Check& check, Subject subject) {
  Outcome refused;
  const auto resolved = resolve(check, subject, refused);
  if (!resolved) return refused;
  const Settings& settings = check.settings();
  const std::string& address = resolved->recipient;
  const auto [local, domain, has_domain] = mail::split_address(address);
  if (equal_ignoring_case(local, settings.identity->double_bounce_sender()) &&
      resolved->address_class == AddressClass::local) {
    return Outcome::dunno;
  }
  const table::TableList& canonical =
      subject == Subject::sender ? settings.sender_canonical : settings.recipient_canonical;
  const auto mapped = is_listed({&canonical, &settings.canonical, &settings.virtual_aliases}, address,
                                settings.address_rules);
  if (!mapped) return lookup_trouble(check, subject, mapped.error());
  if (*mapped) return Outcome::dunno;
  const bool is_alias_domain = resolved->address_class == AddressClass::virtual_alias;
  if (!is_alias_domain) {
    if (const auto error = refuse_error_transport(check, subject, *resolved)) return *error;
  }
  const auto rules = rules_of(check, resolved->address_class);
  if (!rules || (rules->tables && rules->tables->empty())) return Outcome::dunno;
  const auto listed = is_listed({rules->tables}, address, settings.address_rules);
  if (!listed) return lookup_trouble(check, subject, listed.error());
  if (*listed) return Outcome::dunno;
  // Of alias domains the reference speaks always so: the table is named, the status is a recipient's.
  const std::string text = check.settings().shows_table_name || is_alias_domain
                               ? fmt::format("User unknown in {} table", rules->name)
                               : std::string("User unknown");
  const bool is_recipient_status = subject == Subject::recipient || is_alias_domain;
  return check.reject(rules->code, check.status_for(subject, is_recipient_status ? "5.1.1" : "5.1.0"),
                      check.rejected(subject, text), trouble::kBounce);
}

struct Verification {
  Subject subject;
  int reject_code, defer_code;
  std::string_view reason, tempfail_action, dsn;
};

Outcome refuse_unverified(Check& check, const std::string& address, const Verification& rules) {
  Session& session = check.session();
  Result<ipc::VerifyReply> reply = session.neighbours().verify(address);
  for (int i = 1; i < check.params().verify_poll_count(); ++i) {
    if (!reply || reply->status != ipc::VerifyStatus::in_progress) break;
    runtime::sleep_for(check.params().verify_poll_delay());
    reply = session.neighbours().verify(address);
  }
  const auto text = [&](std::string_view kind, std::string_view detail) {
    return check.rejected(rules.subject,
                          fmt::format("{}: {}", kind, rules.reason.empty() ? detail : rules.reason));
  };
  if (!reply) {
    return check.tempfail(rules.tempfail_action, rules.defer_code, rules.dsn,
                          text("unverified address", "Address verification status unavailable"));
  }
  switch (reply->status) {
    case ipc::VerifyStatus::deliverable:
      return Outcome::dunno;
    case ipc::VerifyStatus::undeliverable:
      return check.reject(
          rules.reject_code, rules.dsn,
          text(rules.reject_code >= 500 ? "undeliverable address" : "unverified address", reply->text));
    case ipc::VerifyStatus::deferred:
    case ipc::VerifyStatus::in_progress:
      break;
  }
  return check.tempfail(rules.tempfail_action, rules.defer_code, rules.dsn,
                        text("unverified address", reply->text));
}

struct MxHost {
  bool is_own = false;
  bool is_in_networks = false;  // permit_mx_backup_networks
};

Result<MxHost> look_at_mx_host(Check& check, const std::string& host) {
  Session& session = check.session();
  const table::MatchList& networks = check.settings().mx_backup_networks;
  MxHost seen;
  for (const dns::Type type : check.settings().address_types) {
    const dns::Reply reply = session.neighbours().dns().query(host, type, session.deadline());
    for (const dns::Record& record : reply.records) {
      if (check.settings().is_own_address(record.value)) return MxHost{.is_own = true};
      const auto is_inside = networks.matches(host, record.value);
      if (!is_inside) return fail(is_inside.error());
      seen.is_in_networks = seen.is_in_networks || *is_inside;
    }
  }
  return seen;
}

}  // namespace

bool is_authorised_destination(Check& check, const Resolved& resolved) {
  if (resolved.address_class == AddressClass::other) return false;
  return check.settings().allows_untrusted_routing || !resolved.is_routed;
}

Outcome reject_unauth_destination(Check& check) {
  return refuse_unauthorised(check, check.params().relay_reject_code(), "5.7.1");
}

Outcome defer_unauth_destination(Check& check) {
  return refuse_unauthorised(check, 400 + check.params().relay_reject_code() % 100, "4.7.1");
}

Outcome permit_auth_destination(Check& check) {
  if (check.session().recipient.empty()) return Outcome::dunno;
  Outcome refused;
  const auto resolved = resolve(check, Subject::recipient, refused);
  if (!resolved) return refused;
  return is_authorised_destination(check, *resolved) ? Outcome::permit : Outcome::dunno;
}

// This host is an MX host of the domain, and not its best one unless it is final there.
Outcome permit_mx_backup(Check& check) {
  if (check.session().recipient.empty()) return Outcome::dunno;
  Outcome refused;
  const auto resolved = resolve(check, Subject::recipient, refused);
  if (!resolved) return refused;
  if (is_authorised_destination(check, *resolved)) return Outcome::permit;
  if (resolved->is_routed) return Outcome::dunno;
  const std::string domain(mail::split_address(resolved->recipient).domain);
  if (domain.empty() || domain.starts_with('[')) return Outcome::dunno;
  Session& session = check.session();
  const dns::Reply reply = session.neighbours().dns().query(domain, dns::Type::mx, session.deadline());
  if (reply.outcome == dns::Outcome::temporary) {
    check.defer_if_reject(reply_of(
        450, "4.4.4",
        check.rejected(Subject::recipient,
                       fmt::format("Unable to look up mail exchanger information: {}", reply.reason()))));
    return Outcome::dunno;
  }
  std::uint16_t best = 0xFFFF;
  for (const dns::Record& record : reply.records) best = std::min(best, record.preference);
  bool is_backup = false, primary_fits = check.settings().mx_backup_networks.empty();
  for (const dns::Record& record : reply.records) {
    const auto seen = look_at_mx_host(check, record.value);
    if (!seen) return check.table_trouble(Subject::recipient);
    is_backup = is_backup || seen->is_own;
    primary_fits = primary_fits || (record.preference == best && seen->is_in_networks);
  }
  return is_backup && primary_fits ? Outcome::permit : Outcome::dunno;
}

Outcome reject_unlisted_recipient(Check& check) {
  return check.session().recipient.empty() ? Outcome::dunno : refuse_unlisted(check, Subject::recipient);
}

Outcome reject_unlisted_sender(Check& check) {
  const auto& transaction = check.session().transaction;
  return !transaction || transaction->sender.empty() ? Outcome::dunno
                                                     : refuse_unlisted(check, Subject::sender);
}

Outcome reject_unverified_recipient(Check& check) {
  const Params& params = check.params();
  return refuse_unverified(
      check, check.session().recipient,
      {Subject::recipient, params.unverified_recipient_code(), params.unverified_recipient_defer_code(),
       params.unverified_recipient_reason(), params.unverified_recipient_tempfail(), "4.1.1"});
}

Outcome reject_unverified_sender(Check& check) {
  const auto& transaction = check.session().transaction;
  if (!transaction || transaction->sender.empty()) return Outcome::dunno;
  const Params& params = check.params();
  return refuse_unverified(
      check, transaction->sender,
      {Subject::sender, params.unverified_sender_code(), params.unverified_sender_defer_code(),
       params.unverified_sender_reason(), params.unverified_sender_tempfail(), "4.1.7"});
}

}  // namespace posthouse::smtpd
