#include "lib/table/tool/command.h"

int main(int argc, char** argv) {
  return posthouse::table::run_command(argc, argv, posthouse::table::kPostmap);
}
