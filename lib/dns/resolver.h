// Asks the DNS through libunbound's asynchronous interface; the fiber sleeps until the answer is there.
//
// One Resolver per process, made before chroot and the drop of privileges (it reads /etc/resolv.conf
// then). Answers are cached by libunbound as their TTLs say. /etc/hosts plays no part here; see
// host_lookup.h. A reply has exactly one of four outcomes; trouble of any kind, including an
// answer nobody can read, is `temporary`, never "not found".
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/failure.h"
#include "lib/dns/message.h"

namespace posthouse::dns {

enum class Outcome : unsigned char {
  found,
  no_data,    // the name exists, without records of this type
  no_host,    // NXDOMAIN, or a name that can never exist
  temporary,  // server failure, timeout, unreadable answer
};

// What a filter behind the resolver (lib/dnsfilter) made of a reply that had records.
enum class FilterEnd : unsigned char { none, dropped_all, failed };

struct Reply {
  Outcome outcome = Outcome::temporary;
  std::string name;  // as asked, in ASCII
  Type type = Type::a;
  std::string final_name;              // after aliases
  std::vector<Record> records;         // not empty if and only if found
  bool is_secure = false;              // validated by DNSSEC
  bool malformed = false;              // temporary because the answer could not be read
  FilterEnd filter = FilterEnd::none;  // temporary because of this

  // "Host or domain name not found. Name service error for name=N type=MX: Host not found, try again"
  std::string text() const;
  // "Host not found": the last part of text().
  std::string_view reason() const;
};

std::string_view name_of(Type type);  // "MX"

struct ResolverSettings {
  // "127.0.0.1:5353, [::1]:53": servers to ask instead of those in /etc/resolv.conf. Blank or comma
  // separated; without a port, 53.
  std::string servers;
  std::string resolv_conf = "/etc/resolv.conf";
  bool idna2003 = false;  // enable_idna2003_compatibility: how names in UTF-8 become ASCII
};

// The interface, so that routing can be tested with a table of answers.
class Lookups {
 public:
  virtual ~Lookups() = default;
  // May wait. A name in UTF-8 is asked for in its ASCII form. A numeric or impossible name is no_host without
  // a query.
  virtual Reply query(std::string_view name, Type type, Deadline deadline) = 0;
};

class Resolver : public Lookups {
 public:
  // A failure names the setting that is wrong.
  static Result<std::unique_ptr<Resolver>> create(const ResolverSettings& settings);
  ~Resolver() override;
  Reply query(std::string_view name, Type type, Deadline deadline) override;

 private:
  struct State;
  explicit Resolver(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;  // shared with the fiber that reads answers
};

// Splits one entry of ResolverSettings::servers into "address@port", or nothing if malformed.
std::optional<std::string> forwarder_of(std::string_view server);

}  // namespace posthouse::dns
