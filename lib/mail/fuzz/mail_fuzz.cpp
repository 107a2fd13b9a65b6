// Arbitrary bytes as path, address list, header and MIME message.
#include "lib/base/text.h"
#include "lib/mail/address_list.h"
#include "lib/mail/dsn.h"
#include "lib/mail/host_name.h"
#include "lib/mail/mime.h"
#include "lib/mail/path.h"
#include "lib/mail/quote.h"
#include "lib/mail/xtext.h"

namespace {

class Nothing : public posthouse::mail::MimeSink {
 public:
  void header(posthouse::mail::HeaderClass, const posthouse::mail::HeaderSpec&, std::string_view) override {}
  void headers_end() override {}
  void body(std::string_view line) override {
    if (line.find('\n') != std::string_view::npos) __builtin_trap();
  }
  void error(posthouse::mail::MimeError, std::string_view) override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace posthouse::mail;
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  for (const bool is_strict : {false, true}) {
    if (const auto path = parse_path(input, {.is_strict = is_strict, .may_be_empty = true})) {
      if (to_internal(to_external(*path)) != *path && path->find_first_of("\r\n") == std::string::npos &&
          split_address(*path).domain.find_first_of("\"\\") == std::string_view::npos && !path->empty()) {
        __builtin_trap();
      }
    }
  }
  AddressList list = AddressList::parse(input);
  for (std::size_t i = 0; i < list.size(); ++i) list.replace(i, std::string(list[i]) + "x");
  (void)list.header("To");
  (void)split_dsn(input, "4.0.0");
  (void)is_address_literal(input);
  (void)is_valid_hostname(input, true);
  if (xtext_decode(xtext_encode(input)).value_or("?") != input) __builtin_trap();
  Nothing nothing;
  MimeReader reader({.nesting_limit = 5, .header_limit = 200, .downgrade = true}, nothing);
  for (const std::string_view line : posthouse::split(input, '\n')) reader.line(line);
  reader.end();
  return 0;
}
