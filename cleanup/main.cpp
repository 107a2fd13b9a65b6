#include "cleanup/service.h"

int main(int argc, char** argv) {
  return posthouse::service::run(argc, argv, posthouse::cleanup::kPlan,
                                 [] { return std::make_unique<posthouse::cleanup::Cleanup>(); });
}
