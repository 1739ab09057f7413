// SPDX-License-Identifier: Apache-2.0
#include "studio/broadcast.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/log.h"
#include "core/secret.h"

namespace vitrine::studio {
namespace {

using namespace std::chrono_literals;

/// Long enough for a destination that reconnects to find a whole GOP, and for a disk that takes seconds for
/// one fsync (spun-down, USB); bounded in bytes for the highest bitrate there is.
constexpr PacketRing::Config kRing{12s, 48U << 20};
constexpr size_t kMostViewers = 8;  // a thread and some MB each

}  // namespace

Result<std::unique_ptr<Broadcast>> Broadcast::start(Config config) {
  encoder::EncoderConfig settings;
  settings.program = config.program.id;
  settings.size = config.program.size;
  settings.frame_rate = config.program.frame_rate;
  settings.video_kbps = config.program.video_kbps;
  settings.audio_kbps = config.program.audio_kbps;
  settings.preset = config.program.preset;
  settings.keyframe_interval_s = config.rules.keyframe_interval_s;
  settings.b_frames = config.rules.b_frames;
  auto ring = std::make_shared<PacketRing>(kRing);
  auto encoder = encoder::ProgramEncoder::create(settings, ring);
  if (!encoder) return tl::unexpected(encoder.error());
  std::unique_ptr<Broadcast> broadcast(
      new Broadcast(std::move(config), std::move(ring), std::move(*encoder)));
  broadcast->start_recorder();
  return broadcast;
}

Broadcast::Broadcast(Config config, std::shared_ptr<PacketRing> ring,
                     std::unique_ptr<encoder::ProgramEncoder> encoder)
    : config_(std::move(config)),
      since_(system_now()),
      ring_(std::move(ring)),
      encoder_(std::move(encoder)),
      sink_(std::make_shared<ProgramSink>(
          ProgramSink{[encoder = encoder_](ConstVideoFrame frame) { encoder->push_video(std::move(frame)); },
                      [encoder = encoder_](AudioBlock block) { encoder->push_audio(std::move(block)); }})) {
  for (const auto& destination : config_.studio.destinations) {
    if (destination.program == config_.program.id) destinations_.emplace_back().config = destination;
  }
}

Broadcast::~Broadcast() = default;

void Broadcast::start_recorder() {
  if (!config_.program.is_recorded) return;
  encoder::RecorderConfig settings;
  settings.directory = config_.studio.recording.directory;
  settings.program = config_.program.id;
  settings.session = config_.session;
  settings.segment = config_.studio.recording.segment;
  recorder_ = std::make_unique<encoder::Recorder>(
      settings, encoder_->info(), ring_,
      [record = config_.record, info = encoder_->info()](const encoder::RecorderEvent& event) {
        using Kind = encoder::RecorderEvent::Kind;
        nlohmann::json entry = {{"type", "recording"},
                                {"file", event.file.filename().string()},
                                {"first_pts_ms", event.first_pts / 1ms},
                                {"last_pts_ms", event.last_pts / 1ms}};
        switch (event.kind) {
          case Kind::kOpened:
            entry["event"] = "opened";
            break;
          case Kind::kClosed:
            entry["event"] = "closed";
            break;
          case Kind::kGap:
            entry["event"] = "gap";
            break;
          case Kind::kFailed:
            entry["event"] = "failed";
            break;
        }
        // Each file begins with a picture: which one of the session, so that nobody has to divide times.
        if (!event.file.empty()) {
          entry["first_frame"] = rescale((event.first_pts - info.video_start).count(), kNanoseconds,
                                         {info.frame_rate.den, info.frame_rate.num});
        }
        if (event.error) entry["cause"] = event.error->message;
        record(std::move(entry));
      });
}

void Broadcast::start_destination(Destination& destination) {
  auto key = load_credential(config_.studio.credentials_dir, destination.config.key_credential);
  if (!key) {
    destination.error = key.error();
    log::error("broadcast", "{}: destination {} is left out: {}", config_.program.id, destination.config.id,
               key.error().message);
    return;
  }
  encoder::PublisherConfig settings;
  settings.destination = destination.config.id;
  settings.url = destination.config.url;
  settings.key = std::move(*key);
  auto publisher = encoder::Publisher::create(
      std::move(settings), encoder_->info(), ring_,
      [record = config_.record, id = destination.config.id](const encoder::PublisherStatus& status) {
        nlohmann::json entry = {{"type", "destination"}, {"id", id}, {"state", to_string(status.state)}};
        if (status.last_fault && status.state != encoder::PublisherState::kLive)
          entry["cause"] = status.last_fault->message;
        record(std::move(entry));
      });
  if (publisher) {
    destination.publisher = std::move(*publisher);
    destination.error = {};
  } else {
    destination.error = publisher.error();
  }
}

void Broadcast::publish_to(const WantedDestinations& wanted) {
  for (auto& destination : destinations_) {
    destination.is_wanted = !wanted || std::ranges::find(*wanted, destination.config.id) != wanted->end();
    if (destination.leaving.valid()) {
      if (destination.leaving.wait_for(0s) != std::future_status::ready) continue;
      destination.leaving = {};
    }
    if (!destination.is_wanted) {
      destination.error = {};
      if (!destination.publisher) continue;
      log::info("broadcast", "{}: destination {} is not wanted any more: taking leave", config_.program.id,
                destination.config.id);
      // It may take two seconds, and the loop has none to wait.
      destination.leaving = std::async(std::launch::async,
                                       [publisher = std::move(destination.publisher)] { publisher->stop(); });
    } else if (!destination.publisher && destination.error.message.empty()) {
      start_destination(destination);
    }
  }
}

Result<Broadcast::View> Broadcast::open_view() {
  std::erase_if(viewers_, [](const auto& viewer) { return viewer->is_over(); });
  if (viewers_.size() >= kMostViewers)
    return fail(ErrorCode::kDeviceBusy,
                fmt::format("{} are looking at {} already; close one", kMostViewers, config_.program.id));
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail_errno(ErrorCode::kIo, "socketpair");
  View view{UniqueFd(ends[0]), encoder::media_type_of(encoder_->info())};
  auto viewer = encoder::Viewer::start(config_.program.id, encoder_->info(), *ring_, UniqueFd(ends[1]));
  if (!viewer) return tl::unexpected(viewer.error());
  viewers_.push_back(std::move(*viewer));
  return view;
}

void Broadcast::retry_now() {
  for (auto& destination : destinations_) {
    if (!destination.is_wanted || destination.leaving.valid()) continue;
    if (destination.publisher) {
      // A platform that refused the key is given the one that lies there now.
      auto key = load_credential(config_.studio.credentials_dir, destination.config.key_credential);
      if (key) destination.publisher->replace_key(std::move(*key));
      destination.publisher->retry_now();
    } else {
      start_destination(destination);
    }
  }
}

void Broadcast::stop(std::function<void()> on_finished) {
  stopper_ = std::jthread([this, on_finished = std::move(on_finished)] {
    encoder_->close();
    {
      // Side by side: each may take its two seconds.
      std::vector<std::jthread> endings;
      for (auto& destination : destinations_) {
        if (destination.publisher) endings.emplace_back([&destination] { destination.publisher->stop(); });
        if (destination.leaving.valid()) endings.emplace_back([&destination] { destination.leaving.wait(); });
      }
      if (recorder_) recorder_->stop();
    }
    on_finished();
  });
}

}  // namespace vitrine::studio
