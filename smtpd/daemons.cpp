#include "smtpd/daemons.h"

#include "lib/ipc/client.h"
#include "lib/peers/flush_client.h"
#include "lib/peers/rewrite_client.h"
#include "lib/peers/verify_client.h"

namespace posthouse::smtpd {
namespace {

constexpr auto kAskTime = std::chrono::seconds(100);

class Daemons : public Neighbours {
 public:
  Daemons(const peers::Services& services, dns::Lookups& dns, const config::Identity& identity)
      : services_(services),
        rewrite_(services),
        flush_(services),
        verify_(services),
        cleanup_(services.cleanup, services.keeping),
        submission_(services, identity.myhostname(), identity.mail_name()),
        dns_(dns) {}

  Result<ipc::Resolved> resolve(std::string_view sender, std::string_view address) override {
    return rewrite_.resolve(sender, std::string(address), services_.deadline(kAskTime));
  }

  Result<ipc::VerifyReply> verify(std::string_view address) override {
    const Deadline deadline = services_.deadline(kAskTime);
    auto complete = rewrite_.rewrite("local", std::string(address), deadline);
    if (!complete) return fail(std::move(complete.error()));
    return verify_.query(*complete, deadline);
  }

  Result<bool> flush_site(std::string_view domain) override {
    auto status = flush_.flush_site(std::string(domain));
    if (!status) return fail(std::move(status.error()));
    return *status == ipc::FlushStatus::ok;
  }

  Result<ipc::Connection> take_cleanup(Deadline deadline) override { return cleanup_.take(deadline); }
  void give_back_cleanup(ipc::Connection connection) override { cleanup_.give_back(std::move(connection)); }
  Result<std::string> submit(const peers::Outgoing& mail) override { return submission_.send(mail); }
  dns::Lookups& dns() override { return dns_; }

 private:
  const peers::Services services_;
  peers::RewriteClient rewrite_;
  peers::FlushClient flush_;
  peers::VerifyClient verify_;
  ipc::Pool cleanup_;
  peers::Submission submission_;
  dns::Lookups& dns_;
};

// Serves a user who started us: mail goes the way of sendmail, also when the mail system is down. Nothing is
// resolved: there is no access control to ask, and addresses are judged when the mail is picked up.
class UserDaemons : public Daemons {
 public:
  UserDaemons(const peers::Services& services, dns::Lookups& dns, const config::Identity& identity,
              PostdropSettings postdrop)
      : Daemons(services, dns, identity), postdrop_(std::move(postdrop)) {}

  Result<ipc::Resolved> resolve(std::string_view, std::string_view) override {
    return fail(Failure::deferred("4.3.0", "no address resolver for users"));
  }
  Result<std::unique_ptr<Handover>> open_message(const ipc::CleanupOpen& message, Deadline) override {
    return open_in_postdrop(postdrop_, message);
  }

 private:
  const PostdropSettings postdrop_;
};

}  // namespace

dns::ResolverSettings dns_settings(const config::MainCf& main_cf) {
  return {.servers = main_cf.value("dns_resolver_servers"),
          .idna2003 = main_cf.value("enable_idna2003_compatibility") == "yes"};
}

std::unique_ptr<Neighbours> make_neighbours(const peers::Services& services, dns::Lookups& dns,
                                            const config::Identity& identity) {
  return std::make_unique<Daemons>(services, dns, identity);
}

std::unique_ptr<Neighbours> make_user_neighbours(const peers::Services& services, dns::Lookups& dns,
                                                 const config::Identity& identity,
                                                 PostdropSettings postdrop) {
  return std::make_unique<UserDaemons>(services, dns, identity, std::move(postdrop));
}

}  // namespace posthouse::smtpd
