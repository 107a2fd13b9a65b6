// Whether stored keys and values end with a NUL: "try both, the first hit settles it" (one per handle).
#pragma once

#include <string>
#include <string_view>

#include "lib/table/table.h"

namespace posthouse::table {

class NullConvention {
 public:
  // Flags try_null/try_plain if given, else the type's own convention for writing; reading tries both.
  NullConvention(Flag flags, bool type_writes_null)
      : try_null_(has(flags, Flag::try_null) || !has(flags, Flag::try_plain)),
        try_plain_(has(flags, Flag::try_plain) || !has(flags, Flag::try_null)),
        writes_null_(has(flags, Flag::try_null) != has(flags, Flag::try_plain) ? has(flags, Flag::try_null)
                                                                               : type_writes_null) {}

  bool writes_null() const { return writes_null_; }

  // Calls get(bytes) -> bool with the key in the forms that are still possible until one is there.
  template <class Get>
  bool first_hit(std::string_view key, Get get) {
    const std::string terminated(key);
    if (try_null_ && get(std::string_view(terminated.c_str(), terminated.size() + 1))) {
      try_plain_ = false;
      return true;
    }
    if (try_plain_ && get(key)) {
      try_null_ = false;
      return true;
    }
    return false;
  }

  static std::string_view stripped(std::string_view bytes) {
    if (!bytes.empty() && bytes.back() == '\0') bytes.remove_suffix(1);
    return bytes;
  }

 private:
  bool try_null_, try_plain_, writes_null_;
};

}  // namespace posthouse::table
