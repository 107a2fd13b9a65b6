// A message that is worked with while its file must not become another message's.
//
// ENOENT when the message is gone, also when its file was taken for a new one between the opening and the
// lock; EWOULDBLOCK when somebody has it for himself. Short calls.
#pragma once

#include <memory>
#include <string>

#include "lib/queuefile/file_system.h"

namespace posthouse::queuefile {

// Holds the shared lock as long as the file is open.
IoResult<std::unique_ptr<File>> open_shared(FileSystem& files, const std::string& path, OpenFor use);

}  // namespace posthouse::queuefile
