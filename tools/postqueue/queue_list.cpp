#include "tools/postqueue/queue_list.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "lib/ipc/connection.h"
#include "lib/log/log.h"
#include "lib/runtime/fiber.h"

namespace posthouse::postqueue {

namespace {

constexpr int kUnavailable = 69;

bool write_all(std::string& text) {
  std::string_view left = text;
  while (!left.empty()) {
    const ssize_t done = ::write(STDOUT_FILENO, left.data(), left.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    left.remove_prefix(static_cast<std::size_t>(done));
  }
  text.clear();
  return true;
}

// showq on a socket of our own: it has our rights, so it shows what we may read.
Result<runtime::Stream> start_showq(const command::Started& started) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(Failure::system("socketpair", errno));
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  const std::string path = started.value("daemon_directory") + "/showq";
  const pid_t pid = ::fork();
  if (pid < 0) return fail(Failure::system("fork", errno));
  if (pid == 0) {
    ::dup2(theirs.get(), STDIN_FILENO);
    ::dup2(theirs.get(), STDOUT_FILENO);
    ::execl(path.c_str(), "showq", "-S", "-n", "showq", "-t", "unix", nullptr);
    ::_exit(127);
  }
  return runtime::Stream(std::move(ours));
}

Result<runtime::Stream> connect(const command::Started& started, const peers::Services& services) {
  auto stream = runtime::connect_unix(services.showq, services.deadline());
  if (stream) return stream;
  const std::string reason = fmt::format(" (Connect to the Postfix showq service: {})", stream.error().text);
  const bool may_read_queue = ::geteuid() == 0 || ::access("deferred", R_OK | X_OK) == 0;
  if (!may_read_queue || command::is_set_id()) {
    return fail(Failure::deferred("4.3.0", "Queue report unavailable - mail system is down" + reason));
  }
  log::warning("Mail system is down -- accessing queue directly{}", reason);
  return start_showq(started);
}

int show(const command::Started& started, const peers::Services& services, Report& report) {
  auto stream = connect(started, services);
  if (!stream) {
    log::fatal(stream.error().text);
    return kUnavailable;
  }
  ipc::Connection connection(std::move(*stream));
  connection.send(ipc::ShowqQuery{});
  std::string out;
  for (bool is_last = false; !is_last;) {
    const auto batch = connection.expect<ipc::ShowqBatch>(services.deadline());
    if (!batch) {
      log::fatal("malformed showq server response: {}", batch.error().text);
      return kUnavailable;
    }
    for (const ipc::ShowqEntry& entry : batch->entries) report.add(entry, out);
    is_last = batch->is_last;
    if (is_last) report.end(out);
    if (!write_all(out)) return 0;  // the reader (a pager) has gone
  }
  return 0;
}

}  // namespace

int print_listing(const command::Started& started, const peers::Services& services, Report& report) {
  int status = kUnavailable;
  runtime::run([&] { status = show(started, services, report); });
  return status;
}

}  // namespace posthouse::postqueue
