// SPDX-License-Identifier: Apache-2.0
#include "capture/source.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/audio_block.h"

namespace vitrine::capture {
namespace {

using std::chrono::milliseconds;
using State = SourceStatus::State;

/// Cameras of the trade send 10 to 60 pictures a second; after a second without one nobody would call it
/// live.
constexpr MediaTime kFreshFor = std::chrono::seconds(1);

WorkerPolicy policy_for(const SourceAddress& address) {
  WorkerPolicy policy;
  // A camera on the network comes back without a word; trying once a second finds it in time and costs 0.1 s
  // of a core. Devices are announced by udev, and a missing file needs a person.
  if (address.kind == SourceAddress::Kind::kRtsp) policy.max_backoff = milliseconds(1'000);
  return policy;
}

/// Times in a ring are a worker's word: anything but a past moment since boot counts as the nearest one.
MediaTime age_of(MediaTime captured_at) {
  const MediaTime now = steady_now();
  return now - std::clamp(captured_at, MediaTime::zero(), now);
}

MediaTime time_of_end(const SoundRingReader& ring) {
  return sample_time(std::clamp<int64_t>(ring.end(), 0, sample_index(steady_now())));
}

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::kStopped:
      return "stopped";
    case State::kStarting:
      return "starting";
    case State::kLive:
      return "live";
    case State::kNoSignal:
      return "no_signal";
    case State::kWaiting:
      return "waiting";
  }
  return "stopped";
}

Source::Source(EventLoop& loop, std::filesystem::path executable, SourceConfig config)
    : config_(std::move(config)),
      end_log_(std::chrono::minutes(1)),
      worker_(
          loop, WorkerSpec{"source " + config_.id, std::move(executable), {}}, policy_for(config_.address),
          Worker::Events{[this] { send_request(); },
                         [this](Channel::Message message) {
                           if (auto taken = take_message(std::move(message)); !taken)
                             worker_.fail_now(taken.error());
                         },
                         [this](const Error& cause, milliseconds retry_in) { forget(cause, retry_in); }}) {
}

void Source::start() {
  worker_.start();
}

void Source::retry_now() {
  worker_.retry_now();
}

void Source::set_address(SourceAddress address) {
  config_.address = std::move(address);
}

void Source::send_request() {
  OpenRequest request;
  request.address = config_.address;
  request.transport = config_.transport;
  const std::string& login = config_.login.reveal();
  const size_t colon = std::min(login.find(':'), login.size());
  request.user = Secret(login.substr(0, colon));
  request.password = Secret(colon < login.size() ? login.substr(colon + 1) : std::string());
  request.wants_picture = config_.wants_picture;
  request.wants_sound = config_.wants_sound;
  // A worker that is already dead can't be sent anything; its end is reported by the loop.
  if (auto sent = worker_.send(to_message(request)); !sent) worker_.fail_now(sent.error());
}

Status Source::take_message(Channel::Message message) {
  const auto type = message.body.find("type");
  if (type == message.body.end()) return fail(ErrorCode::kProtocol, "worker sent a message without type");
  if (*type == "heartbeat") {
    auto report = parse_report(message.body);
    if (!report) return tl::unexpected(report.error());
    report_ = std::move(*report);
    if (!is_announced_ && status().state == State::kLive) {
      is_announced_ = true;
      log::info("source", "{} is live from {}: {} ({})", config_.id, config_.address.redacted(),
                report_.format, report_.sandbox);
    }
    return {};
  }
  if ((*type != "frames" && *type != "sound") || message.fds.size() != 1) {
    return fail(ErrorCode::kProtocol, "worker sent a message that no source sends");
  }
  if (*type == "frames") {
    auto ring = FrameRingReader::open(std::move(message.fds.front()));
    if (!ring) return tl::unexpected(ring.error());
    frames_.store(std::move(*ring));
  } else {
    auto ring = SoundRingReader::open(std::move(message.fds.front()));
    if (!ring) return tl::unexpected(ring.error());
    sound_.store(std::move(*ring));
  }
  return {};
}

void Source::forget(const Error& cause, milliseconds retry_in) {
  frames_.store(nullptr);
  sound_.store(nullptr);
  report_ = {};
  is_announced_ = false;
  // The same reason again and again is one line a minute, however often the worker is started.
  int64_t held_back = 0;
  const bool is_news = cause.message != last_logged_;
  if (end_log_.should_log(&held_back) || is_news) {
    last_logged_ = cause.message;
    log::warning("source", "{} ({}): {} [{}]; trying again in {} ms", config_.id, config_.address.redacted(),
                 cause.message, to_string(cause.code), retry_in.count());
  }
}

std::optional<CameraFrame> Source::latest_frame() const {
  const auto ring = frames_.load();
  return ring ? ring->latest() : std::nullopt;
}

SourceStatus Source::status() const {
  SourceStatus status;
  const WorkerStatus& worker = worker_.status();
  status.report = report_;
  status.restarts = worker.restarts;
  status.pid = worker.pid;
  status.last_error = worker.last_error;
  if (const auto frame = latest_frame()) status.frame_age = age_of(frame->captured_at);
  if (const auto ring = sound(); ring && ring->end() > 0) status.sound_age = age_of(time_of_end(*ring));
  switch (worker.state) {
    case WorkerStatus::State::kStopped:
      status.state = State::kStopped;
      break;
    case WorkerStatus::State::kWaiting:
      status.state = State::kWaiting;
      break;
    case WorkerStatus::State::kStarting:
    case WorkerStatus::State::kRunning: {
      const auto& age = config_.wants_picture ? status.frame_age : status.sound_age;
      status.state = !age ? State::kStarting : (*age < kFreshFor ? State::kLive : State::kNoSignal);
    }
  }
  return status;
}

}  // namespace vitrine::capture
