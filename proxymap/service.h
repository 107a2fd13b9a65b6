// The proxymap and proxywrite services.
#pragma once

#include <map>
#include <memory>

#include "lib/ipc/dispatcher.h"
#include "lib/ipc/messages/proxymap.h"
#include "lib/service/service.h"
#include "lib/table/tables.h"
#include "proxymap/approval.h"

namespace posthouse::proxymap {

inline constexpr service::Plan kPlan{.program = "proxymap"};

class Proxymap : public service::Service {
 public:
  Result<void> prepare(const service::Environment& environment) override;
  void serve(runtime::Stream stream) override;

  // For tests: what prepare() does, without main.cf.
  void use(std::unique_ptr<table::Tables> tables, Approval approval, bool may_write);

  ipc::ProxyAnswer answer(const ipc::ProxyLookup& question);
  ipc::ProxyAnswer answer(const ipc::ProxyUpdate& question);
  ipc::ProxyAnswer answer(const ipc::ProxyDelete& question);
  ipc::ProxyAnswer answer(const ipc::ProxyNext& question);

 private:
  struct Walk {
    std::shared_ptr<table::Table> table;
    std::shared_ptr<table::Cursor> cursor;
    std::string spec;
  };
  // The table, or null with `refusal` filled.
  std::shared_ptr<table::Table> open(const std::string& spec, std::uint32_t flags, std::string_view update,
                                     ipc::ProxyAnswer& refusal);
  void restart_if_changed();

  std::unique_ptr<table::Tables> tables_;
  Approval approval_;
  bool may_write_ = false;
  Deadline next_check_{};
  ipc::Dispatcher dispatcher_;
  std::map<std::uint64_t, Walk> walks_;
  std::uint64_t last_walk_ = 0;
};

}  // namespace posthouse::proxymap
