// SPDX-License-Identifier: Apache-2.0
#include "core/worker.h"

#include <optional>
#include <signal.h>
#include <stdlib.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/shared_memory.h"

namespace vitrine {
namespace {

using namespace std::chrono_literals;

/// Runs a worker until a condition holds; every wait has a generous deadline, none is a sleep.
class WorkerTest : public testing::Test {
 protected:
  void SetUp() override { loop = std::move(*EventLoop::create()); }

  Worker& make(const std::string& mode, WorkerPolicy policy = {}) {
    worker.emplace(
        *loop, WorkerSpec{"probe", VITRINE_BIN_DIR "/worker_probe", {mode}}, policy,
        Worker::Events{[this] { ++spawned; },
                       [this](Channel::Message message) { messages.push_back(std::move(message)); },
                       [this](const Error& cause, std::chrono::milliseconds retry_in) {
                         ends.push_back(cause);
                         retries.push_back(retry_in);
                       }});
    worker->start();
    return *worker;
  }

  bool run_until(const std::function<bool()>& condition, std::chrono::seconds deadline = 20s) {
    bool is_met = false;
    const auto check = loop->every(5ms, [&] {
      is_met = condition();
      if (is_met) loop->quit();
    });
    const auto timeout = loop->after(deadline, [&] { loop->quit(); });
    loop->run();
    return is_met;
  }

  std::unique_ptr<EventLoop> loop;
  std::optional<Worker> worker;
  int spawned = 0;
  std::vector<Channel::Message> messages;
  std::vector<Error> ends;
  std::vector<std::chrono::milliseconds> retries;
};

bool has_type(const Channel::Message& message, std::string_view type) {
  return message.body["type"] == type;
}

TEST_F(WorkerTest, TalksBothWaysAndCarriesDescriptors) {
  auto& probe = make("serve");
  bool was_asked = false;
  ASSERT_TRUE(run_until([&] {
    if (!was_asked && probe.status().state == WorkerStatus::State::kRunning) {
      was_asked = true;
      EXPECT_TRUE(probe.send({{"type", "echo"}, {"text", "价格"}}));
      EXPECT_TRUE(probe.send({{"type", "memory"}}));
    }
    return std::ranges::any_of(messages, [](const auto& m) { return has_type(m, "memory"); });
  }));
  const auto echo = std::ranges::find_if(messages, [](const auto& m) { return has_type(m, "echo"); });
  ASSERT_NE(echo, messages.end());
  EXPECT_EQ(echo->body["text"], "价格");
  const auto memory = std::ranges::find_if(messages, [](const auto& m) { return has_type(m, "memory"); });
  ASSERT_EQ(memory->fds.size(), 1U);
  const auto size = verify_memfd(memory->fds[0].get(), Sealing::kImmutable, 100);
  ASSERT_TRUE(size) << size.error().message;
  EXPECT_EQ(*size, 5U);
}

TEST_F(WorkerTest, InheritsNoSecretsAndNoServiceSocket) {
  ::setenv("NOTIFY_SOCKET", "/run/systemd/notify", 1);
  ::setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x", 1);
  auto& probe = make("serve");
  bool was_asked = false;
  ASSERT_TRUE(run_until([&] {
    if (!was_asked && probe.status().state == WorkerStatus::State::kRunning) {
      was_asked = probe.send({{"type", "report"}}).has_value();
    }
    return std::ranges::any_of(messages, [](const auto& m) { return has_type(m, "report"); });
  }));
  ::unsetenv("NOTIFY_SOCKET");
  ::unsetenv("CREDENTIALS_DIRECTORY");
  const auto found = std::ranges::find_if(messages, [](const auto& m) { return has_type(m, "report"); });
  const auto environment = found->body["environment"].get<std::vector<std::string>>();
  EXPECT_THAT(environment, testing::Not(testing::Contains("NOTIFY_SOCKET")));
  EXPECT_THAT(environment, testing::Not(testing::Contains("CREDENTIALS_DIRECTORY")));
  EXPECT_TRUE(found->body["group"]) << "Ctrl-C would reach the worker before the studio";
}

TEST_F(WorkerTest, ComesBackAtOnceAfterBeingKilled) {
  auto& probe = make("serve");
  int first_pid = 0;
  ASSERT_TRUE(run_until([&] {
    if (first_pid == 0 && probe.status().state == WorkerStatus::State::kRunning) {
      first_pid = probe.status().pid;
      ::kill(first_pid, SIGKILL);
    }
    return first_pid != 0 && probe.status().state == WorkerStatus::State::kRunning &&
           probe.status().pid != first_pid;
  }));
  ASSERT_EQ(ends.size(), 1U);
  EXPECT_EQ(ends[0].code, ErrorCode::kWorkerDied);
  EXPECT_THAT(ends[0].message, testing::HasSubstr("signal 9"));
  EXPECT_EQ(retries[0], 0ms);
  EXPECT_EQ(probe.status().restarts, 1);
}

TEST_F(WorkerTest, BacksOffWhileItKeepsDyingAndNeverGivesUp) {
  WorkerPolicy policy;
  policy.max_backoff = 600ms;
  make("exit-3", policy);
  ASSERT_TRUE(run_until([&] { return ends.size() >= 5; }));
  EXPECT_THAT(ends[4].message, testing::HasSubstr("status 3"));
  EXPECT_EQ(retries[0], 0ms);
  EXPECT_GE(retries[1], 200ms);
  EXPECT_GT(retries[2], retries[1] * 5 / 4);
  EXPECT_LE(retries[4], 720ms) << "the bound plus its jitter";
}

TEST_F(WorkerTest, RetryNowCutsTheWait) {
  WorkerPolicy policy;
  policy.max_backoff = 3'600'000ms;
  auto& probe = make("exit-3", policy);
  ASSERT_TRUE(run_until([&] {
    probe.retry_now();
    return ends.size() >= 6;
  }));
}

TEST_F(WorkerTest, TellsTheCauseTheWorkerAnnounced) {
  make("announce");
  ASSERT_TRUE(run_until([&] { return !ends.empty(); }));
  EXPECT_EQ(ends[0].code, ErrorCode::kAuthRejected);
  EXPECT_EQ(ends[0].message, "the camera refused the password");
}

TEST_F(WorkerTest, TellsTheErrorAHandlerEndedWith) {
  auto& probe = make("serve");
  bool was_asked = false;
  ASSERT_TRUE(run_until([&] {
    if (!was_asked && probe.status().state == WorkerStatus::State::kRunning) {
      was_asked = probe.send({{"type", "give up"}}).has_value();
    }
    return !ends.empty();
  }));
  EXPECT_EQ(ends[0].code, ErrorCode::kNoSignal);
}

TEST_F(WorkerTest, KillsAWorkerThatStopsBeating) {
  WorkerPolicy policy;
  policy.heartbeat_timeout = 700ms;
  make("hang", policy);
  ASSERT_TRUE(run_until([&] { return !ends.empty(); }));
  EXPECT_EQ(ends[0].code, ErrorCode::kTimeout);
}

TEST_F(WorkerTest, KillsAWorkerThatIsStopped) {
  WorkerPolicy policy;
  policy.heartbeat_timeout = 700ms;
  auto& probe = make("serve", policy);
  bool is_stopped = false;
  ASSERT_TRUE(run_until([&] {
    if (!is_stopped && probe.status().state == WorkerStatus::State::kRunning) {
      is_stopped = ::kill(probe.status().pid, SIGSTOP) == 0;
    }
    return ends.size() == 1 && probe.status().state == WorkerStatus::State::kRunning;
  }));
}

TEST_F(WorkerTest, KillsAWorkerThatNeverSaysAnything) {
  WorkerPolicy policy;
  policy.start_timeout = 500ms;
  make("mute", policy);
  ASSERT_TRUE(run_until([&] { return !ends.empty(); }));
  EXPECT_EQ(ends[0].code, ErrorCode::kTimeout);
}

TEST_F(WorkerTest, EndsAWorkerThatSendsGarbage) {
  make("garbage");
  ASSERT_TRUE(run_until([&] { return !ends.empty(); }));
  EXPECT_EQ(ends[0].code, ErrorCode::kProtocol);
}

TEST_F(WorkerTest, AMissingProgramIsAnEndWithAReasonNotACrash) {
  worker.emplace(
      *loop, WorkerSpec{"absent", "/nonexistent/program", {}}, WorkerPolicy{},
      Worker::Events{nullptr, nullptr, [this](const Error& cause, auto) { ends.push_back(cause); }});
  worker->start();
  ASSERT_TRUE(run_until([&] { return ends.size() >= 2; }));
  EXPECT_THAT(ends[0].message, testing::HasSubstr("/nonexistent/program"));
}

TEST_F(WorkerTest, TheChildDiesWithTheWorkerObject) {
  auto& probe = make("serve");
  int pid = 0;
  ASSERT_TRUE(run_until([&] {
    pid = probe.status().pid;
    return probe.status().state == WorkerStatus::State::kRunning;
  }));
  worker.reset();
  EXPECT_EQ(::kill(pid, 0), -1);
}

}  // namespace
}  // namespace vitrine
