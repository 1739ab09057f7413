// SPDX-License-Identifier: Apache-2.0
#include "core/sandbox.h"

#include <array>
#include <cstdio>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/temp_dir.h"

namespace vitrine {
namespace {

using testing::HasSubstr;
using testing::Not;

/// What the probe printed; the drill runs in a process of its own, as a worker is one.
std::string drill(const fakes::TempDir& dir, const std::string& network) {
  std::filesystem::create_directory(dir.path() / "in");
  dir.write("in/allowed", "x");
  dir.write("forbidden", "x");
  const std::string command = std::string(VITRINE_BIN_DIR) + "/sandbox_probe " +
                              (dir.path() / "in").string() + " " + (dir.path() / "forbidden").string() + " " +
                              (dir.path() / "new").string() + " " + network;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), &::pclose);
  std::string output;
  std::array<char, 4096> buffer;
  while (const size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe.get()))
    output.append(buffer.data(), count);
  return output;
}

TEST(Sandbox, AWorkerThatWasTakenOverCanDoNothing) {
  const fakes::TempDir dir;
  const std::string output = drill(dir, "none");
  EXPECT_THAT(output, HasSubstr("read allowed=succeeded"));
  EXPECT_THAT(output, HasSubstr("thread=succeeded"));
  for (const char* name : {"inet", "packet", "mount", "bpf", "exec"}) {
    EXPECT_THAT(output, HasSubstr(std::string(name) + "=refused")) << output;
  }
  if (output.find("no landlock") == std::string::npos) {
    for (const char* name : {"read forbidden", "read shadow", "write", "write allowed"}) {
      EXPECT_THAT(output, HasSubstr("\n" + std::string(name) + "=refused")) << output;
    }
  }
#ifndef VITRINE_SANITIZED  // the sanitizers' own runtime needs these two
  EXPECT_THAT(output, HasSubstr("ptrace=refused"));
  EXPECT_THAT(output, HasSubstr("fork=refused"));
#endif
}

TEST(Sandbox, ANetworkCameraGetsIpSocketsAndNoOthers) {
  const fakes::TempDir dir;
  const std::string output = drill(dir, "net");
  EXPECT_THAT(output, HasSubstr("inet=succeeded"));
  EXPECT_THAT(output, HasSubstr("packet=refused"));
  EXPECT_THAT(output, HasSubstr("exec=refused"));
}

}  // namespace
}  // namespace vitrine
