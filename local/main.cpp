#include "local/service.h"

int main(int argc, char** argv) {
  return posthouse::service::run(argc, argv, posthouse::local::kPlan,
                                 [] { return std::make_unique<posthouse::local::LocalAgent>(); });
}
