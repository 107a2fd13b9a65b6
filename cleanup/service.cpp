#include "cleanup/service.h"

#include <fmt/format.h>

#include <algorithm>

#include "cleanup/parameters.h"
#include "lib/base/text.h"
#include "lib/config/core_parameters.h"
#include "lib/log/log.h"
#include "lib/table/local_domain.h"
#include "lib/table/parameters.h"
#include "lib/table/settings.h"
#include "lib/table/types.h"

namespace posthouse::cleanup {

namespace {

constexpr auto kIdleLimit = std::chrono::seconds(3600);

template <class Set>
Result<std::shared_ptr<const Set>> load(const config::MainCf& main_cf) {
  auto set = config::load<Set>(main_cf);
  if (set) return std::move(*set);
  std::string text;
  for (const auto& problem : set.error()) text += (text.empty() ? "" : "; ") + problem.text();
  return fail(Failure::deferred("4.3.5", std::move(text)));
}

Result<AddressClass> classes(std::string_view parameter, const std::vector<std::string>& words) {
  AddressClass all = AddressClass::none;
  for (const auto& word : words) {
    if (word == "envelope_sender") {
      all = all | AddressClass::envelope_sender;
    } else if (word == "envelope_recipient") {
      all = all | AddressClass::envelope_recipient;
    } else if (word == "header_sender") {
      all = all | AddressClass::header_sender;
    } else if (word == "header_recipient") {
      all = all | AddressClass::header_recipient;
    } else {
      return fail(Failure::deferred("4.3.5", fmt::format("{} = {}: expected envelope_sender, "
                                                         "envelope_recipient, header_sender or "
                                                         "header_recipient",
                                                         parameter, word)));
    }
  }
  return all;
}

Result<void> take_address_parameters(Settings& to, const AddressParameters& from) {
  struct Field {
    AddressClass& to;
    const config::List& from;
  };
  for (const Field& field : {Field{to.canonical_classes, from.canonical_classes},
                             Field{to.sender_canonical_classes, from.sender_canonical_classes},
                             Field{to.recipient_canonical_classes, from.recipient_canonical_classes},
                             Field{to.masquerade_classes, from.masquerade_classes}}) {
    auto all = classes(field.from.spec().name, field.from());
    if (!all) return fail(std::move(all.error()));
    field.to = *all;
  }
  to.masquerade_domains = from.masquerade_domains();
  to.masquerade_exceptions = from.masquerade_exceptions();
  to.always_bcc = from.always_bcc();
  to.virtual_expansion_limit = static_cast<std::size_t>(from.virtual_alias_expansion_limit());
  to.virtual_recursion_limit = static_cast<std::size_t>(from.virtual_alias_recursion_limit());
  to.virtual_address_length_limit = static_cast<std::size_t>(from.virtual_alias_address_length_limit());
  to.duplicate_filter_limit = static_cast<std::size_t>(from.duplicate_filter_limit());
  return {};
}

void take_message_parameters(Settings& to, const MessageParameters& from) {
  to.always_add_missing_headers = from.always_add_missing_headers();
  to.undisclosed_recipients_header = from.undisclosed_recipients_header();
  to.obsolete_from_format = from.header_from_format() == FromFormat::obsolete;
  to.drop_headers = from.message_drop_headers();
  to.replace_stray_cr_lf = from.cleanup_replace_stray_cr_lf();
  to.hopcount_limit = static_cast<unsigned>(from.hopcount_limit());
  to.delay_warning_time = from.delay_warning_time();
}

// "/file" means the first line of that file.
std::string origin_of(const std::string& myorigin) {
  if (!myorigin.starts_with('/')) return myorigin;
  std::string line;
  if (std::FILE* file = std::fopen(myorigin.c_str(), "re")) {
    char buffer[256];
    if (std::fgets(buffer, sizeof buffer, file)) line = trim(buffer);
    std::fclose(file);
  }
  return line;
}

}  // namespace

Result<void> Cleanup::prepare(const service::Environment& environment) {
  if (auto done = load_settings(*environment.main_cf); !done) return done;
  auto services = peers::load_services(*environment.main_cf);
  if (!services) return fail(std::move(services.error()));
  services_ = std::move(*services);
  neighbours_ = std::make_unique<ConnectedNeighbours>(services_);
  return open_tables(environment);
}

Result<void> Cleanup::load_settings(const config::MainCf& main_cf) {
  auto identity = load<config::Identity>(main_cf);
  if (!identity) return fail(std::move(identity.error()));
  auto messages = load<config::Messages>(main_cf);
  if (!messages) return fail(std::move(messages.error()));
  auto queue = load<config::Queue>(main_cf);
  if (!queue) return fail(std::move(queue.error()));
  auto addresses = load<AddressParameters>(main_cf);
  if (!addresses) return fail(std::move(addresses.error()));
  auto content = load<MessageParameters>(main_cf);
  if (!content) return fail(std::move(content.error()));

  settings_.myhostname = (*identity)->myhostname();
  settings_.enable_original_recipient = (*messages)->enable_original_recipient();
  settings_.line_length_limit = static_cast<std::size_t>((*messages)->line_length_limit());
  settings_.header_size_limit = static_cast<std::size_t>((*messages)->header_size_limit());
  settings_.header_address_token_limit = static_cast<std::size_t>((*content)->header_address_token_limit());
  settings_.message_size_limit = static_cast<std::int64_t>((*messages)->message_size_limit());
  auto logging = load<config::Logging>(main_cf);
  if (!logging) return fail(std::move(logging.error()));
  settings_.log_form = (*logging)->info_log_address_format();
  settings_.long_queue_ids = (*queue)->enable_long_queue_ids();
  settings_.recycles_files =
      (*queue)->queue_file_recycle_limit() > 0 && queuefile::FileSystem::system().syncs_names();
  settings_.layout = queuefile::Layout(fmt::format("{}", fmt::join((*queue)->hash_queue_names(), " ")),
                                       static_cast<unsigned>((*queue)->hash_queue_depth()));
  auto form = load<config::AddressForm>(main_cf);
  if (!form) return fail(std::move(form.error()));
  settings_.has_remote_header_rewrite_domain = !(*form)->remote_header_rewrite_domain().empty();
  take_message_parameters(settings_, **content);
  return take_address_parameters(settings_, **addresses);
}

Result<void> Cleanup::open_tables(const service::Environment& environment) {
  const config::MainCf& main_cf = *environment.main_cf;
  auto identity = load<config::Identity>(main_cf);
  auto messages = load<config::Messages>(main_cf);
  auto own = load<AddressParameters>(main_cf);
  auto maps = load<table::AddressMapParameters>(main_cf);
  if (!maps) return fail(std::move(maps.error()));

  auto settings = table::settings_from(environment.main_cf);
  if (!settings) return fail(Failure::deferred("4.3.5", settings.error().front().text()));
  tables_ = std::make_unique<table::Tables>(std::move(*settings), table::all_types());

  rules_ = std::make_shared<table::AddressRules>();
  rules_->recipient_delimiter = (*messages)->recipient_delimiter();
  rules_->myorigin = origin_of((*identity)->myorigin());
  rules_->double_bounce_sender = (*identity)->double_bounce_sender();
  rules_->owner_request_special = (*messages)->owner_request_special();
  auto destinations = main_cf.expand((*identity)->mydestination());
  if (!destinations) return fail(Failure::deferred("4.3.5", destinations.error().text()));
  mydestination_ =
      std::make_unique<table::MatchList>(*tables_, "mydestination", *destinations,
                                         table::MatchList::Options{.kind = table::MatchList::Kind::string});
  auto networks = load<config::Networks>(main_cf);
  if (!networks) return fail(std::move(networks.error()));
  own_addresses_ = config::OwnAddresses(main_cf.host(), **networks);
  rules_->is_local_domain = [this](std::string_view domain) {
    return table::is_local_domain(domain, *mydestination_, own_addresses_);
  };

  const auto& kinds = (*maps)->propagate_unmatched_extensions();
  settings_.propagation.canonical = std::ranges::find(kinds, "canonical") != kinds.end();
  settings_.propagation.virtual_alias = std::ranges::find(kinds, "virtual") != kinds.end();
  maps_.canonical = finder("canonical_maps", (*maps)->canonical_maps(), table::AddressKeys::rewriting);
  maps_.sender_canonical =
      finder("sender_canonical_maps", (*maps)->sender_canonical_maps(), table::AddressKeys::rewriting);
  maps_.recipient_canonical =
      finder("recipient_canonical_maps", (*maps)->recipient_canonical_maps(), table::AddressKeys::rewriting);
  maps_.virtual_alias =
      finder("virtual_alias_maps", (*maps)->virtual_alias_maps(), table::AddressKeys::rewriting);
  maps_.sender_bcc = finder("sender_bcc_maps", (*own)->sender_bcc_maps());
  maps_.recipient_bcc = finder("recipient_bcc_maps", (*own)->recipient_bcc_maps());
  return {};
}

FindAddress Cleanup::finder(std::string_view title, std::string_view text, table::AddressKeys keys) {
  auto list = std::make_shared<table::TableList>(*tables_, title, text);
  if (list->empty()) return {};
  return [list, keys, rules = rules_](std::string_view address) {
    return table::find_address(*list, address, *rules, keys);
  };
}

void Cleanup::start() {
  neighbours_->start();
}

void Cleanup::drain() {
  neighbours_->finish();
}

void Cleanup::end_if_table_changed() {
  const std::string changed = tables_->changed();
  if (changed.empty() || service::is_draining()) return;
  log::info("table {} has changed -- restarting", changed);
  service::request_drain();
}

void Cleanup::serve(runtime::Stream stream) {
  ipc::Connection connection(std::move(stream));
  for (;;) {
    Result<ipc::Frame> frame = connection.next_request(deadline_after(kIdleLimit));
    if (!frame) return;
    auto open = frame->as<ipc::CleanupOpen>();
    if (!open) return log::warning("cleanup: {}", open.error().text);
    if (!converse(connection, *open)) return;
    end_if_table_changed();
  }
}

bool Cleanup::converse(ipc::Connection& connection, const ipc::CleanupOpen& open) {
  const Surroundings around{settings_,       maps_,
                            *neighbours_,    queuefile::FileSystem::system(),
                            Clock::system(), settings_.recycles_files ? &spares_ : nullptr};
  Message message(around);
  if (auto id = message.open(open)) {
    connection.send(ipc::CleanupOpened{.queue_id = id->text()});
  } else {
    connection.send(ipc::CleanupClosed{.status = ipc::cleanup_status::kWrite});
    return connection.flush(services_.deadline()).has_value();
  }
  for (;;) {
    auto frame = connection.receive(services_.deadline());
    if (!frame) return false;
    Result<void> understood;
    if (frame->is<ipc::CleanupContent>()) {
      auto content = frame->as<ipc::CleanupContent>();
      if (content) message.content(content->chunk);
      if (!content) understood = fail(std::move(content.error()));
    } else if (frame->is<ipc::CleanupRecipients>()) {
      auto recipients = frame->as<ipc::CleanupRecipients>();
      if (recipients) message.recipients(recipients->recipients);
      if (!recipients) understood = fail(std::move(recipients.error()));
    } else if (frame->is<ipc::CleanupCancel>()) {
      return true;
    } else {
      auto close = frame->as<ipc::CleanupClose>();
      if (close) {
        connection.send(message.close(*close));
        return connection.flush(services_.deadline()).has_value();
      }
      understood = fail(std::move(close.error()));
    }
    if (!understood) {
      log::warning("cleanup: {}", understood.error().text);
      return false;
    }
  }
}

}  // namespace posthouse::cleanup
