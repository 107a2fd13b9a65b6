#include "lib/delivery/smtp/client.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/log/log.h"

namespace posthouse::delivery::smtp {
namespace {

constexpr std::chrono::hours kNoLimit{1};  // the system's own limit on connecting is shorter

}  // namespace

struct Client::Progress {
  Attempt& attempt;
  bool needs_smtputf8 = false;
  std::string_view site;     // the destination that is tried
  bool is_last_own = false;  // only fallback relays come after it
  // This mail system is an MX host of the destination: a fallback relay would hand the mail back.
  bool is_mx_host = false;
  std::size_t sessions = 0;  // that got as far as EHLO
  Relay relay;               // of the last server that was talked to
  Failure failure = Failure::deferred("4.4.4", "no server to try");
  std::vector<std::string> tried;  // servers that have seen this message

  bool is_finished() const { return !attempt.results.has_open(); }
  const std::string& queue_id() const { return attempt.request.queue_id; }
  std::chrono::seconds age() const {
    const Time arrival{std::chrono::microseconds(attempt.request.arrival_time)};
    return std::chrono::duration_cast<std::chrono::seconds>(Clock::system().now() - arrival);
  }
};

// Where a server stands among those of its destination.
struct Client::Place {
  std::string destination;  // empty: a connection to it does not stand for the destination
  bool is_sole = false;
  bool is_final = false;  // nothing else is tried after it
};

Client::Client(Settings settings, RouterPeers peers, std::shared_ptr<const GenericMap> generic,
               peers::Submit submit)
    : settings_(std::move(settings)),
      router_(settings_.route, std::move(peers)),
      cache_(settings_.reuse),
      passer_(settings_.services),
      generic_(std::move(generic)),
      submit_(std::move(submit)) {}

void Client::deliver(Attempt& attempt) {
  Progress progress{attempt};
  progress.needs_smtputf8 =
      (attempt.request.send_options & 1) != 0 && (attempt.request.send_options & ~1U) != 0;
  std::vector<std::string_view> sites = destinations_of(attempt.request.nexthop);
  const std::size_t own_sites = sites.size();
  for (std::string_view relay : destinations_of(settings_.fallback_relay)) sites.push_back(relay);
  for (std::size_t i = 0; i < sites.size() && !progress.is_finished(); ++i) {
    progress.site = sites[i];
    progress.is_last_own = i + 1 >= own_sites;
    try_destination(progress, sites[i], i + 1 == sites.size());
    if (is_loop_to_self(progress.failure) || (progress.is_mx_host && progress.is_last_own)) break;
  }
  if (is_loop_to_self(progress.failure) && !settings_.best_mx_transport.empty()) pass_on(attempt);
  if (!progress.is_finished()) attempt.results.fail_rest(progress.relay, progress.failure);
}

// Another transport takes what would come back.
void Client::pass_on(Attempt& attempt) {
  const auto recipients = attempt.results.open();
  passer_.pass(attempt, recipients, settings_.best_mx_transport, {});
}

void Client::try_destination(Progress& progress, std::string_view text, bool is_last) {
  const std::string key = lower(text);
  if (try_kept(progress, key, is_last)) return;
  const auto destination = parse_destination(text, settings_.route.default_service, settings_.route.is_lmtp);
  auto servers = destination ? router_.route(*destination, &progress.is_mx_host)
                             : Result<std::vector<Server>>(fail(destination.error()));
  is_last = is_last || (progress.is_mx_host && progress.is_last_own);
  if (!servers) {
    progress.relay = {};
    progress.failure = std::move(servers.error());
    if (is_last && !progress.failure.is_permanent())
      progress.attempt.results.destination_failed(progress.failure);
    if (!is_last && !is_loop_to_self(progress.failure))
      log::info("{}: {}", progress.queue_id(), progress.failure.text);
    return;
  }
  try_servers(progress, *servers, key, is_last);
}

// A connection that was used for this very destination saves the lookups. Whatever it says counts as one try;
// what it leaves open goes the long way.
bool Client::try_kept(Progress& progress, const std::string& destination, bool is_last) {
  auto session = cache_.take_for_destination(destination, progress.needs_smtputf8);
  if (!session) return false;
  ++progress.sessions;
  const bool is_final = is_last && session->is_sole;
  use(progress, std::move(session), destination, is_final);
  return progress.is_finished();
}

void Client::try_servers(Progress& progress, const std::vector<Server>& servers,
                         const std::string& destination, bool is_last) {
  for (std::size_t i = 0; i < servers.size() && !progress.is_finished(); ++i) {
    const std::size_t limit = settings_.session_limit;
    if (std::ranges::find(progress.tried, servers[i].name_and_port()) != progress.tried.end()) continue;
    const bool is_last_session = limit > 0 && progress.sessions + 1 >= limit;
    const Place place{.destination = servers[i].is_best ? destination : std::string(),
                      .is_sole = servers.size() == 1,
                      .is_final = is_last && (i + 1 == servers.size() || is_last_session)};
    try_server(progress, servers[i], place);
    if (limit > 0 && progress.sessions >= limit) break;
  }
}

void Client::try_server(Progress& progress, const Server& server, const Place& place) {
  auto session = cache_.take_for_server(server, progress.needs_smtputf8);
  if (!session) session = open(progress, server, place.is_final);
  if (!session) return;
  ++progress.sessions;
  session->is_sole = place.is_sole;
  use(progress, std::move(session), place.destination, place.is_final);
}

Result<runtime::Stream> Client::connect_from_here(const Server& server, Deadline deadline) const {
  const std::string& source = server.is_ipv6 ? settings_.bind_address6 : settings_.bind_address;
  auto stream = runtime::connect_tcp(server.address, server.port, deadline, source);
  if (stream || stream.error().dsn != runtime::kNoSource) return stream;
  log::warning("smtp_connect_addr: bind {}: {}", source, stream.error().text);
  if (settings_.bind_address_enforce) return stream;
  return runtime::connect_tcp(server.address, server.port, deadline);
}

SessionCache::Handle Client::connect(Progress& progress, const Server& server) {
  const auto& timeout = settings_.session.timeouts.connect;
  const Deadline deadline = timeout.count() > 0 ? deadline_after(timeout) : deadline_after(kNoLimit);
  auto stream =
      server.is_unix ? runtime::connect_unix(server.address, deadline) : connect_from_here(server, deadline);
  if (stream) return std::make_unique<Session>(*std::move(stream), server, settings_.session);
  progress.relay = {};
  progress.failure = stream.error().dsn == runtime::kNoSource
                         ? Failure::deferred("4.4.0", "server configuration error")
                         : connection_failed(server, stream.error().text);
  log::info(progress.failure.text);
  return nullptr;
}

// A new session; the failure is recorded (or, with more servers to come, only logged) when there is none.
SessionCache::Handle Client::open(Progress& progress, const Server& server, bool is_final) {
  auto session = connect(progress, server);
  if (!session) {
    if (is_final) progress.attempt.results.destination_failed(progress.failure);
    return nullptr;
  }
  session->queue_id = progress.queue_id();
  auto opened = session->open(progress.age());
  if (opened && session->is_self()) opened = fail(loops_to_self(progress.site));
  if (opened) return session;
  progress.relay = {.name = server.name_and_port(), .ready = Clock::system().now()};
  progress.failure = opened.error();
  tell_postmaster(progress, *session);
  SessionCache::dismiss(std::move(session));
  if (progress.failure.is_permanent()) {
    progress.attempt.results.fail_rest(progress.relay, progress.failure);
  } else if (is_final) {
    progress.attempt.results.destination_failed(progress.failure);
  } else {
    std::string text = progress.failure.text;
    std::ranges::replace(text, '\n', ' ');
    log::info("{}: {}", progress.queue_id(), text);
  }
  return nullptr;
}

void Client::use(Progress& progress, SessionCache::Handle session, const std::string& destination,
                 bool is_final) {
  using End = Transaction::End;
  progress.tried.push_back(session->server().name_and_port());
  for (bool is_again = false;; is_again = true) {
    ++session->uses;
    Trial trial{.is_final = is_final, .relay = {.ready = Clock::system().now()}, .generic = generic_.get()};
    Transaction transaction(*session, progress.attempt, settings_.transaction, std::move(trial));
    const End end = transaction.run();
    if (end == End::stale && !is_again) {
      const Server server = session->server();
      session = open(progress, server, is_final);
      if (!session) return;
      continue;
    }
    if (!progress.is_finished()) {
      progress.relay = transaction.relay();
      progress.failure = transaction.last_failure();
    }
    tell_postmaster(progress, *session);
    if (end == End::done) cache_.give_back(std::move(session), destination);
    return;
  }
}

// Not about mail of our own: one notice could cause the next.
void Client::tell_postmaster(const Progress& progress, Session& session) const {
  const std::string& sender = progress.attempt.request.sender;
  const bool is_own_mail = sender.empty() || equal_ignoring_case(sender, settings_.notices.sender);
  if (session.has_protocol_error() && !is_own_mail) {
    const std::string server = session.server().name_and_port();
    const std::string subject =
        fmt::format("{} client: errors from {}", settings_.route.is_lmtp ? "LMTP" : "SMTP", server);
    const std::string opening = fmt::format("Unexpected response from {}.", server);
    peers::tell_postmaster({.classes = peers::trouble::kProtocol,
                            .subject = subject,
                            .opening = opening,
                            .ending = {},
                            .transcript = session.record()},
                           settings_.notices, submit_);
  }
  session.forget_record();
}

}  // namespace posthouse::delivery::smtp
