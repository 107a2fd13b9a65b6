#include "bounce/bounce_service.h"
#include "lib/service/service.h"

int main(int argc, char** argv) {
  return posthouse::service::run(argc, argv, posthouse::bounce::kPlan,
                                 [] { return std::make_unique<posthouse::bounce::BounceService>(); });
}
