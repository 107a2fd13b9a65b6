// What a local user may send to postdrop.
#include <cstddef>
#include <cstdint>

#include "lib/queuefile/fault_file_system.h"
#include "tools/postdrop/submission.h"

using namespace posthouse;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  queuefile::FaultFileSystem files;
  const queuefile::Layout layout;
  auto writer = queuefile::Writer::create(files, layout,
                                          {.queue = queuefile::queue::kMaildrop, .has_size_record = false},
                                          time_from_unix(1'700'000'000));
  postdrop::Submission submission(*writer, time_from_unix(1'700'000'000), 100'000, "-=+",
                                  [](std::string_view) { return Result<void>(); });
  const std::size_t half = size / 2;
  if (auto done = submission.append(bytes.substr(0, half)); !done || *done) return 0;
  (void)submission.append(bytes.substr(half));
  return 0;
}
