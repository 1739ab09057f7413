// SPDX-License-Identifier: Apache-2.0
#include "studio/sources.h"

#include <algorithm>

#include "core/log.h"
#include "core/secret.h"

namespace vitrine::studio {
namespace {

using Kind = SourceAddress::Kind;

bool is_heard(const Config& config, const std::string& camera) {
  return std::ranges::any_of(config.microphones, [&](const auto& microphone) {
    return microphone.source.kind == Kind::kCameraSound && microphone.source.value == camera;
  });
}

}  // namespace

Sources::Sources(EventLoop& loop, std::filesystem::path worker, const Config& config)
    : loop_(loop), config_(config) {
  for (const auto& camera : config.cameras) {
    auto& entry = cameras_[camera.id];
    entry.config = camera;
    capture::SourceConfig source;
    source.id = camera.id;
    source.address = camera.source;
    source.transport = camera.transport;
    source.wants_picture = true;
    source.wants_sound = is_heard(config, camera.id);
    if (!camera.credential.empty()) {
      auto login = load_credential(config.credentials_dir, camera.credential);
      if (login) {
        source.login = std::move(*login);
      } else {
        entry.secret_error = login.error().message;
        log::error("sources", "camera {}: {}; it is tried without a password", camera.id,
                   login.error().message);
      }
    }
    entry.source = std::make_unique<capture::Source>(loop, worker, std::move(source));
  }
  for (const auto& microphone : config.microphones) {
    if (microphone.source.kind == Kind::kCameraSound) continue;
    capture::SourceConfig source;
    source.id = microphone.id;
    source.address = microphone.source;
    source.wants_picture = false;
    source.wants_sound = true;
    microphones_[microphone.id] = std::make_unique<capture::Source>(loop, worker, std::move(source));
  }
}

void Sources::start() {
  auto monitor = hw::DeviceMonitor::create(loop_, [this] { find_devices(); });
  if (monitor) {
    monitor_ = std::move(*monitor);
  } else {
    log::warning("sources", "{}; a camera plugged in later is found when its worker is next tried",
                 monitor.error().message);
  }
  find_devices();
  for (auto& [id, camera] : cameras_) {
    if (camera.is_present) camera.source->start();
  }
  for (auto& [id, source] : microphones_) source->start();
}

void Sources::find_devices() {
  nodes_ = hw::resolve_cameras(config_.cameras, hw::list_video_devices(), nodes_);
  for (auto& [id, camera] : cameras_) {
    if (camera.config.source.kind != Kind::kV4l2) continue;
    const auto node = nodes_.find(id);
    const bool is_present = node != nodes_.end();
    if (is_present) {
      camera.source->set_address({Kind::kV4l2, node->second});
      camera.source->start();
      camera.source->retry_now();
    } else {
      // The next device under this camera's old node may be another camera.
      camera.source->set_address(camera.config.source);
    }
    if (is_present != camera.is_present) {
      log::info("sources", "camera {}: {}", id,
                is_present ? "found at " + node->second
                           : "no device matches " + camera.config.source.text() + "; waiting for one");
    }
    camera.is_present = is_present;
  }
  for (auto& [id, source] : microphones_) source->retry_now();
}

const capture::Source* Sources::source_of(const MicrophoneConfig& microphone) const {
  if (microphone.source.kind == Kind::kCameraSound) return cameras_.at(microphone.source.value).source.get();
  return microphones_.at(microphone.id).get();
}

SourceAccess Sources::access() const {
  SourceAccess access;
  access.frames = [this](const std::string& camera) -> FrameReader {
    return [source = cameras_.at(camera).source.get()] { return source->latest_frame(); };
  };
  access.sound = [this](const std::string& microphone) -> SoundReader {
    return [source = source_of(*config_.find_microphone(microphone))] { return source->sound(); };
  };
  return access;
}

std::optional<CameraFrame> Sources::latest_frame(const std::string& camera) const {
  const auto& source = *cameras_.at(camera).source;
  if (source.status().state != capture::SourceStatus::State::kLive) return std::nullopt;
  return source.latest_frame();
}

std::vector<Sources::Entry> Sources::cameras() const {
  std::vector<Entry> entries;
  for (const auto& config : config_.cameras) {
    const auto& camera = cameras_.at(config.id);
    entries.push_back({config.id, config.name, config.source.redacted(), camera.is_present,
                       camera.secret_error, camera.source.get()});
  }
  return entries;
}

std::vector<Sources::Entry> Sources::microphones() const {
  std::vector<Entry> entries;
  for (const auto& config : config_.microphones) {
    entries.push_back({config.id, config.name, config.source.redacted(), true, "", source_of(config)});
  }
  return entries;
}

}  // namespace vitrine::studio
