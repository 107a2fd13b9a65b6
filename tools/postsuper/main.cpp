// postsuper: the queue in the hands of the superuser.
#include <fmt/format.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iostream>

#include "lib/base/text.h"
#include "lib/command/start.h"
#include "lib/config/core_parameters.h"
#include "lib/log/log.h"
#include "lib/queuefile/recovery.h"
#include "tools/postsuper/queue_actions.h"

namespace posthouse::postsuper {
namespace {

constexpr std::string_view kUsage =
    "usage: postsuper [-c config_dir] [-d queue_id (delete)] [-e queue_id (expire)] "
    "[-f queue_id (expire and/or un-hold)] [-h queue_id (hold)] [-H queue_id (un-hold)] [-p (purge temporary "
    "files)] "
    "[-r queue_id (requeue)] [-s (structure fix)] [-S (redundant structure fix)][-v (verbose)] [queue...]";

struct Request {
  Action action;
  std::string id;
};

struct Options {
  std::string config_directory;
  std::vector<Request> requests;
  bool has_structure = false, has_purge = false;
  std::vector<std::string> queues;
};

std::optional<Action> action_of(int letter) {
  switch (letter) {
    case 'd':
      return Action::remove;
    case 'e':
      return Action::expire;
    case 'f':
      return Action::expire_and_release;
    case 'h':
      return Action::hold;
    case 'H':
      return Action::release;
    case 'r':
      return Action::requeue;
    default:
      return std::nullopt;
  }
}

Options parse(int argc, char** argv) {
  Options options;
  for (int letter; (letter = ::getopt(argc, argv, "c:d:e:f:h:H:pr:sSv")) != -1;) {
    if (auto action = action_of(letter)) {
      options.requests.push_back({*action, optarg});
    } else if (letter == 'c') {
      options.config_directory = optarg;
    } else if (letter == 'p') {
      options.has_purge = true;
    } else if (letter == 's' || letter == 'S') {
      options.has_structure = true;
    } else if (letter != 'v') {
      log::die(kUsage);
    }
  }
  options.queues.assign(argv + optind, argv + argc);
  for (const auto& name : options.queues) {
    if (!is_message_queue(name) && !is_log_queue(name) && name != "flush")
      log::die(fmt::format("invalid directory name: {}", name));
  }
  if (options.requests.empty() && !options.has_structure && !options.has_purge)
    options.has_structure = options.has_purge = true;
  return options;
}

std::vector<std::string> queues_for(Action action, const std::vector<std::string>& given) {
  if (!given.empty()) {
    std::vector<std::string> some;
    for (const auto& name : given) {
      if (is_message_queue(name)) some.push_back(name);
    }
    return some;
  }
  switch (action) {
    case Action::hold:
      return {"incoming", "active", "deferred"};
    case Action::release:
      return {"hold"};
    default:
      return {"hold", "incoming", "active", "deferred"};
  }
}

// The queue is changed with the rights of its owner: what is made belongs to it, and links that
// somebody put there lead no further. The log is written with the rights the command was started with.
class OwnerRights {
 public:
  explicit OwnerRights(const command::Started& started) {
    if (::geteuid() != 0) return;
    const std::string owner = started.value("mail_owner");
    const passwd* entry = ::getpwnam(owner.c_str());
    if (!entry) log::die(fmt::format("mail_owner {}: no such user", owner));
    if (::setegid(entry->pw_gid) < 0) log::die(fmt::format("cannot act as {}: {}", owner, error_text(errno)));
    owner_ = entry->pw_uid;
    take();
  }
  ~OwnerRights() { give_back(); }
  OwnerRights(const OwnerRights&) = delete;
  OwnerRights& operator=(const OwnerRights&) = delete;

  void say(log::Severity severity, std::string_view text) {
    give_back();
    log::write(severity, text);
    take();
  }

 private:
  void take() {
    if (owner_ != 0 && ::seteuid(owner_) < 0) log::die("cannot act as mail_owner");
  }
  void give_back() {
    if (owner_ != 0 && ::seteuid(0) < 0) log::die("cannot act as root again");
  }
  uid_t owner_ = 0;
};

void perform_one(QueueActions& actions, const Request& request, const std::string& name,
                 const std::vector<std::string>& queues, OwnerRights& rights) {
  if (const auto id = queuefile::QueueId::parse(name)) {
    actions.perform(request.action, *id, queues);
  } else {
    rights.say(log::Severity::warning, fmt::format("invalid mail queue id: {}", name));
  }
}

void perform(QueueActions& actions, const Request& request, const Options& options, OwnerRights& rights) {
  const auto queues = queues_for(request.action, options.queues);
  if (request.id == "ALL") return actions.perform_on_all(request.action, queues);
  if (request.id != "-") return perform_one(actions, request, request.id, queues, rights);
  for (std::string line; std::getline(std::cin, line);)
    perform_one(actions, request, std::string(trim(line)), queues, rights);
}

void report(const QueueActions& actions, const Options& options, OwnerRights& rights) {
  const auto report_total = [&](std::string_view what, std::size_t count) {
    rights.say(log::Severity::info, fmt::format("{}: {} message{}", what, count, count == 1 ? "" : "s"));
  };
  const auto asked = [&](std::initializer_list<Action> some) {
    return std::ranges::any_of(options.requests, [&](const Request& request) {
      return std::ranges::find(some, request.action) != some.end();
    });
  };
  const auto& counts = actions.counts();
  if (asked({Action::remove})) report_total("Deleted", counts.removed);
  if (asked({Action::requeue})) report_total("Requeued", counts.requeued);
  if (asked({Action::hold})) report_total("Placed on hold", counts.held);
  if (asked({Action::expire, Action::expire_and_release})) report_total("Force-expired", counts.expired);
  if (asked({Action::release, Action::expire_and_release}))
    report_total("Released from hold", counts.released);
  if (counts.renamed == 0) return;
  report_total("Renamed to match inode number", counts.renamed);
  rights.say(log::Severity::warning, "QUEUE FILE NAMES WERE CHANGED TO MATCH INODE NUMBERS");
}

int run(int argc, char** argv) {
  command::open_standard_descriptors();
  const Options options = parse(argc, argv);
  auto started = command::start("postsuper", options.config_directory);
  if (!started) log::die(started.error().text);
  const std::string directory = started->value("queue_directory");
  if (::chdir(directory.c_str()) < 0) log::die(fmt::format("chdir {}: {}", directory, error_text(errno)));
  const passwd* owner = ::getpwnam(started->value("mail_owner").c_str());
  if (::getuid() != 0 && (!owner || ::getuid() != owner->pw_uid) && ::access("incoming", W_OK) != 0)
    log::die("use of this command is reserved for the superuser");
  const auto queue_parameters = config::load<config::Queue>(started->main_cf);
  if (!queue_parameters) log::die(queue_parameters.error().front().text());
  const queuefile::Layout layout(fmt::format("{}", fmt::join((*queue_parameters)->hash_queue_names(), " ")),
                                 static_cast<unsigned>((*queue_parameters)->hash_queue_depth()));
  OwnerRights rights(*started);
  QueueActions actions(queuefile::FileSystem::system(), layout, Clock::system(),
                       {.info = [&](std::string_view text) { rights.say(log::Severity::info, text); },
                        .warning = [&](std::string_view text) { rights.say(log::Severity::warning, text); }});
  const std::vector<std::string> all{"defer",    "bounce", "maildrop", "incoming", "active",
                                     "deferred", "hold",   "trace",    "flush"};
  const auto& chosen = options.queues.empty() ? all : options.queues;
  if (options.has_structure) {
    std::vector<std::string> without_flush = chosen;
    std::erase(without_flush, "flush");
    actions.fix_structure(without_flush);
    if (options.queues.empty()) {
      queuefile::recover_messages(queuefile::FileSystem::system(), layout, Clock::system().now(),
                                  [&](std::string_view text) { rights.say(log::Severity::warning, text); });
    }
  }
  if (options.has_purge) actions.purge(chosen);
  for (const auto& request : options.requests) perform(actions, request, options, rights);
  report(actions, options, rights);
  return 0;
}

}  // namespace
}  // namespace posthouse::postsuper

int main(int argc, char** argv) {
  return posthouse::postsuper::run(argc, argv);
}
