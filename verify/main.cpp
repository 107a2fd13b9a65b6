#include "lib/service/service.h"
#include "verify/service.h"

int main(int argc, char** argv) {
  return posthouse::service::run(argc, argv, posthouse::verify::kPlan,
                                 [] { return std::make_unique<posthouse::verify::Verify>(); });
}
