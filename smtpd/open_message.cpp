#include "smtpd/open_message.h"

#include <fmt/format.h>

#include "lib/log/log.h"
#include "smtpd/session.h"

namespace posthouse::smtpd {
namespace {

using Attributes = std::vector<ipc::Attribute>;

void add(Attributes& list, std::string_view name, std::string_view value) {
  if (!value.empty()) list.push_back({std::string(name), std::string(value)});
}

// What is logged about the client; XFORWARD values stand for it.
void add_logged_client(Attributes& list, const Session& session) {
  const Client& client = session.client;
  const Forwarded& forwarded = session.forwarded;
  const auto pick = [&](const std::string& given, std::string_view own) {
    return forwarded.is_given && !given.empty() ? std::string_view(given) : own;
  };
  const std::string own_address = (client.is_ipv6() ? "IPV6:" : "") + client.address;
  const std::string_view name = pick(forwarded.name, client.name);
  const std::string_view address = pick(forwarded.address, own_address);
  add(list, "log_client_name", name);
  add(list, "log_client_address", address);
  add(list, "log_client_port", pick(forwarded.port, client.port));
  const std::string_view bare = address.starts_with("IPV6:") ? address.substr(5) : address;
  add(list, "log_message_origin",
      fmt::format("{}[{}]{}", name, bare, client.logs_port ? ":" + client.port : std::string()));
  add(list, "log_helo_name", pick(forwarded.helo, session.helo_name.value_or("")));
  add(list, "log_protocol_name", pick(forwarded.protocol, session.protocol()));
}

void add_client(Attributes& list, const Session& session) {
  const Client& client = session.client;
  add(list, "client_name", client.name);
  add(list, "reverse_client_name", client.reverse_name);
  add(list, "client_address", client.address);
  add(list, "client_port", client.port);
  add(list, "server_address", client.server_address);
  add(list, "server_port", client.server_port);
  add(list, "helo_name", session.helo_name.value_or(""));
  add(list, "protocol_name", session.protocol());
  add(list, "client_address_type", std::to_string(client.family));
}

ipc::CleanupOpen opening(const Session& session, const Transaction& transaction) {
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(transaction.arrival.time_since_epoch()).count();
  ipc::CleanupOpen open;
  open.flags = session.settings().cleanup_flags | (transaction.smtputf8 ? ipc::cleanup_flag::kSmtpUtf8 : 0);
  open.arrival_seconds = micros / 1'000'000;
  open.arrival_microseconds = static_cast<std::int32_t>(micros % 1'000'000);
  open.filter = session.params().content_filter();
  if (session.forwarded.is_given) add(open.attributes, "log_ident", session.forwarded.ident);
  add(open.attributes, "rewrite_context", transaction.is_local_origin ? "local" : "remote");
  add(open.attributes, "envelope_id", transaction.envelope_id);
  if (transaction.ret_flags != 0) add(open.attributes, "ret_flags", std::to_string(transaction.ret_flags));
  open.sender = transaction.sender;
  open.verp_delimiters = transaction.verp_delimiters;
  add(open.late_attributes, "encoding", transaction.encoding);
  add_logged_client(open.late_attributes, session);
  add_client(open.late_attributes, session);
  return open;
}

}  // namespace

std::optional<Reply> open_message(Session& session) {
  Transaction& transaction = *session.transaction;
  if (transaction.handover) return std::nullopt;
  auto handover =
      session.neighbours().open_message(opening(session, transaction), session.deadline_for_cleanup());
  if (!handover) return reply_of(451, handover.error().dsn, handover.error().text, trouble::kResource);
  transaction.handover = std::move(*handover);
  std::string original;
  if (session.forwarded.is_given) {
    if (!session.forwarded.ident.empty()) original += ", orig_queue_id=" + session.forwarded.ident;
    const std::string& address = session.forwarded.address;
    if (!address.empty() || !session.forwarded.name.empty()) {
      original += fmt::format(", orig_client={}[{}]",
                              session.forwarded.name.empty() ? "unknown" : session.forwarded.name,
                              address.starts_with("IPV6:") ? address.substr(5)
                              : address.empty()            ? "unknown"
                                                           : address);
    }
  }
  log::info("{}: client={}{}", transaction.queue_id(), session.client.label(), original);
  return std::nullopt;
}

}  // namespace posthouse::smtpd
