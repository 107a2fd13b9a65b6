#include "verify/service.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "lib/config/core_parameters.h"
#include "lib/log/log.h"
#include "lib/peers/verify_parameters.h"
#include "lib/table/settings.h"
#include "lib/table/types.h"
#include "verify/parameters.h"

namespace posthouse::verify {
namespace {

const std::set<std::string> kFileTypes{"hash", "btree", "lmdb", "cdb"};

constexpr std::chrono::seconds kIdleLimit{3600};
constexpr std::chrono::seconds kSyncInterval{5};

template <class Set>
Result<std::shared_ptr<const Set>> load_set(const config::MainCf& main_cf) {
  auto set = config::load<Set>(main_cf);
  if (set) return std::move(*set);
  std::string text;
  for (const auto& problem : set.error()) text += (text.empty() ? "" : "; ") + problem.text();
  return fail(Failure::deferred("4.3.5", std::move(text)));
}

// The cache file belongs to mail_owner although the process is still root when it opens it.
class OwnersRights {
 public:
  explicit OwnersRights(const std::string& owner) {
    const passwd* entry = ::geteuid() == 0 ? ::getpwnam(owner.c_str()) : nullptr;
    changed_ = entry != nullptr && ::setegid(entry->pw_gid) == 0 && ::seteuid(entry->pw_uid) == 0;
  }
  ~OwnersRights() {
    if (changed_ && (::seteuid(0) != 0 || ::setegid(0) != 0)) log::die("cannot take back root's rights");
  }
  OwnersRights(const OwnersRights&) = delete;
  OwnersRights& operator=(const OwnersRights&) = delete;

 private:
  bool changed_ = false;
};

// A cache file in a directory that belongs to somebody else moves to the data directory.
std::string redirected(const std::string& map, const std::string& mail_owner,
                       const std::string& data_directory) {
  constexpr std::string_view kDebug = "debug:";
  if (map.starts_with(kDebug))
    return std::string(kDebug) + redirected(map.substr(kDebug.size()), mail_owner, data_directory);
  const auto colon = map.find(":/");
  const auto slash = map.rfind('/');
  if (colon == std::string::npos || !kFileTypes.contains(map.substr(0, colon))) return map;
  const std::string directory = map.substr(colon + 1, slash - colon - 1);
  const passwd* account = ::getpwnam(mail_owner.c_str());
  struct stat found;
  if (account == nullptr || ::stat(directory.c_str(), &found) != 0 || found.st_uid == account->pw_uid)
    return map;
  log::warning("request to update table {} in non-postfix directory {}", map, directory);
  log::warning("redirecting the request to postfix-owned data_directory {}", data_directory);
  return map.substr(0, colon + 1) + data_directory + map.substr(slash);
}

}  // namespace

Result<void> Verify::load(const service::Environment& environment) {
  auto own = load_set<Parameters>(*environment.main_cf);
  if (!own) return fail(std::move(own.error()));
  auto shared = load_set<peers::VerifyParameters>(*environment.main_cf);
  if (!shared) return fail(std::move(shared.error()));
  auto identity = load_set<config::Identity>(*environment.main_cf);
  if (!identity) return fail(std::move(identity.error()));
  const auto services = peers::load_services(*environment.main_cf);
  if (!services) return fail(services.error());
  probes_ = std::make_shared<ProbeSender>(*services);
  const auto& from = **own;
  map_ = from.address_verify_map();
  rules_ = {.positive_expire = from.address_verify_positive_expire_time(),
            .positive_refresh = from.address_verify_positive_refresh_time(),
            .negative_expire = from.address_verify_negative_expire_time(),
            .negative_refresh = from.address_verify_negative_refresh_time(),
            .negative_cache = (*shared)->address_verify_negative_cache()};
  cleanup_interval_ = from.address_verify_cache_cleanup_interval();
  sender_.emplace((*shared)->address_verify_sender(), (*shared)->address_verify_sender_ttl(),
                  (*identity)->myorigin());
  return {};
}

Result<void> Verify::open_cache(const service::Environment& environment) {
  auto settings = table::settings_from(environment.main_cf);
  if (!settings) return fail(Failure::deferred("4.3.5", settings.error().front().text()));
  auto directories = load_set<config::Directories>(*environment.main_cf);
  if (!directories) return fail(std::move(directories.error()));
  auto rights = load_set<config::Rights>(*environment.main_cf);
  if (!rights) return fail(std::move(rights.error()));
  tables_ = std::make_unique<table::Tables>(std::move(*settings), table::all_types());
  // Without a map what is learnt lives as long as the process.
  const std::string spec = map_.empty()
                               ? "internal:verify"
                               : redirected(map_, (*rights)->mail_owner(), (*directories)->data_directory());
  // A trial makes no file, and the file may be locked by the process at work.
  const auto flags = environment.is_trial ? table::kCacheFlags | table::Flag::trial : table::kCacheFlags;
  const OwnersRights owner((*rights)->mail_owner());
  auto opened = tables_->open_private(spec, flags);
  if (!opened) return fail(std::move(opened.error()));
  cache_ = std::make_unique<table::Cache>(std::move(*opened), spec);
  store_ = std::make_unique<AddressStore>(*cache_, rules_,
                                          [this](const std::string& address) { send_probe(address); });
  return {};
}

Result<void> Verify::prepare(const service::Environment& environment) {
  if (auto loaded = load(environment); !loaded) return loaded;
  if (auto opened = open_cache(environment); !opened) return opened;
  dispatcher_.on<ipc::VerifyQuery>(
      [this](const ipc::VerifyQuery& query) { return store_->query(query.address); });
  dispatcher_.on<ipc::VerifyUpdate>([this](const ipc::VerifyUpdate& update) {
    return ipc::VerifyUpdated{store_->update(update.address, update.status, update.text)};
  });
  return {};
}

void Verify::start() {
  cleaner_ = runtime::spawn([this] {
    const runtime::IdleScope idle;
    cache_->keep_clean(cleanup_interval_, [this](std::string_view key, std::string_view value) {
      return store_->keeps(key, value);
    });
  });
  runtime::spawn([this] {
    const runtime::IdleScope idle;
    while (runtime::sleep_for(kSyncInterval) != runtime::Wake::cancelled) cache_->sync();
  });
}

void Verify::serve(runtime::Stream stream) {
  ipc::Connection connection(std::move(stream));
  if (auto served = dispatcher_.serve(connection, kIdleLimit); !served)
    log::warning("{}", served.error().text);
}

Result<void> Verify::reload(const service::Environment& environment) {
  const std::string map = map_;
  if (auto loaded = load(environment); !loaded) return loaded;
  if (map != map_) {
    // The old cache may be locked for the life of the process: the successor opens the new one.
    log::info("address_verify_map has changed -- restarting");
    service::request_drain();
  }
  store_->set_rules(rules_);
  return {};
}

void Verify::drain() {
  cleaner_.cancel();
  cache_->sync();
}

void Verify::send_probe(const std::string& address) {
  runtime::spawn([this, address, probes = probes_] {
    const std::string sender = sender_->at(unix_seconds(Clock::system().now()));
    if (auto sent = probes->send(sender, address); !sent) {
      log::warning("address verification probe for {}: {}", address, sent.error().text);
      store_->probe_failed(address);
    }
  });
}

}  // namespace posthouse::verify
