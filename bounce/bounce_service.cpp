#include "bounce/bounce_service.h"

#include <cerrno>
#include <fstream>
#include <iterator>

#include "lib/base/text.h"
#include "lib/config/core_parameters.h"
#include "lib/log/log.h"
#include "lib/mail/quote.h"
#include "lib/peers/flush_parameters.h"
#include "lib/peers/notice_parameters.h"
#include "lib/runtime/offload.h"
#include "lib/table/settings.h"
#include "lib/table/types.h"

namespace posthouse::bounce {

namespace {

constexpr std::chrono::seconds kIdleLimit{300};

template <class Set>
std::shared_ptr<const Set> must_load(const config::MainCf& main_cf) {
  auto set = config::load<Set>(main_cf);
  if (!set) throw service::StartError(set.error().front().text());
  return *set;
}

std::set<std::string> lower_set(const std::vector<std::string>& words) {
  std::set<std::string> result;
  for (const std::string& word : words) result.insert(lower(word));
  return result;
}

long long seconds_of(const config::MainCf& main_cf, std::string_view name, char unit) {
  return config::parse_seconds(main_cf.value(name), unit).value_or(std::chrono::seconds(0)).count();
}

// $name of a template text: the two times in a unit, else a parameter.
std::string variable(const config::MainCf& main_cf, std::string_view name) {
  for (const auto& [parameter, unit] : {std::pair<std::string_view, char>{"delay_warning_time", 'h'},
                                        std::pair<std::string_view, char>{"maximal_queue_lifetime", 'd'}}) {
    if (!name.starts_with(parameter) || name.size() <= parameter.size() + 1) continue;
    const std::string value =
        time_in_unit(seconds_of(main_cf, parameter, unit), name.substr(parameter.size() + 1));
    if (!value.empty()) return value;
  }
  return main_cf.value(name);
}

Templates load_templates(const config::MainCf& main_cf, const std::string& path) {
  Templates templates = built_in_templates();
  if (!path.empty()) {
    std::ifstream file(path, std::ios::binary);
    if (!file) log::warning("open {}: {}: using the built-in notice texts", path, error_text(errno));
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    for (const std::string& mistake : read_templates(text, templates)) {
      log::warning("{}: {}: the built-in text is used instead", path, mistake);
    }
  }
  for (Template& one : templates) {
    one.text = expand_template(one.text, [&](std::string_view name) { return variable(main_cf, name); });
  }
  return templates;
}

Rules load_rules(const config::MainCf& main_cf, const Parameters& own) {
  const auto identity = must_load<config::Identity>(main_cf);
  const auto notices = must_load<peers::NoticeParameters>(main_cf);
  Rules rules;
  rules.reporter = {.hostname = identity->myhostname(), .origin = identity->myorigin()};
  rules.double_bounce_sender = identity->double_bounce_sender() + "@" + identity->myhostname();
  rules.bounce_recipient = notices->bounce_notice_recipient();
  rules.double_bounce_recipient = notices->double_bounce_notice_recipient();
  rules.delay_recipient = notices->delay_notice_recipient();
  rules.notify_classes = lower_set(notices->notify_classes());
  rules.filtered_classes = lower_set(notices->internal_mail_filter_classes());
  rules.disable_verp = own.disable_verp_bounces();
  rules.is_threaded = own.enable_threaded_bounces();
  rules.queue_lifetime = std::chrono::seconds(seconds_of(main_cf, "maximal_queue_lifetime", 'd'));
  rules.templates = load_templates(main_cf, own.bounce_template_file());
  return rules;
}

}  // namespace

Result<void> BounceService::prepare(const service::Environment& environment) {
  const config::MainCf& main_cf = *environment.main_cf;
  const auto own = must_load<Parameters>(main_cf);
  const auto queue = must_load<config::Queue>(main_cf);
  const auto identity = must_load<config::Identity>(main_cf);
  format_ = {.old_lines = own->backwards_bounce_logfile_compatibility(),
             .keep_utf8 = must_load<config::Messages>(main_cf)->smtputf8_enable()};
  layout_ = queuefile::Layout(join(queue->hash_queue_names(), ","),
                              static_cast<unsigned>(queue->hash_queue_depth()));
  size_limit_ = own->bounce_size_limit();
  auto settings = table::settings_from(environment.main_cf);
  if (!settings) return fail(Failure::deferred("4.3.5", settings.error().front().text()));
  tables_ = std::make_unique<table::Tables>(std::move(*settings), table::all_types());
  const std::string parents = main_cf.value("parent_domain_matches_subdomains");
  flush_domains_ = table::MatchList(
      *tables_, "fast_flush_domains", must_load<peers::FlushParameters>(main_cf)->fast_flush_domains(),
      {.kind = table::MatchList::Kind::domain,
       .parent_matches_subdomains = table::parent_domain_matches(parents, "fast_flush_domains")});
  const auto services = peers::load_services(main_cf);
  if (!services) return fail(services.error());
  flush_ = std::make_unique<peers::FlushClient>(*services);
  submission_ = std::make_unique<peers::Submission>(*services, identity->myhostname(), identity->mail_name());
  notifier_ = std::make_unique<Notifier>(
      load_rules(main_cf, *own), [this](const peers::Outgoing& mail) { return submission_->send(mail); },
      [](const std::string& line, bool is_warning) { is_warning ? log::warning(line) : log::info(line); });
  using Reply = ipc::BounceReply;
  dispatcher_.on<ipc::BounceAppend>([this](const ipc::BounceAppend& query) { return Reply{append(query)}; });
  dispatcher_.on<ipc::BounceFlush>([this](const ipc::BounceFlush& query) { return Reply{flush(query)}; });
  dispatcher_.on<ipc::BounceWarn>(
      [this](const ipc::BounceWarn& query) { return Reply{warn(query.message)}; });
  dispatcher_.on<ipc::BounceOne>([this](const ipc::BounceOne& query) { return Reply{one(query)}; });
  dispatcher_.on<ipc::BounceRemove>([this](const ipc::BounceRemove& query) { return Reply{remove(query)}; });
  return {};
}

void BounceService::serve(runtime::Stream stream) {
  ipc::Connection connection(std::move(stream));
  if (auto served = dispatcher_.serve(connection, kIdleLimit); !served) log::warning(served.error().text);
}

std::optional<LogFile> BounceService::log_of(LogKind kind, const std::string& queue_id) const {
  if (const auto id = queuefile::QueueId::parse(queue_id)) return LogFile(layout_, kind, *id);
  log::warning("bad queue id in request: {}", queue_id);
  return std::nullopt;
}

bool BounceService::append(const ipc::BounceAppend& query) {
  const auto file = log_of(query.log, query.queue_id);
  if (!file) return false;
  std::string entries;
  for (const ipc::DeliveryRecord& record : query.records) bouncelog::append_entry(entries, record, format_);
  const auto done = runtime::offload([&] { return file->append_blocking(entries); });
  if (!done) log::warning("{}: {}", query.queue_id, done.error().text);
  if (done && query.log == LogKind::defer && !flush_domains_.empty()) list_for_flush(query);
  return done.has_value();
}

// ETRN and postqueue -s find the message by these lists. The deferral does not wait for them.
void BounceService::list_for_flush(const ipc::BounceAppend& query) {
  std::set<std::string> sites;
  for (const ipc::DeliveryRecord& record : query.records) {
    const std::string site = lower(mail::split_address(record.recipient.address).domain);
    if (!site.empty() && flush_domains_.matches(site).value_or(false)) sites.insert(site);
  }
  if (sites.empty()) return;
  runtime::spawn([this, sites = std::move(sites), queue_id = query.queue_id] {
    for (const std::string& site : sites) {
      if (auto added = flush_->add(site, queue_id); !added)
        log::warning("{}: {}", queue_id, added.error().text);
    }
  });
}

std::optional<std::vector<ipc::DeliveryRecord>> BounceService::read_log(const LogFile& file, LogKind kind,
                                                                        const std::string& queue_id) const {
  auto text = runtime::offload([&] { return file.read_blocking(); });
  if (!text) {
    log::warning("{}: {}", queue_id, text.error().text);
    return std::nullopt;
  }
  if (!*text) {
    log::warning("{}: open {}: {}", queue_id, file.path(), error_text(ENOENT));
    return std::nullopt;
  }
  bouncelog::ParsedLog parsed = bouncelog::parse_log(**text, kind);
  for (const std::string& warning : parsed.warnings)
    log::warning("{}: {}: {}", queue_id, file.path(), warning);
  return std::move(parsed.records);
}

std::optional<Original> BounceService::read_original(const ipc::BounceMessage& message) const {
  const auto id = queuefile::QueueId::parse(message.queue_id);
  if (!id) return std::nullopt;
  const std::string path = layout_.path(message.queue_name, *id);
  auto original = runtime::offload(
      [&] { return read_original_blocking(queuefile::FileSystem::system(), path, size_limit_); });
  if (original) return std::move(*original);
  log::warning("{}: {}: the notice goes without the message", message.queue_id, original.error().text);
  return std::nullopt;
}

bool BounceService::flush(const ipc::BounceFlush& query) {
  const ipc::BounceMessage& message = query.message;
  const auto file = log_of(query.log, message.queue_id);
  const auto records = file ? read_log(*file, query.log, message.queue_id) : std::nullopt;
  if (!records) return false;
  const auto original = read_original(message);
  const Original* text = original ? &*original : nullptr;
  const bool is_sent = query.log == LogKind::trace ? notifier_->trace(message, *records, text)
                                                   : notifier_->failure(message, *records, text);
  if (!is_sent) return false;
  const auto removed = runtime::offload([&] { return file->remove_blocking(); });
  if (!removed) log::warning("{}: {}", message.queue_id, removed.error().text);
  return true;
}

bool BounceService::warn(const ipc::BounceMessage& message) {
  const auto file = log_of(LogKind::defer, message.queue_id);
  const auto records = file ? read_log(*file, LogKind::defer, message.queue_id) : std::nullopt;
  if (!records) return false;
  const auto original = read_original(message);
  return notifier_->delay(message, *records, original ? &*original : nullptr);
}

bool BounceService::one(const ipc::BounceOne& query) {
  const auto original = read_original(query.message);
  return notifier_->failure(query.message, query.records, original ? &*original : nullptr);
}

bool BounceService::remove(const ipc::BounceRemove& query) {
  const auto file = log_of(query.log, query.queue_id);
  if (!file) return false;
  const auto removed = runtime::offload([&] { return file->remove_blocking(); });
  if (!removed) log::warning("{}: {}", query.queue_id, removed.error().text);
  return removed.has_value();
}

}  // namespace posthouse::bounce
