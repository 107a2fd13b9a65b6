// Messages that a power cut left under the name of another, in files that are used again (spare_files.h).
//
// The commit of a message in such a file syncs its bytes; a power cut may undo the renames and modes that
// came after the last commit of the file system's journal. So the message may stand, whole, in spare/, or in
// incoming/ or active/ under the name of an earlier one or with the mode of an unfinished one. Its seal tells
// its id. What is whole and has recipients left is a message; what is whole and has none was delivered; the
// rest was never accepted.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "lib/queuefile/file_system.h"
#include "lib/queuefile/layout.h"
#include "lib/queuefile/queue_id.h"

namespace posthouse::queuefile {

// Gives the file at `path` the name incoming/ID, for the inode it has, and the mode of a finished message.
// When that name is there already `path` was a second name of the same file, and goes.
IoResult<void> give_true_name(FileSystem& files, const Layout& layout, const std::string& path,
                              const QueueId& id, Time now);

// At start-up, before any daemon: empties spare/, and looks at the unfinished files in incoming/ and active/.
// Those that are ready are for the queue manager, which reads them anyway. `say` gets a line for each message
// that was found, and for each file that went to corrupt/.
void recover_messages(FileSystem& files, const Layout& layout, Time now,
                      const std::function<void(std::string_view)>& say);

}  // namespace posthouse::queuefile
