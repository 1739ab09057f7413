// SPDX-License-Identifier: Apache-2.0
#include "core/worker.h"

#include <sys/epoll.h>
#include <sys/wait.h>

#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

extern "C" {  // glibc 2.36 forgot to say so itself
#include <sys/pidfd.h>
}

#include <array>
#include <random>
#include <string_view>

#include <fmt/format.h>

#include "core/log.h"
#include "core/text_rules.h"
#include "core/worker_session.h"

namespace vitrine {
namespace {

/// What a worker inherits of the environment: nothing that could carry a secret or the service manager's
/// socket.
constexpr std::array<std::string_view, 17> kEnvironment = {"PATH=",
                                                           "HOME=",
                                                           "LANG=",
                                                           "LC_ALL=",
                                                           "TZ=",
                                                           "TMPDIR=",
                                                           "XDG_CACHE_HOME=",
                                                           "JOURNAL_STREAM=",
                                                           "ALSA_CONFIG_PATH=",
                                                           "FONTCONFIG_FILE=",
                                                           "GST_DEBUG=",
                                                           "GST_DEBUG_NO_COLOR=",
                                                           "G_DEBUG=",
                                                           "ASAN_OPTIONS=",
                                                           "LSAN_OPTIONS=",
                                                           "UBSAN_OPTIONS=",
                                                           "TSAN_OPTIONS="};

std::vector<char*> inherited_environment() {
  std::vector<char*> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable(*entry);
    for (const auto prefix : kEnvironment) {
      if (variable.starts_with(prefix)) kept.push_back(*entry);
    }
  }
  kept.push_back(nullptr);
  return kept;
}

Result<pid_t> spawn_child(const WorkerSpec& spec, int channel_fd) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, channel_fd, kWorkerChannelFd);
  posix_spawn_file_actions_addclosefrom_np(&actions, kWorkerChannelFd + 1);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);  // Ctrl-C in a terminal ends the studio, which ends its workers
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

  std::string executable = spec.executable.string();
  std::vector<std::string> args = spec.args;
  std::vector<char*> argv{executable.data()};
  for (auto& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  auto environment = inherited_environment();

  pid_t pid = -1;
  const int rc =
      ::posix_spawn(&pid, executable.c_str(), &actions, &attributes, argv.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (rc != 0) return fail_errno(ErrorCode::kWorkerDied, "starting " + executable, rc);
  return pid;
}

std::string describe_exit(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return fmt::format("exited with status {}", info.si_status);
  return fmt::format("killed by signal {} ({})", info.si_status, sigdescr_np(info.si_status));
}

/// ±20 %: workers that fell together must not rise together.
std::chrono::milliseconds jittered(std::chrono::milliseconds delay) {
  static thread_local std::minstd_rand random(std::random_device{}());
  std::uniform_real_distribution<double> factor(0.8, 1.2);
  return std::chrono::milliseconds(static_cast<int64_t>(static_cast<double>(delay.count()) * factor(random)));
}

ErrorCode code_named(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::kWorkerDied); ++i) {
    if (to_string(static_cast<ErrorCode>(i)) == name) return static_cast<ErrorCode>(i);
  }
  return ErrorCode::kWorkerDied;
}

/// What a worker says of its own end, fit for a log line: it may be broken, or in foreign hands.
Error announced_end(const nlohmann::json& body) {
  constexpr size_t kMaxMessageBytes = 1000;
  const auto text_of = [&](const char* key) {
    const auto found = body.find(key);
    return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  std::string message = text_of("message");
  if (message.empty() || message.size() > kMaxMessageBytes || find_unsafe_character(message)) {
    message = "gave no reason that can be shown";
  }
  return {code_named(text_of("code")), std::move(message)};
}

}  // namespace

Worker::Worker(EventLoop& loop, WorkerSpec spec, WorkerPolicy policy, Events events)
    : loop_(loop), spec_(std::move(spec)), policy_(policy), events_(std::move(events)) {
}

Worker::~Worker() {
  if (!pidfd_.is_open()) return;
  // SIGKILL, not a polite request: workers hold no state worth saving, and a stopped one would not hear it.
  ::pidfd_send_signal(pidfd_.get(), SIGKILL, nullptr, 0);
  siginfo_t info{};
  ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED);
}

void Worker::start() {
  if (status_.state == WorkerStatus::State::kStopped) spawn();
}

void Worker::retry_now() {
  if (status_.state != WorkerStatus::State::kWaiting) return;
  backoff_ = std::chrono::milliseconds(0);
  spawn();
}

void Worker::fail_now(Error cause) {
  if (!pidfd_.is_open()) return;
  announced_ = std::move(cause);
  ::pidfd_send_signal(pidfd_.get(), SIGKILL, nullptr, 0);
}

Status Worker::send(const nlohmann::json& body, std::span<const int> fds) {
  if (!channel_) return fail(ErrorCode::kWorkerDied, fmt::format("{} is not running", spec_.name));
  return channel_->send(body, fds);
}

void Worker::spawn() {
  retry_timer_ = {};
  announced_ = {};
  spawned_at_ = std::chrono::steady_clock::now();
  auto ends = Channel::create_pair();
  if (!ends) return ended(ends.error());
  auto pid = spawn_child(spec_, ends->second.fd());
  if (!pid) return ended(pid.error());
  pidfd_ = UniqueFd(::pidfd_open(*pid, 0));
  channel_ = std::make_unique<Channel>(std::move(ends->first));
  status_.state = WorkerStatus::State::kStarting;
  status_.pid = *pid;
  exit_watch_ = loop_.watch(pidfd_.get(), EPOLLIN, [this](uint32_t) { reap(); });
  channel_watch_ = loop_.watch(channel_->fd(), EPOLLIN, [this](uint32_t) { read_channel(); });
  arm_heartbeat(policy_.start_timeout);
  if (events_.on_spawned) events_.on_spawned();
}

void Worker::arm_heartbeat(std::chrono::milliseconds timeout) {
  heartbeat_timer_ = loop_.after(timeout, [this, timeout] {
    fail_now(Error{ErrorCode::kTimeout,
                   fmt::format("gave no sign of life for {} ms and was killed", timeout.count())});
  });
}

void Worker::read_channel() {
  // Bounded: a worker that floods its channel must not starve the loop.
  constexpr int kMessagesPerTurn = 32;
  for (int i = 0; i < kMessagesPerTurn && channel_; ++i) {
    auto received = channel_->receive();
    if (!received) {
      channel_watch_ = {};  // the exit follows, or is forced
      if (received.error().code == ErrorCode::kProtocol) fail_now(received.error());
      return;
    }
    if (!*received) return;
    Channel::Message& message = **received;
    if (status_.state == WorkerStatus::State::kStarting) {
      status_.state = WorkerStatus::State::kRunning;
    }
    arm_heartbeat(policy_.heartbeat_timeout);
    const auto type = message.body.find("type");
    if (type != message.body.end() && *type == "ended") {
      announced_ = announced_end(message.body);
    } else if (events_.on_message) {
      events_.on_message(std::move(message));
    }
  }
}

void Worker::reap() {
  if (channel_ && status_.state != WorkerStatus::State::kStopped) {
    // What it said before it died still counts.
    read_channel();
  }
  siginfo_t info{};
  if (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
    return;
  Error cause = announced_;
  if (cause.code == ErrorCode::kUnknown) cause = Error{ErrorCode::kWorkerDied, describe_exit(info)};
  ended(std::move(cause));
}

void Worker::ended(Error cause) {
  exit_watch_ = {};
  channel_watch_ = {};
  heartbeat_timer_ = {};
  channel_.reset();
  pidfd_.reset();
  const bool was_healthy = std::chrono::steady_clock::now() - spawned_at_ >= policy_.healthy_after;
  constexpr std::chrono::milliseconds kFirstBackoff{250};
  auto delay = was_healthy ? std::chrono::milliseconds(0) : backoff_;
  backoff_ = std::min(policy_.max_backoff, std::max(kFirstBackoff, delay * 2));
  if (cause.code == ErrorCode::kAuthRejected) delay = policy_.rejected_backoff;
  const auto retry_in = jittered(delay);
  status_.state = WorkerStatus::State::kWaiting;
  status_.pid = 0;
  ++status_.restarts;
  status_.last_error = cause;
  retry_timer_ = loop_.after(retry_in, [this] { spawn(); });
  if (events_.on_ended) events_.on_ended(cause, retry_in);
}

}  // namespace vitrine
