// The trivial-rewrite daemon: answers questions on private/rewrite in batches.
#pragma once

#include <memory>
#include <optional>

#include "lib/ipc/dispatcher.h"
#include "lib/service/service.h"
#include "trivial-rewrite/resolver.h"

namespace posthouse::trivial_rewrite {

inline constexpr service::Plan kPlan{.program = "trivial-rewrite"};

class TrivialRewrite : public service::Service {
 public:
  Result<void> prepare(const service::Environment& environment) override;
  void start() override;
  void serve(runtime::Stream stream) override;

 private:
  ipc::RewriteReply rewrite(const ipc::RewriteQuery& query) const;
  ipc::ResolveReply resolve(const ipc::ResolveQuery& query);
  void end_if_tables_changed();
  std::uint32_t max_age() const;

  std::unique_ptr<table::Tables> tables_;
  std::optional<Rewriter> rewriter_;
  std::unique_ptr<Resolver> resolver_;
  Routes routes_, probe_routes_;
  ipc::Dispatcher dispatcher_;
  bool depends_on_sender_ = false;
  bool may_wait_ = false;
  Deadline next_check_{};
};

}  // namespace posthouse::trivial_rewrite
