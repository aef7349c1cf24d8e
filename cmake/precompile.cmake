# carousel_precompile(<target> <header>...): the target's heavy headers of other projects, parsed once for all its files.
# Only where no compiler cache is asked to help (a cache answers faster, but not through a precompiled header), and for the
# compiler that gains by it: clang-tidy reads clang's build as it stands.
option(CAROUSEL_PRECOMPILE "Precompile the headers of other projects (GCC without a compiler launcher)" ON)
function(carousel_precompile target)
  if(CAROUSEL_PRECOMPILE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
endfunction()
