// Remembers what was written before, so that each recipient gets one copy. Bounded: a message with
// more different recipients than `limit` may deliver some twice, never lose one.
#pragma once

#include <string>
#include <unordered_set>

#include "lib/base/text.h"

namespace posthouse::cleanup {

class DuplicateFilter {
 public:
  explicit DuplicateFilter(std::size_t limit) : limit_(limit) {}
  // True when the same text, ignoring case, was seen before.
  bool has_seen(std::string_view text) {
    if (limit_ != 0 && seen_.size() >= limit_) return seen_.contains(lower(text));
    return !seen_.insert(lower(text)).second;
  }

 private:
  std::size_t limit_;
  std::unordered_set<std::string> seen_;
};

}  // namespace posthouse::cleanup
