# What nearly every file includes costs more to read than the file itself: read once for all libraries and once for all
# tests (which are not position independent in the same way), a clean build takes half as long. Sources still include what
# they use.
set(VITRINE_COMMON_HEADERS
  <algorithm> <chrono> <filesystem> <functional> <map> <memory> <optional> <string> <thread> <vector>
  <fmt/format.h> <nlohmann/json.hpp>)

# Tests and the arguments of programs may be slow; their templates take up to a minute a file to optimise.
if(VITRINE_SANITIZE)
  set(VITRINE_UNHURRIED -O0)
else()
  set(VITRINE_UNHURRIED -O1)
endif()

file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/precompiled.cpp CONTENT "int main() {}\n")
add_library(vitrine_headers OBJECT ${CMAKE_BINARY_DIR}/precompiled.cpp)
target_link_libraries(vitrine_headers PRIVATE fmt::fmt nlohmann_json::nlohmann_json Threads::Threads)
target_precompile_headers(vitrine_headers PRIVATE ${VITRINE_COMMON_HEADERS})
if(VITRINE_TESTS)
  add_executable(vitrine_test_headers ${CMAKE_BINARY_DIR}/precompiled.cpp)
  target_link_libraries(vitrine_test_headers PRIVATE fmt::fmt nlohmann_json::nlohmann_json GTest::gmock GTest::gtest)
  target_precompile_headers(vitrine_test_headers PRIVATE ${VITRINE_COMMON_HEADERS} <gmock/gmock.h> <gtest/gtest.h>)
  target_compile_options(vitrine_test_headers PRIVATE ${VITRINE_UNHURRIED})
endif()

# vitrine_folder_library(<folder> SOURCES … PUBLIC … PRIVATE …)
# One static library per folder. Its headers are included as "<folder>/x.h", and only by targets that link it: each
# library's include directory holds a link to its own folder and nothing else, so a wrong arrow does not compile.
function(vitrine_folder_library folder)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  set(target vitrine_${folder})
  set(include_dir ${CMAKE_BINARY_DIR}/include/${folder})
  file(MAKE_DIRECTORY ${include_dir})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${folder} ${include_dir}/${folder} SYMBOLIC)
  add_library(${target} STATIC ${ARG_SOURCES})
  add_library(vitrine::${folder} ALIAS ${target})
  target_include_directories(${target} PUBLIC ${include_dir})
  target_link_libraries(${target} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  target_precompile_headers(${target} REUSE_FROM vitrine_headers)
endfunction()

# vitrine_program(<name> SOURCES … LINK …): an executable in <build>/bin, installed to libexec or bin.
function(vitrine_program name)
  cmake_parse_arguments(ARG "" "INSTALL" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  target_compile_options(${name} PRIVATE ${VITRINE_UNHURRIED})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  if(ARG_INSTALL)
    install(TARGETS ${name} RUNTIME DESTINATION ${ARG_INSTALL})
  endif()
endfunction()

# vitrine_test(<name> SOURCES … LINK … LABELS … TIMEOUT s [THREADS] [SERIAL]): one GoogleTest program, one CTest entry a case.
# THREADS: it runs threads of ours and no GLib, which is not built for ThreadSanitizer; only these exist in the tsan preset.
# SERIAL: it runs alone, because it plays in real time and needs the machine.
function(vitrine_test name)
  cmake_parse_arguments(ARG "THREADS;SERIAL" "TIMEOUT" "SOURCES;LINK;LABELS;DEPENDS" ${ARGN})
  if(VITRINE_SANITIZE MATCHES "thread" AND NOT ARG_THREADS)
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gmock GTest::gtest_main)
  target_precompile_headers(${name} REUSE_FROM vitrine_test_headers)
  target_compile_definitions(${name} PRIVATE
    VITRINE_SOURCE_DIR="${CMAKE_SOURCE_DIR}" VITRINE_BIN_DIR="${CMAKE_BINARY_DIR}/bin")
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  target_compile_options(${name} PRIVATE ${VITRINE_UNHURRIED})
  if(TARGET thread_tests)
    add_dependencies(thread_tests ${name})
  endif()
  include(GoogleTest)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} SKIP_RETURN_CODE 77 RUN_SERIAL ${ARG_SERIAL})
endfunction()
