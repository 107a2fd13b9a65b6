#include "smtpd/daemons.h"

#include <unordered_map>

#include "lib/base/text.h"
#include "lib/ipc/client.h"
#include "lib/mail/quote.h"

namespace posthouse::smtpd {
namespace {

constexpr auto kAskTime = std::chrono::seconds(100);
constexpr std::size_t kCacheLimit = 10000;

// An address of this form is complete: rewriting it as local mail would change nothing.
bool is_complete(std::string_view address) {
  const auto [local, domain, has_domain] = mail::split_address(address);
  if (!has_domain || domain.ends_with('.')) return false;
  if (domain.find('.') == std::string_view::npos && !domain.starts_with('[')) return false;
  return local.find_first_of("@%!:") == std::string_view::npos && !local.empty();
}

class Daemons : public Neighbours {
 public:
  explicit Daemons(dns::Lookups& dns) : dns_(dns) {}

  Result<ipc::Resolved> resolve(std::string_view sender, std::string_view address) override {
    const std::string key = fmt::format("{}\n{}", sender, address);
    if (const auto known = resolved_.find(key);
        known != resolved_.end() && known->second.expires > std::chrono::steady_clock::now()) {
      return known->second.resolved;
    }
    auto complete = completed(address);
    if (!complete) return fail(std::move(complete.error()));
    auto reply = rewrite_.ask<ipc::ResolveReply>(
        ipc::ResolveQuery{.sender = std::string(sender), .recipients = {std::move(*complete)}},
        deadline_after(kAskTime));
    if (!reply) return fail(std::move(reply.error()));
    if (reply->results.size() != 1) return fail(Failure::deferred("4.3.0", "address resolver failure"));
    ipc::Resolved resolved = std::move(reply->results.front());
    if (reply->max_age > 0 && resolved.status == ipc::Resolved::Status::ok) {
      if (resolved_.size() >= kCacheLimit) resolved_.clear();
      resolved_[key] = {resolved, deadline_after(std::chrono::seconds(reply->max_age))};
    }
    return resolved;
  }

  Result<ipc::VerifyReply> verify(std::string_view address) override {
    auto complete = completed(address);
    if (!complete) return fail(std::move(complete.error()));
    return verify_.ask<ipc::VerifyReply>(ipc::VerifyQuery{.address = std::move(*complete)},
                                         deadline_after(kAskTime));
  }

  Result<bool> flush_site(std::string_view) override {
    return fail(Failure::deferred("4.3.0", "the flush service does not take requests yet"));
  }

  Result<ipc::Connection> take_cleanup(Deadline deadline) override { return cleanup_.take(deadline); }
  void give_back_cleanup(ipc::Connection connection) override { cleanup_.give_back(std::move(connection)); }
  dns::Lookups& dns() override { return dns_; }

 private:
  Result<std::string> completed(std::string_view address) {
    if (is_complete(address)) return std::string(address);
    auto reply = rewrite_.ask<ipc::RewriteReply>(
        ipc::RewriteQuery{.context = "local", .addresses = {std::string(address)}}, deadline_after(kAskTime));
    if (!reply) return fail(std::move(reply.error()));
    if (reply->addresses.size() != 1) return fail(Failure::deferred("4.3.0", "address rewriter failure"));
    return std::move(reply->addresses.front());
  }

  struct Cached {
    ipc::Resolved resolved;
    Deadline expires;
  };
  ipc::Client rewrite_{"private/rewrite"};
  ipc::Client verify_{"private/verify"};
  ipc::Pool cleanup_{"public/cleanup"};
  dns::Lookups& dns_;
  std::unordered_map<std::string, Cached> resolved_;
};

}  // namespace

dns::ResolverSettings dns_settings(const config::MainCf& main_cf) {
  return {.servers = main_cf.value("dns_resolver_servers")};
}

std::unique_ptr<Neighbours> make_neighbours(dns::Lookups& dns) {
  return std::make_unique<Daemons>(dns);
}

}  // namespace posthouse::smtpd
