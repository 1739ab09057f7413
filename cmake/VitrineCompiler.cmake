set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_LINK_WHAT_YOU_USE OFF)

set(VITRINE_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")
option(VITRINE_FUZZ "Build the libFuzzer harnesses and nothing that needs a device" OFF)

include(CheckPIESupported)
check_pie_supported()

add_compile_options(
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-qual -Wold-style-cast
  -Wunused -Wimplicit-fallthrough -Wformat=2 -Werror)
# gcc 12's maybe-uninitialized finds only the standard library's and date's own fields here.
add_compile_options("$<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond;-Wlogical-op;-Wno-psabi;-Wno-maybe-uninitialized>")
# Everywhere alike, whatever a library asks for: precompiled headers are valid for equal options only.
add_compile_options(-pthread)
if(CMAKE_UNITY_BUILD)
  add_compile_options(-Wno-subobject-linkage)  # takes every joined source for a header
endif()

# Hardening of what ships: stated here so that no builder can forget it.
add_compile_options(-fstack-protector-strong -fcf-protection)
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)
add_compile_definitions("$<$<CONFIG:RelWithDebInfo>:_FORTIFY_SOURCE=3>")
add_compile_definitions("$<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>")

if(VITRINE_SANITIZE)
  # -O1: a 1080p picture path at -O0 under ASan is slower than real time and would only test time-outs.
  add_compile_options(-fsanitize=${VITRINE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -g1)
  if(VITRINE_SANITIZE MATCHES "thread")
    add_compile_options(-Wno-error)  # gcc 12 sees overruns in what the sanitizer inserts; the other presets judge
  endif()
  add_link_options(-fsanitize=${VITRINE_SANITIZE})
  add_compile_definitions(VITRINE_SANITIZED)
endif()
if(VITRINE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -O1 -Wno-error)
  add_link_options(-fsanitize=address,undefined)
  add_compile_definitions(VITRINE_SANITIZED)
endif()

find_program(VITRINE_MOLD mold)
if(VITRINE_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_link_options(-fuse-ld=mold)
endif()
find_program(VITRINE_CCACHE ccache)
if(VITRINE_CCACHE)
  # ccache knows precompiled headers only when it may take their macros and times on trust.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${VITRINE_CCACHE})
  add_compile_options("$<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>")
endif()
