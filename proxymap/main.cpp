#include "lib/service/service.h"
#include "proxymap/service.h"

int main(int argc, char** argv) {
  return posthouse::service::run(argc, argv, posthouse::proxymap::kPlan,
                                 [] { return std::make_unique<posthouse::proxymap::Proxymap>(); });
}
