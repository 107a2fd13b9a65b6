#include "tools/postdrop/partial_file.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace posthouse::postdrop {

namespace {

constexpr std::array kSignals{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

char path_of_partial_file[4096];
volatile sig_atomic_t has_partial_file = 0;

void handle(int) {
  if (has_partial_file) ::unlink(path_of_partial_file);
  ::_exit(75);
}

}  // namespace

void remove_on_signal(const std::string& path) {
  if (path.size() >= sizeof path_of_partial_file) return;
  std::memcpy(path_of_partial_file, path.c_str(), path.size() + 1);
  has_partial_file = 1;
  struct sigaction action {};
  action.sa_handler = handle;
  sigfillset(&action.sa_mask);
  for (const int number : kSignals) {
    struct sigaction before {};
    // nohup and background shells set SIG_IGN on purpose.
    if (::sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    ::sigaction(number, &action, nullptr);
  }
}

void keep_on_signal() {
  has_partial_file = 0;
}

}  // namespace posthouse::postdrop
