// The service postlog: writes the log for processes that cannot write it themselves.
#pragma once

#include <memory>

#include "lib/service/service.h"
#include "postlogd/line_writer.h"

namespace posthouse::postlogd {

inline constexpr service::Plan kPlan{.program = "postlogd", .is_single = true};

class PostlogService : public service::Service {
 public:
  Result<void> prepare(const service::Environment& environment) override;
  void start() override;
  void receive(std::string_view datagram) override { writer_->add(datagram); }
  void drain() override { writer_->flush(); }

 private:
  std::unique_ptr<LineWriter> writer_;
};

}  // namespace posthouse::postlogd
