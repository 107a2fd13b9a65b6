#include "error/service.h"

int main(int argc, char** argv) {
  return posthouse::service::run(argc, argv, posthouse::error::kPlan,
                                 [] { return std::make_unique<posthouse::error::ErrorAgent>(); });
}
