// The service showq: streams a listing of the queue to each client (postqueue).
#pragma once

#include "lib/queuefile/layout.h"
#include "lib/service/service.h"

namespace posthouse::showq {

inline constexpr service::Plan kPlan{.program = "showq", .may_stand_alone = true};

class ShowqService : public service::Service {
 public:
  Result<void> prepare(const service::Environment& environment) override;
  void serve(runtime::Stream stream) override;

 private:
  queuefile::Layout layout_;
};

}  // namespace posthouse::showq
