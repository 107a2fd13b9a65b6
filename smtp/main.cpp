#include "smtp/service.h"

int main(int argc, char** argv) {
  return posthouse::service::run(argc, argv, posthouse::smtp::kPlan,
                                 [] { return std::make_unique<posthouse::smtp::Agent>(); });
}
