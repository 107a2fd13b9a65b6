// Printing of long settings: words joined by one blank, in lines of at most 80 columns when folded.
#pragma once

#include <string>
#include <string_view>

namespace posthouse::postconf {

// Runs of white space become one blank; with `folds` continuation lines are indented by four.
std::string squeezed(std::string_view text, bool folds);

}  // namespace posthouse::postconf
