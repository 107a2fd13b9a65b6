// The cleanup daemon: one fiber per client connection, one Message per conversation
// (lib/ipc/messages/cleanup.h).
#pragma once

#include <memory>

#include "cleanup/connected_neighbours.h"
#include "cleanup/message.h"
#include "lib/config/own_addresses.h"
#include "lib/ipc/connection.h"
#include "lib/queuefile/spare_files.h"
#include "lib/service/service.h"
#include "lib/table/match_list.h"
#include "lib/table/table_list.h"
#include "lib/table/tables.h"

namespace posthouse::cleanup {

inline constexpr service::Plan kPlan{.program = "cleanup"};

class Cleanup : public service::Service {
 public:
  Result<void> prepare(const service::Environment& environment) override;
  void start() override;
  void serve(runtime::Stream stream) override;
  void drain() override;

 private:
  Result<void> load_settings(const config::MainCf& main_cf);
  Result<void> open_tables(const service::Environment& environment);
  FindAddress finder(std::string_view title, std::string_view text,
                     table::AddressKeys keys = table::AddressKeys::standard);
  // One message; false when the connection cannot be used any more.
  bool converse(ipc::Connection& connection, const ipc::CleanupOpen& open);
  void end_if_table_changed();

  Settings settings_;
  peers::Services services_;
  Maps maps_;
  std::unique_ptr<table::Tables> tables_;
  std::shared_ptr<table::AddressRules> rules_;
  std::unique_ptr<table::MatchList> mydestination_;
  config::OwnAddresses own_addresses_;
  std::unique_ptr<ConnectedNeighbours> neighbours_;
  queuefile::SpareTaker spares_;
};

}  // namespace posthouse::cleanup
