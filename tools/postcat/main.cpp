// postcat: shows queue files.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "lib/base/text.h"
#include "lib/command/start.h"
#include "lib/config/core_parameters.h"
#include "lib/log/log.h"
#include "lib/queuefile/fault_file_system.h"
#include "lib/queuefile/layout.h"
#include "tools/postcat/printer.h"

namespace posthouse::postcat {
namespace {

constexpr std::string_view kUsage =
    "usage: postcat [-b (body text)] [-c config_dir] [-d (decimal record type)] [-e (envelope records)] "
    "[-h (header text)] [-o (file offset)] [-q (access queue)] [-r (raw records)] [-s offset] [-v] "
    "[file(s)...]";

struct Options {
  Parts parts;
  bool search_queue = false;
  std::string config_directory;
  std::vector<std::string> names;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int letter; (letter = ::getopt(argc, argv, "bc:dehoqrs:v")) != -1;) {
    switch (letter) {
      case 'b':
        options.parts.body = true;
        break;
      case 'c':
        options.config_directory = optarg;
        break;
      case 'd':
        options.parts.decimal_types = true;
        break;
      case 'e':
        options.parts.envelope = true;
        break;
      case 'h':
        options.parts.header = true;
        break;
      case 'o':
        options.parts.offsets = true;
        break;
      case 'q':
        options.search_queue = true;
        break;
      case 'r':
        options.parts.raw = true;
        break;
      case 's': {
        const auto offset = parse_int<std::int64_t>(optarg);
        if (!offset || *offset < 0) log::die(fmt::format("bad offset: {}", optarg));
        options.parts.start_offset = *offset;
        break;
      }
      case 'v':
        break;
      default:
        log::die(kUsage);
    }
  }
  auto& parts = options.parts;
  if (!parts.body && !parts.envelope && !parts.header) parts.body = parts.envelope = parts.header = true;
  options.names.assign(argv + optind, argv + argc);
  return options;
}

void show(queuefile::File& file, const std::string& name, const Parts& parts) {
  Printer printer(file, name, parts,
                  [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); });
  const auto done = printer.run();
  std::fflush(stdout);
  if (done) return;
  log::warning("{}: {}", name, done.error().text);
  if (done.error().text != "input is not a valid queue file") log::die("record read error");
}

// Standard input may be a pipe, so it is read into memory first.
void show_standard_input(const Parts& parts) {
  queuefile::FaultFileSystem memory;
  auto file = memory.create("stdin", 0600);
  std::string buffer(64 * 1024, '\0');
  for (std::int64_t at = 0;;) {
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    (void)(*file)->write_at(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)), at);
    at += got;
  }
  show(**file, "stdin", parts);
}

void show_queued(const queuefile::Layout& layout, const std::string& name, const Parts& parts) {
  const auto id = queuefile::QueueId::parse(name);
  if (!id) log::die(fmt::format("bad mail queue ID: {}", name));
  auto& files = queuefile::FileSystem::system();
  namespace queue = queuefile::queue;
  int error = ENOENT;
  for (auto directory : {queue::kActive, queue::kDeferred, queue::kIncoming, queue::kHold, queue::kCorrupt,
                         queue::kMaildrop}) {
    const std::string path = layout.path(directory, *id);
    auto file = files.open(path, queuefile::OpenFor::reading);
    if (file) return show(**file, path, parts);
    if (error == ENOENT) error = file.error();
  }
  log::die(fmt::format("open queue file {}: {}", name, error_text(error)));
}

int run(int argc, char** argv) {
  command::open_standard_descriptors();
  const Options options = parse(argc, argv);
  auto started = command::start("postcat", options.config_directory);
  if (!started) log::die(started.error().text);
  if (options.names.empty()) show_standard_input(options.parts);
  if (options.search_queue) {
    const std::string directory = started->value("queue_directory");
    if (::chdir(directory.c_str()) < 0) log::die(fmt::format("chdir {}: {}", directory, error_text(errno)));
  }
  const auto queue = config::load<config::Queue>(started->main_cf);
  if (!queue) log::die(queue.error().front().text());
  const queuefile::Layout layout(fmt::format("{}", fmt::join((*queue)->hash_queue_names(), " ")),
                                 static_cast<unsigned>((*queue)->hash_queue_depth()));
  for (const auto& name : options.names) {
    if (options.search_queue) {
      show_queued(layout, name, options.parts);
      continue;
    }
    auto file = queuefile::FileSystem::system().open(name, queuefile::OpenFor::reading);
    if (!file) log::die(fmt::format("open {}: {}", name, error_text(file.error())));
    show(**file, name, options.parts);
  }
  return 0;
}

}  // namespace
}  // namespace posthouse::postcat

int main(int argc, char** argv) {
  return posthouse::postcat::run(argc, argv);
}
