// postmap -F: values are file names whose contents are stored base64-encoded.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/failure.h"

namespace posthouse::table {

// Contents of all files named in `names` (commas, blanks), a newline between them, base64-encoded.
Result<std::string> encoded_files(std::string_view names);

std::string base64_encoded(std::string_view bytes);
std::optional<std::string> base64_decoded(std::string_view text);

}  // namespace posthouse::table
