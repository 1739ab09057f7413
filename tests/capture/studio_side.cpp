// SPDX-License-Identifier: Apache-2.0
#include "studio_side.h"

#include <sys/wait.h>

#include <fcntl.h>
#include <future>
#include <poll.h>
#include <spawn.h>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace vitrine::capture {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

bool wait_for(const std::function<bool()>& condition, milliseconds patience) {
  const auto deadline = steady_clock::now() + patience;
  while (!condition()) {
    if (steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return true;
}

Process::Process(const std::vector<std::string>& command) {
  std::vector<std::string> words = command;
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  output_ = UniqueFd(ends[0]);
  const UniqueFd write_end(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
  const int rc = ::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  EXPECT_EQ(rc, 0) << command.front();
  if (rc != 0) pid_ = -1;
}

Process::~Process() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string Process::wait_for_line(const std::string& part) {
  std::string text;
  const auto deadline = steady_clock::now() + kPatience * 2;
  while (steady_clock::now() < deadline) {
    pollfd waiting{output_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 200) <= 0) continue;
    std::array<char, 4096> bytes{};
    const ssize_t count = ::read(output_.get(), bytes.data(), bytes.size());
    if (count <= 0) break;
    text.append(bytes.data(), static_cast<size_t>(count));
    const size_t found = text.find(part);
    const size_t line_end = found == std::string::npos ? found : text.find('\n', found);
    if (line_end == std::string::npos) continue;
    const size_t line_begin = text.rfind('\n', found) + 1;  // npos + 1 is 0
    return text.substr(line_begin, line_end - line_begin);
  }
  return {};
}

int Process::wait() {
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void run_ffmpeg(std::vector<std::string> args) {
  args.insert(args.begin(), {"ffmpeg", "-nostdin", "-v", "error", "-y"});
  ASSERT_EQ(Process(args).wait(), 0) << fmt::format("{}", fmt::join(args, " "));
}

RtspServer::RtspServer(std::vector<std::string> mounts, int port) : mounts_(std::move(mounts)), port_(port) {
  start();
}

void RtspServer::start() {
  std::vector<std::string> command = {VITRINE_BIN_DIR "/rtsp-server", "--port", std::to_string(port_)};
  for (const auto& mount : mounts_) command.insert(command.end(), {"--mount", mount});
  process_ = std::make_unique<Process>(command);
  const std::string line = process_->wait_for_line("listening on ");
  ASSERT_FALSE(line.empty()) << "the RTSP server did not start";
  port_ = std::stoi(line.substr(line.rfind(' ') + 1));
}

std::string RtspServer::url(const std::string& path) const {
  return fmt::format("rtsp://127.0.0.1:{}{}", port_, path);
}

StudioSide::StudioSide(const std::string& address, Options options)
    : options_(std::move(options)), loop_(std::move(*EventLoop::create())) {
  auto parsed = options_.wants_picture ? parse_camera_address(address) : parse_microphone_address(address);
  if (!parsed) parsed = parse_camera_address(address);
  EXPECT_TRUE(parsed) << address;
  SourceConfig config;
  config.id = "tested";
  config.address = parsed.value_or(SourceAddress{});
  config.transport = options_.transport;
  config.login = Secret(options_.login);
  config.wants_picture = options_.wants_picture;
  config.wants_sound = options_.wants_sound;
  source_ = std::make_unique<Source>(*loop_, options_.worker, std::move(config));
  thread_ = std::thread([this] { loop_->run(); });
  on_loop([this] { source_->start(); });
}

StudioSide::~StudioSide() {
  on_loop([this] { source_.reset(); });
  loop_->quit();
  thread_.join();
}

void StudioSide::on_loop(const std::function<void()>& call) const {
  std::promise<void> done;
  loop_->post([&] {
    call();
    done.set_value();
  });
  done.get_future().wait();
}

SourceStatus StudioSide::status() const {
  SourceStatus status;
  on_loop([&] { status = source_->status(); });
  return status;
}

void StudioSide::retry_now() const {
  on_loop([this] { source_->retry_now(); });
}

bool StudioSide::wait_until(const std::function<bool(const SourceStatus&)>& condition,
                            milliseconds patience) const {
  return wait_for([&] { return condition(status()); }, patience);
}

testing::AssertionResult StudioSide::is_live() const {
  const bool is_met = wait_until([this](const SourceStatus& now) {
    return now.state == SourceStatus::State::kLive && (!options_.wants_sound || now.sound_age.has_value());
  });
  if (is_met) return testing::AssertionSuccess();
  return testing::AssertionFailure() << describe(status());
}

std::string describe(const SourceStatus& status) {
  return fmt::format("{}, {}×{}, \"{}\", {} restarts, last error {}: {}", to_string(status.state),
                     status.report.size.width, status.report.size.height, status.report.format,
                     status.restarts, to_string(status.last_error.code), status.last_error.message);
}

Yuv mean_of(const ConstI420& picture, double left, double top, double right, double bottom) {
  const auto mean = [&](const PlaneView<const uint8_t>& plane, int width, int height) {
    double sum = 0;
    int count = 0;
    for (int y = static_cast<int>(top * height); y < static_cast<int>(bottom * height); ++y) {
      for (int x = static_cast<int>(left * width); x < static_cast<int>(right * width); ++x, ++count) {
        sum += plane.data[static_cast<ptrdiff_t>(y) * plane.stride_bytes + x];
      }
    }
    return count > 0 ? sum / count : 0;
  };
  const auto [width, height] = picture.size;
  return {mean(picture.y, width, height), mean(picture.u, (width + 1) / 2, (height + 1) / 2),
          mean(picture.v, (width + 1) / 2, (height + 1) / 2)};
}

}  // namespace vitrine::capture
