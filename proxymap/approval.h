// Which tables the administrator approved: those that a list of parameters names as proxy:type:name.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace posthouse::proxymap {

class Approval {
 public:
  Approval() = default;
  // `text` is the expanded value of proxy_read_maps or proxy_write_maps: table lists, restriction lists, ….
  explicit Approval(std::string_view text);

  // Compared as text: "mysql:/etc/postfix/x.cf".
  bool covers(std::string_view table) const { return tables_.contains(table); }
  std::size_t size() const { return tables_.size(); }

 private:
  void add(std::string_view text, int depth);
  std::set<std::string, std::less<>> tables_;
};

}  // namespace posthouse::proxymap
