// SPDX-License-Identifier: Apache-2.0
#include "core/control_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <future>
#include <stdlib.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/shared_memory.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine {
namespace {

using namespace std::chrono_literals;

class ControlSocket : public testing::Test {
 protected:
  void SetUp() override {
    loop = std::move(*EventLoop::create());
    auto listening = ControlServer::listen(*loop, path, [this](ControlServer::Request request, auto reply) {
      answer(request, std::move(reply));
    });
    ASSERT_TRUE(listening) << listening.error().message;
    server = std::move(*listening);
    thread = std::jthread([this] { loop->run(); });
  }

  void TearDown() override {
    loop->quit();
    thread.join();
    server.reset();
  }

  void answer(const ControlServer::Request& from, ControlServer::Reply reply) {
    const auto& caller = from.caller;
    const auto& request = from.body;
    if (request["op"] == "file") {
      const auto size = verify_memfd(from.attachment.get(), Sealing::kImmutable, 100);
      if (!size) return reply({{{"error", size.error().message}}, {}});
      const auto mapping = Mapping::create(from.attachment.get(), 0, *size, Mapping::Access::kRead);
      return reply({{{"text", std::string(reinterpret_cast<const char*>(mapping->data()), *size)}}, {}});
    }
    if (request["op"] == "who") return reply({{{"ok", true}, {"pid", caller.pid}, {"uid", caller.uid}}, {}});
    if (request["op"] == "picture") {
      auto fd = create_immutable_memfd("picture", {reinterpret_cast<const uint8_t*>("PNG!"), 4});
      return reply({{{"ok", true}}, std::move(*fd)});
    }
    if (request["op"] == "later") {
      timer = loop->after(50ms, [reply] { reply({{{"ok", true}, {"late", true}}, {}}); });
      return;
    }
    if (request["op"] == "large") return reply({{{"text", std::string(3'000'000, 'x')}}, {}});
    reply({{{"echo", request}}, {}});
  }

  UniqueFd dial() {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }

  static std::string read_line(int fd) {
    std::string line;
    char c = 0;
    while (line.find('\n') == std::string::npos && ::read(fd, &c, 1) == 1) line += c;
    return line;
  }

  static bool is_closed_by_peer(int fd) {
    char c = 0;
    return ::read(fd, &c, 1) <= 0;
  }

  fakes::TempDir dir;
  std::filesystem::path path = dir.path() / "run" / "studio.sock";
  std::unique_ptr<EventLoop> loop;
  std::unique_ptr<ControlServer> server;
  EventLoop::Watch timer;
  std::jthread thread;
};

TEST_F(ControlSocket, AnswersAndKnowsItsCallerFromTheKernel) {
  const auto answer = call_control(path, {{"op", "who"}}, 10s);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body["pid"], ::getpid());
  EXPECT_EQ(answer->body["uid"], ::getuid());
}

TEST_F(ControlSocket, IsClosedToOthers) {
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0660U);
}

TEST_F(ControlSocket, CarriesADescriptorWithTheAnswer) {
  const auto answer = call_control(path, {{"op", "picture"}}, 10s);
  ASSERT_TRUE(answer);
  const auto size = verify_memfd(answer->attachment.get(), Sealing::kImmutable, 100);
  ASSERT_TRUE(size);
  const auto mapping = Mapping::create(answer->attachment.get(), 0, *size, Mapping::Access::kRead);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(mapping->data()), 4), "PNG!");
}

TEST_F(ControlSocket, TakesADescriptorWithARequestAndWithThatOneAlone) {
  const auto file = create_immutable_memfd("table", {reinterpret_cast<const uint8_t*>("A001,1.00"), 9});
  const auto answer =
      call_control(path, {{"op", "file"}, {"more", std::string(400'000, 'x')}}, 10s, file->get());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body["text"], "A001,1.00");
  const auto without = call_control(path, {{"op", "file"}}, 10s);
  ASSERT_TRUE(without);
  EXPECT_TRUE(without->body.contains("error"));
}

TEST_F(ControlSocket, PassesALargeAnswerWhole) {
  const auto answer = call_control(path, {{"op", "large"}}, 10s);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body["text"].get_ref<const std::string&>().size(), 3'000'000U);
}

TEST_F(ControlSocket, AnswersPipelinedRequestsInOrderEvenWhenOneTakesLonger) {
  const auto fd = dial();
  const std::string lines = "{\"op\":\"later\"}\n{\"op\":\"x\",\"n\":1}\n{\"op\":\"x\",\"n\":2}\n";
  ASSERT_EQ(::write(fd.get(), lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
  EXPECT_THAT(read_line(fd.get()), testing::HasSubstr("late"));
  EXPECT_THAT(read_line(fd.get()), testing::HasSubstr("\"n\":1"));
  EXPECT_THAT(read_line(fd.get()), testing::HasSubstr("\"n\":2"));
}

TEST_F(ControlSocket, RefusesALineThatIsNoObjectAndGoesOn) {
  const auto fd = dial();
  const std::string lines = "nonsense\n[1,2]\n{\"op\":\"x\"}\n";
  ASSERT_EQ(::write(fd.get(), lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
  EXPECT_THAT(read_line(fd.get()), testing::HasSubstr("invalid_input"));
  EXPECT_THAT(read_line(fd.get()), testing::HasSubstr("a request is a JSON object"));
  EXPECT_THAT(read_line(fd.get()), testing::HasSubstr("echo"));
}

TEST_F(ControlSocket, DropsARequestWithoutEnd) {
  const auto fd = dial();
  const std::string flood(64 * 1024, 'x');
  for (int i = 0; i < 64; ++i) {
    if (::send(fd.get(), flood.data(), flood.size(), MSG_NOSIGNAL) < 0) break;
  }
  EXPECT_TRUE(is_closed_by_peer(fd.get()));
  EXPECT_TRUE(call_control(path, {{"op", "who"}}, 10s)) << "the server must go on";
}

TEST_F(ControlSocket, DropsAClientThatDoesNotRead) {
  const auto fd = dial();
  std::string lines;
  for (int i = 0; i < 8; ++i) lines += "{\"op\":\"large\"}\n";
  ASSERT_GT(::write(fd.get(), lines.data(), lines.size()), 0);
  EXPECT_TRUE(call_control(path, {{"op", "who"}}, 10s));
}

TEST_F(ControlSocket, ACallerThatLeavesBeforeItsAnswerHarmsNobody) {
  {
    const auto fd = dial();
    const std::string line = "{\"op\":\"later\"}\n";
    ASSERT_GT(::write(fd.get(), line.data(), line.size()), 0);
  }
  EXPECT_TRUE(call_control(path, {{"op", "later"}}, 10s));
}

TEST_F(ControlSocket, TooManyClientsAreRefusedAndRoomIsGivenBack) {
  std::vector<UniqueFd> clients;
  for (size_t i = 0; i < ControlServer::kMaxClients; ++i) clients.push_back(dial());
  const auto extra = dial();
  EXPECT_TRUE(is_closed_by_peer(extra.get()));
  clients.clear();
  const auto deadline = std::chrono::steady_clock::now() + 10s;  // the server sees the ends one by one
  bool is_answered = false;
  while (!is_answered && std::chrono::steady_clock::now() < deadline) {
    is_answered = call_control(path, {{"op", "who"}}, 10s).has_value();
  }
  EXPECT_TRUE(is_answered);
}

TEST_F(ControlSocket, ASecondStudioIsRefused) {
  auto other_loop = std::move(*EventLoop::create());
  const auto second = ControlServer::listen(*other_loop, path, nullptr);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kDeviceBusy);
}

TEST(ControlSocketFile, OfADeadStudioIsReplaced) {
  const fakes::TempDir dir;
  const auto path = dir.path() / "studio.sock";
  auto loop = std::move(*EventLoop::create());
  {
    UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_TRUE(ControlServer::listen(*loop, path, nullptr));
}

TEST(CallControl, SaysThatNoStudioRuns) {
  const fakes::TempDir dir;
  const auto answer = call_control(dir.path() / "nobody.sock", {{"op", "status"}}, 1s);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kConnectRefused);
}

}  // namespace
}  // namespace vitrine
