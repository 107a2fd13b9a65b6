#include "lib/table/text_types.h"

namespace posthouse::table {

const Types& text_types() {
  static const Types types{
      {"texthash", {open_texthash, ""}}, {"inline", {open_inline, ""}},
      {"static", {open_static, ""}},     {"cidr", {open_cidr, ""}},
      {"regexp", {open_regexp, ""}},     {"unionmap", {open_unionmap, ""}},
      {"pipemap", {open_pipemap, ""}},   {"randmap", {open_randmap, ""}},
      {"environ", {open_environ, ""}},   {"unix", {open_unix, ""}},
      {"internal", {open_internal, ""}}, {"fail", {open_fail, ""}},
      {"debug", {open_debug, ""}},       {"proxy", {open_proxy, ""}},
      {"tcp", {open_tcp, ""}},           {"socketmap", {open_socketmap, ""}},
      {"memcache", {open_memcache, ""}},
  };
  return types;
}

}  // namespace posthouse::table
