#include "lib/dnsfilter/reply_filter.h"

#include <fmt/format.h>

#include <vector>

#include "lib/base/text.h"
#include "lib/log/log.h"

namespace posthouse::dnsfilter {
namespace {

bool is_name(dns::Type type) {
  using dns::Type;
  return type == Type::ns || type == Type::cname || type == Type::ptr || type == Type::mx ||
         type == Type::srv;
}

std::string with_dot(const std::string& name) {
  return name.ends_with('.') ? name : name + ".";
}

std::string value_of(const dns::Record& record) {
  if (record.type == dns::Type::mx) return fmt::format("{} {}", record.preference, with_dot(record.value));
  if (record.type == dns::Type::srv)
    return fmt::format("{} {} {} {}", record.preference, record.weight, record.port, with_dot(record.value));
  return is_name(record.type) ? with_dot(record.value) : printable(record.value);
}

dns::Reply fallen(dns::Reply reply, dns::FilterEnd end) {
  reply.outcome = dns::Outcome::temporary;
  reply.filter = end;
  reply.records.clear();
  return reply;
}

}  // namespace

std::string text_of(const dns::Record& record) {
  return fmt::format("{} {} IN {} {}", with_dot(record.name), record.ttl, dns::name_of(record.type),
                     value_of(record));
}

Result<bool> ReplyFilter::judge(const dns::Record& record) const {
  const std::string text = text_of(record);
  const Lookup found = list_.lookup(text);
  if (const auto* failure = std::get_if<Failure>(&found)) return fail(*failure);
  const auto* action = std::get_if<std::string>(&found);
  if (action == nullptr) return true;
  const auto words = split_any(*action, " \t\r\n");
  if (words.empty() || !equal_ignoring_case(words[0], "IGNORE")) {
    log::warning("{}: unknown DNS filter action: \"{}\"", list_.title(), *action);
    return fail(Failure::deferred("4.3.5", "unknown action"));
  }
  log::info("ignoring DNS RR: {}", text);
  return false;
}

dns::Reply ReplyFilter::query(std::string_view name, dns::Type type, Deadline deadline) {
  dns::Reply reply = lookups_.query(name, type, deadline);
  if (reply.outcome != dns::Outcome::found) return reply;
  std::vector<dns::Record> kept;
  for (dns::Record& record : reply.records) {
    const auto may_stay = judge(record);
    if (!may_stay) return fallen(std::move(reply), dns::FilterEnd::failed);
    if (*may_stay) kept.push_back(std::move(record));
  }
  if (kept.empty()) return fallen(std::move(reply), dns::FilterEnd::dropped_all);
  reply.records = std::move(kept);
  return reply;
}

}  // namespace posthouse::dnsfilter
