// Case folding of lookup keys: ASCII, or full Unicode folding of valid UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace posthouse::table {

// With `utf8` all letters are folded (CaseFolding.txt, C and F), else ASCII letters only. Bytes that are not
// UTF-8 stay as they are.
std::string fold_case(std::string_view text, bool utf8);

}  // namespace posthouse::table
