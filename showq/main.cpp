#include "lib/service/service.h"
#include "showq/showq_service.h"

int main(int argc, char** argv) {
  return posthouse::service::run(argc, argv, posthouse::showq::kPlan,
                                 [] { return std::make_unique<posthouse::showq::ShowqService>(); });
}
