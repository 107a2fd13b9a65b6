#include "lib/delivery/smtp/session_cache.h"

namespace posthouse::delivery::smtp {

SessionCache::~SessionCache() {
  janitor_.cancel();
}

bool SessionCache::may_be_reused(const Session& session) const {
  if (!settings_.is_enabled || session.is_broken() || settings_.idle_limit.count() == 0) return false;
  if (settings_.use_limit > 0 && session.uses >= settings_.use_limit) return false;
  return std::chrono::steady_clock::now() - session.born < settings_.age_limit;
}

// The most recently used one that fits: the least likely to have been closed.
template <class Matches>
SessionCache::Handle SessionCache::take(Matches matches, bool needs_smtputf8) {
  for (std::size_t i = idle_.size(); i-- > 0;) {
    if (!matches(idle_[i])) continue;
    if (needs_smtputf8 && !idle_[i].session->capabilities().smtputf8) continue;
    Handle session = std::move(idle_[i].session);
    idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
    if (may_be_reused(*session) && !session->is_stale()) return session;
  }
  return nullptr;
}

SessionCache::Handle SessionCache::take_for_destination(const std::string& destination, bool needs_smtputf8) {
  return take([&](const Idle& idle) { return idle.destination == destination; }, needs_smtputf8);
}

SessionCache::Handle SessionCache::take_for_server(const Server& server, bool needs_smtputf8) {
  return take(
      [&](const Idle& idle) {
        const Server& other = idle.session->server();
        return other.address == server.address && other.port == server.port && other.host == server.host &&
               other.is_unix == server.is_unix;
      },
      needs_smtputf8);
}

void SessionCache::dismiss(Handle session) {
  if (session->is_broken()) return;
  runtime::spawn([leaving = std::shared_ptr<Session>(std::move(session))] { leaving->quit(); });
}

void SessionCache::give_back(Handle session, const std::string& destination) {
  if (!may_be_reused(*session) || (session->needs_reset && !session->reset())) {
    dismiss(std::move(session));
    return;
  }
  idle_.push_back({std::move(session), destination, deadline_after(settings_.idle_limit)});
  if (idle_.size() > kMaxIdle) {
    Handle oldest = std::move(idle_.front().session);
    idle_.pop_front();
    dismiss(std::move(oldest));
  }
  if (!janitor_.is_running()) janitor_ = runtime::spawn([this] { expire(); });
}

void SessionCache::expire() {
  while (!idle_.empty()) {
    if (idle_.front().expires > std::chrono::steady_clock::now()) {
      if (runtime::sleep_until(idle_.front().expires) == runtime::Wake::cancelled) return;
      continue;
    }
    Handle session = std::move(idle_.front().session);
    idle_.pop_front();
    dismiss(std::move(session));
  }
}

void SessionCache::clear() {
  while (!idle_.empty()) {
    Handle session = std::move(idle_.front().session);
    idle_.pop_front();
    dismiss(std::move(session));
  }
  janitor_.cancel();  // it would sleep on for a connection that is gone
}

}  // namespace posthouse::delivery::smtp
