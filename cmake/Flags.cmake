# Compiler settings: warnings are errors, hardening is always on.
find_program(CCACHE ccache)
if(CCACHE)
  # The base directory makes clones in different places share the cache.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

option(POSTHOUSE_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer; with clang also libFuzzer" OFF)
option(POSTHOUSE_UNIT_TESTS "unit tests and fuzz targets" ON)

add_compile_options(
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
  -Wold-style-cast -Wcast-qual -Wformat=2 -Wnull-dereference -Werror
  -fstack-protector-strong -fPIE -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False positives of GCC 12 on std::string, std::optional and std::variant.
  add_compile_options(-Wno-restrict -Wno-maybe-uninitialized -Wno-null-dereference
                      -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds
                      -Wno-dangling-pointer -Wno-free-nonheap-object
                      -Wno-missing-field-initializers
                      -fstack-clash-protection -fcf-protection -fpch-preprocess)
else()
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp")  # else no compiler cache
  # -Wconversion of clang includes signs, that of GCC does not.
  # Deprecated: what libstdc++ 12 itself uses in std::stable_sort and its sisters.
  add_compile_options(-Wno-deprecated-declarations -Wno-missing-field-initializers -Wno-missing-designated-field-initializers
                      -Wno-sign-conversion)
endif()
add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_definitions(_FORTIFY_SOURCE=3)
endif()

if(POSTHOUSE_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
  add_compile_definitions(POSTHOUSE_SANITIZE=1)
endif()
# What guides libFuzzer is compiled into every file, so that one build serves the tests and the fuzz targets.
if(POSTHOUSE_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  set(POSTHOUSE_LIBFUZZER ON)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
