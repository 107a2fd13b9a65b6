#include "smtpd/service.h"

int main(int argc, char** argv) {
  return posthouse::service::run(argc, argv, posthouse::smtpd::kPlan,
                                 [] { return std::make_unique<posthouse::smtpd::Smtpd>(); });
}
