// Takes records out of DNS replies by table (smtp_dns_reply_filter, smtpd_dns_reply_filter).
//
// The tables are asked with "NAME TTL IN TYPE [PREFERENCE] VALUE", host names with their final dot; IGNORE
// drops the record, and says so in the log. A reply of which nothing is left is temporary trouble, and so is
// one that a table could not judge: Reply::filter tells which. May wait.
#pragma once

#include <string>

#include "lib/dns/resolver.h"
#include "lib/table/table_list.h"

namespace posthouse::dnsfilter {

class ReplyFilter : public dns::Lookups {
 public:
  // `lookups` must outlive it.
  ReplyFilter(dns::Lookups& lookups, table::TableList list) : lookups_(lookups), list_(std::move(list)) {}
  dns::Reply query(std::string_view name, dns::Type type, Deadline deadline) override;

 private:
  // Whether the record may stay.
  Result<bool> judge(const dns::Record& record) const;

  dns::Lookups& lookups_;
  table::TableList list_;
};

// As the tables are asked.
std::string text_of(const dns::Record& record);

}  // namespace posthouse::dnsfilter
