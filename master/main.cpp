#include "master/startup.h"

int main(int argc, char** argv) {
  return posthouse::master::start(argc, argv);
}
