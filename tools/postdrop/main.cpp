// postdrop: takes a record stream on standard input and leaves a message in maildrop.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "lib/base/unique_fd.h"
#include "lib/callers/authorized_users.h"
#include "lib/callers/sender_rights.h"
#include "lib/command/start.h"
#include "lib/command/verp_parameters.h"
#include "lib/config/core_parameters.h"
#include "lib/log/log.h"
#include "lib/peers/qmgr_client.h"
#include "lib/peers/services.h"
#include "lib/table/file_types.h"
#include "tools/postdrop/partial_file.h"
#include "tools/postdrop/submission.h"

namespace posthouse::postdrop {
namespace {

constexpr int kTemporary = 75;

template <class Set>
std::shared_ptr<const Set> must_load(const config::MainCf& main_cf) {
  auto set = config::load<Set>(main_cf);
  if (!set) log::die(set.error().front().text(), kTemporary);
  return *set;
}

// When pickup is not there it will look by itself.
void wake_pickup(const peers::Services& services) {
  [[maybe_unused]] const auto sent =
      peers::QmgrClient::trigger_blocking(services.pickup, "W", std::chrono::milliseconds(0));
}

queuefile::Layout layout_of(const config::MainCf& main_cf) {
  const auto queue = must_load<config::Queue>(main_cf);
  return {fmt::format("{}", fmt::join(queue->hash_queue_names(), " ")),
          static_cast<unsigned>(queue->hash_queue_depth())};
}

// False when the sender gave up before the end.
bool read_all(Submission& submission, queuefile::Writer& writer) {
  std::string buffer(64 * 1024, '\0');
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Failure::system("read standard input", errno);
    if (got == 0) return false;
    auto done = submission.append(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
    if (!done) throw std::move(done.error());
    if (writer.wants_flush()) {
      if (auto written = writer.flush_blocking(); !written) throw std::move(written.error());
    }
    if (*done) return true;
  }
}

// `reports`: the queue id goes to standard output as soon as there is one.
int submit(const command::Started& started, bool reports) {
  const auto layout = layout_of(started.main_cf);
  const auto limit =
      static_cast<std::int64_t>(must_load<config::Messages>(started.main_cf)->message_size_limit());
  const bool long_ids = must_load<config::Queue>(started.main_cf)->enable_long_queue_ids();
  const std::string verp_filter =
      must_load<command::VerpParameters>(started.main_cf)->verp_delimiter_filter();
  const auto services = peers::load_services(started.main_cf);
  if (!services) log::die(services.error().text, kTemporary);
  auto& files = queuefile::FileSystem::system();
  const Time now = Clock::system().now();
  auto writer = queuefile::Writer::create(files, layout,
                                          {.queue = queuefile::queue::kMaildrop,
                                           .long_ids = long_ids,
                                           .ready_mode = 0744,
                                           .has_size_record = false},
                                          now);
  if (!writer) {
    log::warning("mail_queue_enter: {}", writer.error().text);
    log::die(fmt::format("{}: queue file write error", command::caller()), kTemporary);
  }
  remove_on_signal(writer->path());
  if (reports) {
    std::printf("queue_id=%s\n", writer->queue_id().text().c_str());
    std::fflush(stdout);
  }
  try {
    Submission submission(*writer, now, limit, verp_filter, [&](std::string_view sender) {
      return callers::check_sender(started.main_cf, table::file_types(), sender);
    });
    if (!read_all(submission, *writer)) return kTemporary;  // it has said why
    auto receipt = writer->commit_blocking();
    if (!receipt) throw std::move(receipt.error());
    keep_on_signal();
    wake_pickup(*services);
    return 0;
  } catch (const Failure& failure) {
    log::fatal("uid={}: {}", ::getuid(), failure.text);
    return failure.is_permanent() ? 65 : kTemporary;
  }
}

int run(int argc, char** argv) {
  command::open_standard_descriptors();
  ::umask(0);  // the mode of the file is exact
  std::string config_directory;
  bool reports = false;
  for (int option; (option = ::getopt(argc, argv, "c:rv")) != -1;) {
    if (option == 'c') config_directory = optarg;
    if (option == 'r') reports = true;
    if (option == '?') log::die("usage: postdrop [-c config_dir] [-r] [-v]");
  }
  auto started = command::start("postdrop", config_directory);
  if (!started) log::die(started.error().text);
  callers::must_be_allowed(*started, callers::Action::submit, 1);
  const std::string queue_directory = started->value("queue_directory");
  if (::chdir(queue_directory.c_str()) < 0)
    log::die(fmt::format("chdir {}: {}", queue_directory, error_text(errno)), kTemporary);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  return submit(*started, reports);
}

}  // namespace
}  // namespace posthouse::postdrop

int main(int argc, char** argv) {
  return posthouse::postdrop::run(argc, argv);
}
