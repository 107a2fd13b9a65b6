// Completes addresses: user -> user@myorigin, user%host -> user@host, host!user -> user@host.
//
// Addresses are in internal form. A local part that needs quotes is text, not a route. Pure.
#pragma once

#include <string>
#include <string_view>

namespace posthouse::trivial_rewrite {

struct RewriteRules {
  std::string myorigin;
  std::string mydomain;
  std::string remote_domain;  // remote_header_rewrite_domain
  bool append_at_myorigin = true;
  bool append_dot_mydomain = false;
  bool swap_bangpath = true;
  bool allow_percent_hack = true;
};

class Rewriter {
 public:
  explicit Rewriter(RewriteRules rules) : rules_(std::move(rules)) {}

  std::string local(std::string_view address) const;
  std::string remote(std::string_view address) const;
  // Turns host!user and user%host into user@host; other text is unchanged.
  std::string reveal_route(std::string_view local_part) const;

 private:
  std::string complete(std::string_view address, std::string_view origin, std::string_view domain) const;

  RewriteRules rules_;
};

}  // namespace posthouse::trivial_rewrite
