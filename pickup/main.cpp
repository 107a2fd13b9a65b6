#include "pickup/service.h"

int main(int argc, char** argv) {
  return posthouse::service::run(argc, argv, posthouse::pickup::kPlan,
                                 [] { return std::make_unique<posthouse::pickup::Pickup>(); });
}
