#include <memory>

#include "trivial-rewrite/service.h"

int main(int argc, char** argv) {
  using namespace posthouse;
  return service::run(argc, argv, trivial_rewrite::kPlan,
                      [] { return std::make_unique<trivial_rewrite::TrivialRewrite>(); });
}
