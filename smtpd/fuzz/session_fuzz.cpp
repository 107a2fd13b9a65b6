// A whole SMTP session from arbitrary bytes: commands, their parameters, content. What comes back must be
// SMTP replies, whatever was said.
#include <fcntl.h>
#include <sys/socket.h>

#include "lib/log/logger.h"
#include "lib/runtime/fiber.h"
#include "lib/service/service.h"
#include "smtpd/session.h"

namespace {

using namespace posthouse;

class NoDns : public dns::Lookups {
 public:
  dns::Reply query(std::string_view name, dns::Type type, Deadline) override {
    dns::Reply reply;
    reply.name = name;
    reply.type = type;
    reply.outcome = dns::Outcome::no_host;
    return reply;
  }
};

void play_cleanup(ipc::Connection& connection) {
  while (auto frame = connection.receive(kNever)) {
    if (frame->is<ipc::CleanupOpen>()) connection.send(ipc::CleanupOpened{.queue_id = "ABC123"});
    if (frame->is<ipc::CleanupClose>())
      connection.send(ipc::CleanupClosed{.status = 0, .queue_id = "ABC123"});
    if (!connection.flush(kNever)) return;
  }
}

// Every address exists, every message is taken.
class Willing : public smtpd::Neighbours {
 public:
  Result<ipc::Resolved> resolve(std::string_view, std::string_view address) override {
    ipc::Resolved resolved;
    resolved.recipient = address;
    resolved.transport = "relay";
    resolved.address_class = ipc::AddressClass::relay;
    return resolved;
  }
  Result<ipc::VerifyReply> verify(std::string_view) override { return ipc::VerifyReply{}; }
  Result<bool> flush_site(std::string_view) override { return true; }
  Result<ipc::Connection> take_cleanup(Deadline) override {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return fail(Failure::system("socketpair", errno));
    runtime::spawn([fd = ends[1]] {
      ipc::Connection connection{runtime::Stream(UniqueFd(fd))};
      play_cleanup(connection);
    });
    return ipc::Connection(runtime::Stream(UniqueFd(ends[0])));
  }
  void give_back_cleanup(ipc::Connection) override {}
  Result<std::string> submit(const peers::Outgoing& mail) override {
    for (const unsigned char c : mail.content)
      if ((c < ' ' && c != '\n') || c == 0x7f) std::abort();  // a notice has nothing unprintable
    return "N0T1CE";
  }
  dns::Lookups& dns() override { return names_; }

 private:
  NoDns names_;
};

std::shared_ptr<smtpd::Settings> make_settings() {
  static const UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  log::logger().add_sink(log::fd_sink(null.get()));
  auto main_cf = config::MainCf::parse(
      "myhostname = mx.example.test\nmydestination =\nmynetworks = 127.0.0.0/8\ncompatibility_level = 3.6\n"
      "inet_interfaces = 127.0.0.1\nsmtpd_error_sleep_time = 0\nsmtpd_hard_error_limit = 1000\n"
      "smtpd_authorized_xclient_hosts = 127.0.0.1\nsmtpd_authorized_xforward_hosts = 127.0.0.1\n"
      "notify_classes = bounce, policy, protocol, resource, software, data\nsmtpd_history_flush_threshold = "
      "20\n",
      "main.cf");
  service::Environment environment;
  environment.queue_directory = ".";
  environment.main_cf = std::make_shared<const config::MainCf>(*std::move(main_cf));
  return *smtpd::load_settings(environment);
}

std::string converse(const std::shared_ptr<smtpd::Settings>& settings, std::string_view input) {
  std::string output;
  runtime::run([&] {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return runtime::stop();
    Willing neighbours;
    const auto session = runtime::spawn([&, fd = ends[0]] {
      const smtpd::Client client{.name = "client.test",
                                 .reverse_name = "client.test",
                                 .name_status = smtpd::NameStatus::ok,
                                 .reverse_name_status = smtpd::NameStatus::ok,
                                 .address = "127.0.0.1",
                                 .port = "1234",
                                 .family = AF_INET};
      smtpd::Session(settings, neighbours, runtime::Stream(UniqueFd(fd)), client).run();
    });
    runtime::Stream peer{UniqueFd(ends[1])};
    peer.write(input);
    peer.flush(kNever);
    peer.shutdown_write();
    while (peer.fill(kNever) == runtime::Io::ok) {
      output += peer.buffered();
      peer.consume(peer.buffered().size());
    }
    while (session.is_running()) runtime::yield();
    runtime::stop();
  });
  return output;
}

bool is_reply_line(std::string_view line) {
  if (line.size() < 4 || line[0] < '2' || line[0] > '5') return false;
  if (line[3] != ' ' && line[3] != '-') return false;
  return line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const auto settings = make_settings();
  const std::string output = converse(settings, {reinterpret_cast<const char*>(bytes), size});
  for (std::string_view left = output; !left.empty();) {
    const std::size_t end = left.find("\r\n");
    if (end == std::string_view::npos || !is_reply_line(left.substr(0, end))) __builtin_trap();
    left.remove_prefix(end + 2);
  }
  return 0;
}
