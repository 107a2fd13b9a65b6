#include "proxymap/approval.h"

#include "lib/config/param_set.h"

namespace posthouse::proxymap {
namespace {

constexpr std::string_view kPrefix = "proxy:";
constexpr int kMaxDepth = 10;

}  // namespace

Approval::Approval(std::string_view text) {
  add(text, 0);
}

void Approval::add(std::string_view text, int depth) {
  if (depth > kMaxDepth) return;
  for (const std::string& piece : config::split_list(text)) {
    std::string_view rest = piece;
    while (rest.starts_with('!')) rest.remove_prefix(1);
    if (rest.starts_with(kPrefix)) {
      // Nested prefixes mean the same table.
      while (rest.starts_with(kPrefix)) rest.remove_prefix(kPrefix.size());
      tables_.emplace(rest);
    } else if (const auto brace = rest.find('{'); brace != std::string_view::npos) {
      // { check_recipient_access proxy:… } and unionmap:{ proxy:… }.
      const auto end = rest.rfind('}');
      if (end != std::string_view::npos && end > brace)
        add(rest.substr(brace + 1, end - brace - 1), depth + 1);
    }
  }
}

}  // namespace posthouse::proxymap
