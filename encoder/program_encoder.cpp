// SPDX-License-Identifier: Apache-2.0
#include "encoder/program_encoder.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "core/log.h"
#include "encoder/detail/audio_encoder.h"
#include "encoder/detail/thread_name.h"
#include "encoder/detail/video_encoder.h"
#include "encoder/interleaver.h"
#include "encoder/timing_window.h"

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;

// A frame waits here when the machine is busy elsewhere. The canvases bound it from below: a programme has
// eight, and repeats its last picture when all are under way, which costs no memory; so a second of stutter
// drops nothing.
constexpr size_t kFrameQueue = 30;
constexpr size_t kBlockQueue = 100;
constexpr MediaTime kMaxInterleaveWait = 2s;  // more than the frame queue holds
constexpr MediaTime kTimingWindow = 10s;
constexpr MediaTime kRateWindow = 4s;  // two GOPs: a shorter one would swing with each keyframe

struct QueuedFrame {
  ConstVideoFrame frame;
  MediaTime pushed_at{};
};

int gop_frames(const EncoderConfig& config) {
  return static_cast<int>(rescale(config.keyframe_interval_s, config.frame_rate, {1, 1}));
}

}  // namespace

class ProgramEncoder::Impl {
 public:
  Impl(const EncoderConfig& config, std::shared_ptr<PacketRing> ring, detail::VideoEncoder video,
       detail::AudioEncoder audio)
      : config_(config),
        ring_(std::move(ring)),
        video_(std::move(video)),
        audio_(std::move(audio)),
        interleaver_([this](Packet packet) { ring_->push(std::move(packet)); }, kMaxInterleaveWait) {
    info_.size = config.size;
    info_.frame_rate = config.frame_rate;
    info_.video_bitrate_bps = config.video_kbps * 1000;
    info_.audio_bitrate_bps = config.audio_kbps * 1000;
    info_.audio_rate_hz = kAudioRateHz;
    info_.audio_channels = kAudioChannels;
    info_.video_config = video_.avc_config();
    info_.audio_config = audio_.specific_config();
    info_.video_start = video_time(0);
    video_thread_ = std::jthread([this] { run_video(); });
    audio_thread_ = std::jthread([this] { run_audio(); });
  }

  ~Impl() { close(); }

  [[nodiscard]] const StreamInfo& info() const { return info_; }

  PushResult push_video(ConstVideoFrame frame) {
    if (!has_start_) {
      start_ = frame.pts();
      started_at_ = steady_now();
      first_sequence_ = frame.sequence();
      has_start_ = true;
    }
    return frames_.push({std::move(frame), steady_now()});
  }

  PushResult push_audio(AudioBlock block) {
    if (!has_start_) return PushResult::kQueued;  // before frame 0: cut
    return blocks_.push(std::move(block));
  }

  void close() {
    frames_.close();
    blocks_.close();
    if (video_thread_.joinable()) video_thread_.join();
    if (audio_thread_.joinable()) audio_thread_.join();
    interleaver_.flush();
    ring_->close();
  }

  [[nodiscard]] EncoderStats stats() const {
    const auto frames = frames_.stats();
    const MediaTime now = steady_now();
    const std::lock_guard lock(mutex_);
    EncoderStats stats = stats_;
    stats.frames_in = frames.pushed;
    stats.frames_dropped += frames.dropped;
    stats.blocks_dropped = blocks_.stats().dropped;
    stats.encode_p50 = encode_times_.quantile(now, 0.50);
    stats.encode_p95 = encode_times_.quantile(now, 0.95);
    stats.delay_p95 = delays_.quantile(now, 0.95);
    stats.video_bps = video_rate_.bits_per_second(now);
    stats.audio_bps = audio_rate_.bits_per_second(now);
    return stats;
  }

 private:
  void run_video() {
    detail::name_this_thread("venc-" + config_.program);
    while (auto item = frames_.pop({})) encode_frame(*item);
    const auto drained =
        video_.drain([this](detail::CodedPicture picture) { give_picture(std::move(picture)); });
    if (!drained) report(drained.error());
  }

  void encode_frame(QueuedFrame& item) {
    const auto index = static_cast<int64_t>(item.frame.sequence() - first_sequence_);
    // By session time and not by count: after a dropped frame the next keyframe is still where platforms
    // expect it.
    const int64_t gop = index / gop_frames_;
    const auto type = gop != last_gop_ ? detail::PictureType::kKeyframe : detail::PictureType::kAny;
    last_gop_ = gop;
    pushed_at_[index] = item.pushed_at;
    const MediaTime begin = steady_now();
    const auto encoded = video_.encode(
        item.frame, index, type, [this](detail::CodedPicture picture) { give_picture(std::move(picture)); });
    const MediaTime end = steady_now();
    if (!encoded) {
      pushed_at_.erase(index);
      report(encoded.error());
    }
    const std::lock_guard lock(mutex_);
    encode_times_.note(end, end - begin);
    if (!encoded) ++stats_.frames_dropped;
  }

  void give_picture(detail::CodedPicture picture) {
    const auto pushed = pushed_at_.extract(picture.pts);
    const MediaTime now = steady_now();
    {
      const std::lock_guard lock(mutex_);
      ++stats_.frames_out;
      video_rate_.note(now, picture.bytes.size());
      if (pushed) delays_.note(now, now - pushed.mapped());
    }
    Packet packet;
    packet.kind = PacketKind::kVideo;
    packet.pts = video_time(picture.pts);
    packet.dts = video_time(picture.dts);
    packet.duration = video_time(picture.pts + 1) - packet.pts;
    packet.is_keyframe = picture.is_keyframe;
    packet.captured_at = pushed ? pushed.mapped() : now;
    packet.bytes = std::make_shared<const Bytes>(std::move(picture.bytes));
    interleaver_.push(std::move(packet));
  }

  void run_audio() {
    detail::name_this_thread("aenc-" + config_.program);
    const auto give = [this](detail::CodedSound sound) { give_sound(std::move(sound)); };
    while (auto block = blocks_.pop({})) {
      if (const auto encoded = audio_.encode(place(std::move(*block)), give); !encoded)
        report(encoded.error());
    }
    if (const auto drained = audio_.drain(give); !drained) report(drained.error());
  }

  /// The block's samples as they continue what was encoded so far: silence in front for a hole, cut for an
  /// overlap.
  std::vector<float> place(AudioBlock block) {
    const int64_t position = sample_index(block.pts) - sample_index(start_);
    const int64_t missing = position - next_sample_;
    if (missing > 0) {
      block.samples.insert(block.samples.begin(), static_cast<size_t>(missing * kAudioChannels), 0.0F);
    } else if (missing < 0) {
      const int64_t surplus = std::min<int64_t>(-missing, block.samples_per_channel());
      block.samples.erase(block.samples.begin(), block.samples.begin() + surplus * kAudioChannels);
    }
    next_sample_ += block.samples_per_channel();
    return std::move(block.samples);
  }

  void give_sound(detail::CodedSound sound) {
    {
      const std::lock_guard lock(mutex_);
      audio_rate_.note(steady_now(), sound.bytes.size());
    }
    Packet packet;
    packet.kind = PacketKind::kAudio;
    packet.pts = packet.dts = sample_time(sound.pts) + video_time_shift();
    packet.duration = sample_time(sound.pts + audio_.packet_samples()) - sample_time(sound.pts);
    packet.is_keyframe = true;
    packet.captured_at = started_at_ + sample_time(sound.pts - audio_.priming_samples());
    packet.bytes = std::make_shared<const Bytes>(std::move(sound.bytes));
    interleaver_.push(std::move(packet));
  }

  /// With B-frames the first dts lies before the first pts; all times move up so that none is negative.
  [[nodiscard]] MediaTime video_time_shift() const {
    return frame_time(video_.reorder_frames(), config_.frame_rate);
  }

  [[nodiscard]] MediaTime video_time(int64_t index) const {
    return frame_time(index + video_.reorder_frames(), config_.frame_rate) +
           sample_time(audio_.priming_samples());
  }

  void report(const Error& error) {
    {
      const std::lock_guard lock(mutex_);
      stats_.last_error = error;
    }
    int64_t held_back = 0;
    if (!error_limiter_.should_log(&held_back)) return;
    log::error("encoder", "program '{}': {}; this picture or sound is left out ({} more since the last line)",
               config_.program, error.message, held_back);
  }

  const EncoderConfig config_;
  const std::shared_ptr<PacketRing> ring_;
  const int gop_frames_ = gop_frames(config_);
  StreamInfo info_;             // const after the constructor
  detail::VideoEncoder video_;  // venc thread
  detail::AudioEncoder audio_;  // aenc thread
  Interleaver interleaver_;
  BoundedQueue<QueuedFrame> frames_{kFrameQueue, Overflow::kDropOldest};
  BoundedQueue<AudioBlock> blocks_{kBlockQueue, Overflow::kDropOldest};

  // Written by the programme's thread before the first push into a queue, whose lock hands them on.
  bool has_start_ = false;
  MediaTime start_{};       // session time of frame 0
  MediaTime started_at_{};  // when it was pushed
  uint64_t first_sequence_ = 0;

  std::map<int64_t, MediaTime> pushed_at_;  // venc thread: of frames inside x264
  int64_t last_gop_ = -1;                   // venc thread
  int64_t next_sample_ = 0;                 // aenc thread

  mutable std::mutex mutex_;
  EncoderStats stats_;                        // guarded by mutex_; the fields no other member holds
  TimingWindow encode_times_{kTimingWindow};  // guarded by mutex_
  TimingWindow delays_{kTimingWindow};        // guarded by mutex_
  RateWindow video_rate_{kRateWindow};        // guarded by mutex_
  RateWindow audio_rate_{kRateWindow};        // guarded by mutex_
  log::Limiter error_limiter_{1s};

  std::jthread video_thread_;
  std::jthread audio_thread_;
};

Result<std::unique_ptr<ProgramEncoder>> ProgramEncoder::create(const EncoderConfig& config,
                                                               std::shared_ptr<PacketRing> ring) {
  const std::string context = fmt::format("encoder of program '{}'", config.program);
  auto video = detail::VideoEncoder::create({.size = config.size,
                                             .frame_rate = config.frame_rate,
                                             .bitrate_kbps = config.video_kbps,
                                             .gop_frames = gop_frames(config),
                                             .b_frames = config.b_frames,
                                             .preset = config.preset});
  if (!video) return tl::unexpected(video.error().with_context(context));
  auto audio = detail::AudioEncoder::create(config.audio_kbps);
  if (!audio) return tl::unexpected(audio.error().with_context(context));
  return std::unique_ptr<ProgramEncoder>(new ProgramEncoder(
      std::make_unique<Impl>(config, std::move(ring), std::move(*video), std::move(*audio))));
}

ProgramEncoder::ProgramEncoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
}
ProgramEncoder::~ProgramEncoder() = default;

const StreamInfo& ProgramEncoder::info() const {
  return impl_->info();
}
PushResult ProgramEncoder::push_video(ConstVideoFrame frame) {
  return impl_->push_video(std::move(frame));
}
PushResult ProgramEncoder::push_audio(AudioBlock block) {
  return impl_->push_audio(std::move(block));
}
void ProgramEncoder::close() {
  impl_->close();
}
EncoderStats ProgramEncoder::stats() const {
  return impl_->stats();
}

}  // namespace vitrine::encoder
