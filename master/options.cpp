#include "master/options.h"

#include <getopt.h>

#include <stdexcept>

#include "lib/base/text.h"

namespace posthouse::master {

namespace {

constexpr int kReadyFd = 1000;
constexpr int kCheck = 1001;
constexpr int kGoFd = 1002;
constexpr option kLong[] = {{"ready-fd", required_argument, nullptr, kReadyFd},
                            {"go-fd", required_argument, nullptr, kGoFd},
                            {"check", no_argument, nullptr, kCheck},
                            {nullptr, 0, nullptr, 0}};

int number(const char* text, std::string_view option) {
  const auto value = parse_int<int>(text);
  if (!value || *value < 0) throw std::invalid_argument("bad value for " + std::string(option) + ": " + text);
  return *value;
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  optind = 1;
  for (int letter = 0; (letter = ::getopt_long(argc, argv, "c:Dde:istvw", kLong, nullptr)) != -1;) {
    switch (letter) {
      case 'c':
        options.config_directory = optarg;
        break;
      case 'D':
      case 'v':
        break;  // docs/differences.md
      case 'd':
        options.keep_terminal = true;
        break;
      case 'e':
        options.exit_after = number(optarg, "-e");
        break;
      case 'i':
        options.is_init = true;
        break;
      case 's':
        options.keep_stdout = true;
        break;
      case 't':
        options.test_lock = true;
        break;
      case 'w':
        options.wait_for_start = true;
        break;
      case kReadyFd:
        options.ready_fd = number(optarg, "--ready-fd");
        break;
      case kGoFd:
        options.go_fd = number(optarg, "--go-fd");
        break;
      case kCheck:
        options.is_check = true;
        break;
      default:
        throw std::invalid_argument(
            "usage: master [-c config_dir] [-D (debug)] [-d (don't detach from terminal)]"
            " [-e exit_time] [-i (init mode)] [-s (keep stdout)] [-t (test)] [-v] [-w]"
            " [--ready-fd=N] [--go-fd=N] [--check]");
    }
  }
  if (optind < argc) throw std::invalid_argument(std::string("unexpected argument: ") + argv[optind]);
  return options;
}

}  // namespace posthouse::master
