// Reads what a listing shows of one queue file: size, arrival, sender, recipients that wait, and why they
// wait.
//
// Reading ends at the first record that does not belong: what was read before it is shown. Files that are not
// complete messages are left out.
#pragma once

#include <optional>
#include <string>

#include "lib/ipc/messages/showq.h"
#include "lib/queuefile/layout.h"

namespace posthouse::showq {

class EntryReader {
 public:
  EntryReader(queuefile::FileSystem& files, const queuefile::Layout& layout)
      : files_(files), layout_(layout) {}
  // Blocks. `name` is the file name in `queue` at `path`.
  std::optional<ipc::ShowqEntry> read(std::string_view queue, const std::string& path,
                                      const std::string& name);

 private:
  void read_records(queuefile::File& file, ipc::ShowqEntry& entry);
  void add_reasons(ipc::ShowqEntry& entry);

  queuefile::FileSystem& files_;
  const queuefile::Layout& layout_;
};

}  // namespace posthouse::showq
