#include "lib/service/service.h"
#include "qmgr/service.h"

int main(int argc, char** argv) {
  return posthouse::service::run(argc, argv, posthouse::qmgr::kPlan,
                                 [] { return std::make_unique<posthouse::qmgr::QueueManager>(); });
}
