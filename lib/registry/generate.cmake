# Writes all_sets.cpp: one add<Set>() for each struct derived from ParamSet in HEADERS.
separate_arguments(HEADERS)
set(includes "")
set(calls "")
foreach(header IN LISTS HEADERS)
  file(READ ${SOURCE_DIR}/${header} text)
  string(REGEX MATCH "namespace (posthouse[a-z_:0-9]*) {" unused "${text}")
  set(space ${CMAKE_MATCH_1})
  # Brackets and semicolons mean something in CMake lists.
  string(REGEX REPLACE "[][;]" " " text "${text}")
  string(REGEX MATCHALL "\nstruct [A-Za-z0-9]+ (final )?: (public )?[a-z:]*(Transport)?ParamSet" sets "${text}")
  if(sets)
    string(APPEND includes "#include \"${header}\"\n")
  endif()
  foreach(set IN LISTS sets)
    string(REGEX MATCH "struct ([A-Za-z0-9]+)" unused "${set}")
    string(APPEND calls "  add<${space}::${CMAKE_MATCH_1}>(out, \"${header}\");\n")
  endforeach()
endforeach()
set(text "// Generated from the parameters.h of all folders.
#include \"lib/registry/collect.h\"
${includes}
namespace posthouse::registry {

void collect(Collection& out) {
${calls}}

}  // namespace posthouse::registry
")
file(WRITE ${OUTPUT} "${text}")
