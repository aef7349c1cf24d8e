# Two ways to build everything in less time. Both are for whoever builds once: with a compiler launcher (a cache, which
# answers for one file at a time) they are off, so that a developer's change compiles one file.
option(CAROUSEL_PRECOMPILE "Precompile the headers of other projects (GCC without a compiler launcher)" ON)
set(CAROUSEL_BATCHES auto CACHE STRING "What is compiled in batches of files: none, programs, all; auto: none with a launcher")
set(batches ${CAROUSEL_BATCHES})
if(batches STREQUAL "auto")
  set(batches programs)
  if(CMAKE_CXX_COMPILER_LAUNCHER)
    set(batches none)
  endif()
endif()

# carousel_precompile(<target> <header>...): the target's heavy headers of other projects, parsed once for all its files.
# Only for the compiler that gains by it: clang-tidy reads clang's build as it stands.
function(carousel_precompile target)
  if(CAROUSEL_PRECOMPILE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
endfunction()

# carousel_batches(<programs|layers> <target>...): a dozen of their files are compiled as one, so that headers are parsed and
# templates instantiated once for all of them. Layers only where all is to be so (for sanitizers and clang-tidy): a program
# links whole objects, and those of single files are smaller.
function(carousel_batches kind)
  if(batches STREQUAL "all" OR batches STREQUAL kind)
    set_target_properties(${ARGN} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
  endif()
endfunction()
