#include "lib/service/process.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/runtime/watch.h"
#include "lib/service/handover.h"

namespace posthouse::service {

namespace {

constexpr int kLifelineFd = 3;
constexpr int kStatusFd = 5;
constexpr int kFirstListenerFd = 6;
constexpr int kAcceptBurst = 16;  // then let sessions run, and other processes have a turn
constexpr auto kGrace = std::chrono::seconds(5);

}  // namespace

Process::Process(Plan plan, Arguments arguments, Environment environment, std::unique_ptr<Service> service,
                 std::shared_ptr<const Parameters> parameters)
    : plan_(plan),
      arguments_(std::move(arguments)),
      environment_(std::move(environment)),
      service_(std::move(service)),
      parameters_(std::move(parameters)) {
  sessions_.set_limit(environment_.session_limit);
}

void Process::main() {
  watch_signals();
  if (arguments_.is_stand_alone) {
    service_->start();
    service_->serve(runtime::Stream(UniqueFd(::dup(STDIN_FILENO)), UniqueFd(::dup(STDOUT_FILENO))));
    return;
  }
  sessions_.on_full = [](bool is_full) {
    [[maybe_unused]] const auto written = ::write(kStatusFd, is_full ? "b" : "a", 1);
  };
  worker_ = runtime::spawn([this] { service_->start(); });
  watch_lifeline();
  feed_watchdog();
  for (std::size_t i = 0; i < arguments_.listeners; ++i) {
    const int fd = kFirstListenerFd + static_cast<int>(i);
    const auto body = arguments_.service_type == "unix-dgram" ? &Process::receive_datagrams
                      : arguments_.service_type == "fifo"     ? &Process::receive_triggers
                                                              : &Process::listen;
    listeners_.push_back(runtime::spawn([this, fd, body] { (this->*body)(fd); }));
  }
  wait_while_useful();
  for (const runtime::Fiber& listener : listeners_) listener.cancel();
  const bool terminates = ending_ == Ending::terminate;
  sessions_.wait_for_end(
      terminates ? runtime::Fiber::Idle::waiting_for_client : runtime::Fiber::Idle::between_requests,
      terminates ? deadline_after(kGrace) : kNever);
  if (sessions_.in_use() > 0) {
    sessions_.cancel_all();
    sessions_.wait_for_end(runtime::Fiber::Idle::waiting_for_client, deadline_after(std::chrono::seconds(1)));
  }
  service_->drain();
}

void Process::end(Ending ending) {
  if (ending > ending_) {
    ending_ = ending;
    ending_changed_.notify_all();
    if (ending == Ending::terminate) {
      // Sessions that hold a drain up are not waited for any longer than the grace time.
      runtime::spawn([this] {
        runtime::sleep_for(kGrace);
        sessions_.cancel_all();
      });
    }
  }
}

void Process::watch_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  runtime::on_signal(SIGTERM, [this] {
    if (arguments_.is_stand_alone) {
      log::flush();
      ::_exit(0);
    }
    end(Ending::terminate);
  });
  runtime::on_signal(SIGHUP, [this] {
    if (plan_.reloads_in_place) {
      runtime::spawn([this] { reload_in_place(); });
    } else {
      end(Ending::drain);
    }
  });
}

void Process::watch_lifeline() {
  if (::fcntl(kLifelineFd, F_GETFD) < 0) return;
  runtime::spawn([this] {
    runtime::Watch watch(kLifelineFd);
    for (;;) {
      if (watch.readable(kNever) == runtime::Wake::cancelled) return;
      char byte = 0;
      const ssize_t count = ::read(kLifelineFd, &byte, 1);
      if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return end(Ending::terminate);
    }
  });
}

// The alarm kills: only a loop that turns can put it off.
void Process::feed_watchdog() {
  const std::chrono::seconds limit = ((*parameters_).*plan_.watchdog)();
  runtime::spawn([limit] {
    do {
      ::alarm(static_cast<unsigned>(limit.count()));
    } while (runtime::sleep_for(Duration(limit) / 4) != runtime::Wake::cancelled);
  });
}

void Process::listen(int fd) {
  const UniqueFd until_draining(fd);  // clients shall not queue up where nobody accepts
  while (!is_draining()) {
    if (sessions_.is_full()) sessions_.wait_for_room();
    // Watched only while there is room, so that other processes are woken instead.
    runtime::Watch watch(fd, runtime::Watch::Mode::listener);
    while (!is_draining() && !sessions_.is_full()) {
      if (watch.readable(kNever) == runtime::Wake::cancelled) return;
      if (!accept_burst(fd)) runtime::sleep_for(std::chrono::milliseconds(100));
    }
  }
}

// False when the process is out of descriptors or memory: try again a little later.
bool Process::accept_burst(int fd) {
  for (int count = 0; count < kAcceptBurst && !is_draining() && !sessions_.is_full(); ++count) {
    const int client = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client >= 0) {
      begin_session(client);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return true;
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      log::warning("accept connection: {}", error_text(errno));
      return false;
    }
  }
  runtime::yield();
  return true;
}

void Process::begin_session(int fd) {
  const int on = 1;
  if (arguments_.service_type == "inet") ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sessions_.begin([this, fd] {
    UniqueFd client(fd);
    if (arguments_.service_type == "pass") {
      runtime::Watch watch(client.get());
      if (watch.readable(deadline_after(std::chrono::seconds(10))) != runtime::Wake::ready) return;
      client = receive_descriptor(client.get());
      if (!client) return;
    }
    service_->serve(runtime::Stream(std::move(client)));
  });
  if (sessions_.served() + sessions_.in_use() >= static_cast<std::size_t>(parameters_->max_use()))
    end(Ending::drain);
}

void Process::receive_datagrams(int fd) {
  runtime::Watch watch(fd);
  std::vector<char> buffer(64 * 1024);
  for (;;) {
    const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count >= 0) {
      service_->receive({buffer.data(), static_cast<std::size_t>(count)});
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      // What has arrived is taken even when the process ends.
      if (is_draining() || watch.readable(kNever) == runtime::Wake::cancelled) return;
    }
  }
}

// Whoever writes to a FIFO stays unknown: what is read at once is served like the trigger bytes of one
// connection.
void Process::receive_triggers(int fd) {
  runtime::Watch watch(fd);
  std::array<char, 4096> bytes{};
  while (!is_draining()) {
    if (sessions_.is_full()) sessions_.wait_for_room();
    const ssize_t count = ::read(fd, bytes.data(), bytes.size());
    if (count > 0) {
      int ends[2];
      if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
        log::warning("socketpair: {}", error_text(errno));
        continue;
      }
      const UniqueFd sender(ends[0]);
      begin_session(ends[1]);
      [[maybe_unused]] const auto sent = ::write(sender.get(), bytes.data(), static_cast<std::size_t>(count));
    } else if (count == 0 || watch.readable(kNever) == runtime::Wake::cancelled) {
      return;
    }
  }
}

void Process::wait_while_useful() {
  std::size_t served = sessions_.served();
  while (!is_draining()) {
    if (ending_changed_.wait(deadline_after(parameters_->max_idle())) == runtime::Wake::cancelled) return;
    if (is_draining()) return;
    const bool idle = sessions_.in_use() == 0 && sessions_.served() == served && !service_->is_busy();
    if (idle && !plan_.reloads_in_place) return end(Ending::drain);
    served = sessions_.served();
  }
}

void Process::reload_in_place() {
  const auto refuse = [](const Failure& failure) {
    for (const std::string_view line : split(failure.text, '\n')) {
      log::error("reload: configuration not changed: {}", line);
    }
  };
  const auto environment = read_environment(arguments_);
  if (!environment) return refuse(environment.error());
  if (const auto done = service_->reload(*environment); !done) refuse(done.error());
}

}  // namespace posthouse::service
