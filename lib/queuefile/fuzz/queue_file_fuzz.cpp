// The bytes of a queue file, read in every way that a daemon reads them.
#include <cstddef>
#include <cstdint>

#include "lib/queuefile/content_reader.h"
#include "lib/queuefile/envelope_reader.h"
#include "lib/queuefile/fault_file_system.h"
#include "lib/queuefile/queue_id.h"

using namespace posthouse::queuefile;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  FaultFileSystem files;
  auto file = files.create("incoming/A", 0700);
  if (!(*file)->write_at(bytes, 0)) return 0;

  EnvelopeReader reader(**file);
  if (auto envelope = reader.read()) {
    while (reader.has_more()) {
      if (!reader.recipients(3)) break;
    }
    ContentReader content(**file, envelope->size.data_offset, 512);
    std::string text;
    while (auto more = content.append_lines(text, 4096, {.dot_stuffing = true})) {
      if (!*more) break;
      text.clear();
    }
  }
  (void)QueueId::parse(bytes.substr(0, 300));
  if (auto id = QueueId::parse(bytes.substr(0, 20))) {
    (void)id->inode();
    (void)id->hash_path(3);
  }
  return 0;
}
