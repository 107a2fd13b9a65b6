#include "pickup/service.h"

#include <fmt/format.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/config/core_parameters.h"
#include "lib/log/log.h"
#include "lib/mail/date.h"
#include "lib/mail/header.h"
#include "lib/queuefile/content_reader.h"
#include "lib/queuefile/queue_scan.h"
#include "pickup/parameters.h"
#include "pickup/submitted_message.h"

namespace posthouse::pickup {

namespace {

namespace flag = ipc::cleanup_flag;
using queuefile::FileSystem;

constexpr auto kTriggerLimit = std::chrono::seconds(3600);
constexpr std::size_t kAtOnce = 20;
constexpr std::size_t kChunk = 64 * 1024;

template <class Set>
Result<std::shared_ptr<const Set>> load(const config::MainCf& main_cf) {
  auto set = config::load<Set>(main_cf);
  if (set) return std::move(*set);
  return fail(Failure::deferred("4.3.5", set.error().front().text()));
}

std::uint32_t flags_from(const config::MainCf& main_cf, const Parameters& parameters) {
  std::uint32_t flags = flag::kBounce | flag::kFilter | flag::kBcc | flag::kMap | flag::kMilter;
  for (const auto& option : config::split_list(main_cf.value("receive_override_options"))) {
    if (option == "no_header_body_checks") flags &= ~flag::kFilter;
    if (option == "no_address_mappings") flags &= ~(flag::kMap | flag::kBcc);
    if (option == "no_milters") flags &= ~flag::kMilter;
  }
  for (const auto& source : parameters.smtputf8_autodetect_classes()) {
    if (source == "sendmail" || source == "all") flags |= flag::kAutoUtf8;
  }
  return flags;
}

std::string_view status_text(std::uint32_t status) {
  namespace bit = ipc::cleanup_status;
  if (status & bit::kDefer) return "service unavailable";
  if (status & bit::kProxy) return "queue file write error";
  if (status & bit::kBad) return "internal protocol error";
  if (status & bit::kRecipients) return "no recipients specified";
  if (status & bit::kHops) return "too many hops";
  if (status & bit::kSize) return "message file too big";
  if (status & bit::kContent) return "message content rejected";
  return "queue file write error";
}

}  // namespace

Result<void> Pickup::prepare(const service::Environment& environment) {
  const config::MainCf& main_cf = *environment.main_cf;
  auto identity = load<config::Identity>(main_cf);
  if (!identity) return fail(std::move(identity.error()));
  auto queue = load<config::Queue>(main_cf);
  if (!queue) return fail(std::move(queue.error()));
  auto own = load<Parameters>(main_cf);
  if (!own) return fail(std::move(own.error()));
  auto services = peers::load_services(main_cf);
  if (!services) return fail(std::move(services.error()));
  services_ = std::move(*services);
  cleanup_ = std::make_unique<ipc::Pool>(services_.cleanup, services_.keeping);
  settings_.myhostname = (*identity)->myhostname();
  settings_.mail_name = (*identity)->mail_name();
  settings_.content_filter = main_cf.value("content_filter");
  settings_.local_flags = flags_from(main_cf, **own);
  auto logging = load<config::Logging>(main_cf);
  if (!logging) return fail(std::move(logging.error()));
  settings_.log_form = (*logging)->info_log_address_format();
  settings_.layout = queuefile::Layout(fmt::format("{}", fmt::join((*queue)->hash_queue_names(), " ")),
                                       static_cast<unsigned>((*queue)->hash_queue_depth()));
  return {};
}

void Pickup::start() {
  told_ = std::make_unique<runtime::Signal>();
  places_ = std::make_unique<runtime::Semaphore>(kAtOnce);
  has_work_ = true;
  runtime::spawn([this] { scan_when_told(); });
}

void Pickup::serve(runtime::Stream stream) {
  const runtime::IdleScope idle;
  while (stream.fill(deadline_after(kTriggerLimit)) == runtime::Io::ok) {
    stream.consume(stream.buffered().size());
    has_work_ = true;
    told_->notify_one();
  }
}

void Pickup::scan_when_told() {
  for (;;) {
    while (!has_work_) {
      const runtime::IdleScope idle;
      if (told_->wait(kNever) == runtime::Wake::cancelled) return;
    }
    has_work_ = false;
    scan();
  }
}

void Pickup::scan() {
  queuefile::QueueScan scan{std::string(queuefile::queue::kMaildrop)};
  while (auto entry = scan.next_entry()) {
    if (service::is_draining()) return;
    const auto id = queuefile::QueueId::parse(entry->name);
    const std::string path = entry->path();
    if (!id || in_work_.contains(path)) continue;
    const auto status = FileSystem::system().status(path);
    if (!status || !status->is_ready()) continue;
    if (places_->acquire(kNever) != runtime::Wake::ready) return;
    in_work_.insert(path);
    runtime::spawn([this, path, id = *id] {
      bring(path, id);
      in_work_.erase(path);
      places_->release();
    });
  }
  if (auto failure = scan.take_failure()) log::warning("{}", failure->text);
}

void Pickup::bring(const std::string& path, const queuefile::QueueId& id) {
  auto& files = FileSystem::system();
  auto file = files.open(path, queuefile::OpenFor::reading);
  if (!file) {
    if (file.error() != ENOENT) log::warning("open input file {}: {}", path, error_text(file.error()));
    return;
  }
  const auto status = (*file)->status();
  if (!status || !status->is_ready()) return;
  const auto age = Clock::system().now() - status->modified;
  if (age > std::chrono::hours(24))
    log::warning("{}: message has been queued for {} days", id.text(), age / std::chrono::hours(24));
  if (!submit(**file, *status, id, path)) return;
  if (auto removed = files.remove(path); !removed && removed.error() != ENOENT)
    log::warning("remove {}: {}", path, error_text(removed.error()));
}

bool Pickup::submit(queuefile::File& file, const queuefile::FileStatus& status, const queuefile::QueueId& id,
                    const std::string& path) {
  // Our own file, not readable by others: put here by postsuper -r.
  const bool is_requeued = status.owner == ::geteuid() && (status.mode & 0004) == 0;
  SubmittedMessage message(file, is_requeued);
  auto closed = [&]() -> Result<ipc::CleanupClosed> {
    if (auto done = message.read_envelope(); !done) return fail(std::move(done.error()));
    std::optional<ipc::Connection> cleanup;
    auto result = converse(cleanup, message, file, status, is_requeued ? id.text() : std::string());
    if (result) cleanup_->give_back(std::move(*cleanup));
    return result;
  }();
  if (closed && closed->status == 0) return true;
  if (closed) {
    log::warning("{}: error writing {}: {}", path, closed->queue_id, status_text(closed->status));
    return false;
  }
  log::warning("{}: {}", path, closed.error().text);
  if (!closed.error().is_permanent()) return false;
  log::warning("saving corrupt file \"{}\" from queue \"maildrop\" to queue \"corrupt\"", id.text());
  (void)settings_.layout.move(FileSystem::system(), queuefile::queue::kMaildrop, queuefile::queue::kCorrupt,
                              id);
  return false;
}

std::string Pickup::received_header(const std::string& queue_id, unsigned owner, Time arrival) const {
  return fmt::format("Received: by {} ({}, from userid {})\n\tid {}; {}\n", settings_.myhostname,
                     settings_.mail_name, owner, queue_id, mail::date_text(arrival));
}

Result<ipc::Frame> Pickup::begin(std::optional<ipc::Connection>& cleanup, const ipc::CleanupOpen& open) {
  for (bool is_again = false;; is_again = true) {
    auto taken = cleanup_->begin(open, services_.deadline());
    if (!taken) return fail(std::move(taken.error()));
    cleanup.emplace(std::move(*taken));
    auto frame = cleanup->receive(services_.deadline());
    if (frame || is_again) return frame;
  }
}

Result<ipc::CleanupClosed> Pickup::converse(std::optional<ipc::Connection>& cleanup,
                                            SubmittedMessage& message, queuefile::File& file,
                                            const queuefile::FileStatus& status, const std::string& orig_id) {
  ipc::CleanupOpen open = message.open();
  open.flags |= settings_.local_flags;
  if (!orig_id.empty()) open.flags &= ~flag::kMilter;
  open.filter = settings_.content_filter;
  auto frame = begin(cleanup, open);
  if (!frame) return fail(std::move(frame.error()));
  if (frame->is<ipc::CleanupClosed>()) return frame->as<ipc::CleanupClosed>();
  auto opened = frame->as<ipc::CleanupOpened>();
  if (!opened) return fail(std::move(opened.error()));
  log::info("{}: uid={} from=<{}>{}", opened->queue_id, status.owner,
            mail::in_log(open.sender, settings_.log_form),
            orig_id.empty() ? std::string() : " orig_id=" + orig_id);

  cleanup->send(ipc::CleanupRecipients{.recipients = message.take_recipients()});
  const Time arrival = time_from_unix(open.arrival_seconds);
  std::string chunk = received_header(opened->queue_id, status.owner, arrival);
  const std::size_t header_size = chunk.size();
  queuefile::ContentReader content(file, message.content_offset());
  for (bool is_first = true;; is_first = false) {
    auto more = content.append_lines(chunk, kChunk - 2048, {.line_end = "\n"});
    if (!more) return fail(std::move(more.error()));
    const std::string_view text = std::string_view(chunk).substr(is_first ? header_size : 0);
    // Text without headers must not continue ours.
    if (is_first && !text.empty() && text[0] != '\n' && !mail::is_header(text.substr(0, text.find('\n'))))
      chunk.insert(header_size, 1, '\n');
    cleanup->send(ipc::CleanupContent{.chunk = chunk});
    if (auto sent = cleanup->flush(services_.deadline()); !sent) return fail(std::move(sent.error()));
    chunk.clear();
    if (!*more) break;
  }
  if (auto done = message.read_extracted(content.position()); !done) return fail(std::move(done.error()));
  if (auto late = message.take_recipients(); !late.empty())
    cleanup->send(ipc::CleanupRecipients{.recipients = std::move(late)});
  return cleanup->ask<ipc::CleanupClosed>(ipc::CleanupClose{}, services_.deadline());
}

}  // namespace posthouse::pickup
