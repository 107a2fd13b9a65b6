// postkick: send a request to the socket of a service.
#include <unistd.h>

#include <string>

#include "lib/command/start.h"
#include "lib/log/log.h"
#include "lib/peers/qmgr_client.h"
#include "lib/peers/services.h"

namespace {

using namespace posthouse;

constexpr std::string_view kUsage = "usage: postkick [-c config_dir] [-v] class service request";

std::string config_directory_of(int argc, char** argv) {
  std::string directory;
  for (int letter = 0; (letter = ::getopt(argc, argv, "c:v")) != -1;) {
    if (letter == 'c') {
      directory = optarg;
    } else if (letter != 'v') {
      log::die(kUsage);
    }
  }
  return directory;
}

}  // namespace

int main(int argc, char** argv) {
  command::open_standard_descriptors();
  const auto started = command::start("postkick", config_directory_of(argc, argv));
  if (!started) log::die(started.error().text);
  if (argc - optind != 3) log::die(kUsage);
  const std::string where = argv[optind];
  const std::string service = argv[optind + 1];
  if (where != "public" && where != "private")
    log::die("the class must be \"public\" or \"private\", not \"" + where + "\"");
  if (service.empty() || service.find('/') != std::string::npos)
    log::die("bad service name: \"" + service + "\"");
  const std::string directory = started->value("queue_directory");
  if (::chdir(directory.c_str()) != 0) log::die("chdir " + directory + ": " + error_text(errno));
  const auto services = peers::load_services(started->main_cf);
  if (!services) log::die(services.error().text);
  const auto sent =
      peers::QmgrClient::trigger_blocking(where + "/" + service, argv[optind + 2], services->trigger_timeout);
  if (!sent) log::die("connect to " + where + "/" + service + ": " + sent.error().text);
  return 0;
}
