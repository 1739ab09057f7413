// SPDX-License-Identifier: Apache-2.0
#include "encoded_clip.h"

#include <sys/wait.h>

#include <algorithm>
#include <memory>
#include <spawn.h>
#include <unistd.h>

#include <fmt/format.h>

extern "C" {
#include <libavformat/avformat.h>
}

namespace vitrine::peers {
namespace {

using Args = std::vector<std::string>;

Status run_ffmpeg(Args args) {
  args.insert(args.begin(), {"ffmpeg", "-nostdin", "-v", "error", "-y"});
  std::vector<char*> argv;
  for (auto& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  if (const int rc = ::posix_spawnp(&pid, "ffmpeg", nullptr, nullptr, argv.data(), environ); rc != 0) {
    return fail_errno(ErrorCode::kNotFound, "starting ffmpeg", rc);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (status != 0) return fail(ErrorCode::kEncodeFailed, fmt::format("ffmpeg ended with {}", status));
  return {};
}

struct CloseInput {
  void operator()(AVFormatContext* context) const { avformat_close_input(&context); }
};
using Input = std::unique_ptr<AVFormatContext, CloseInput>;

Result<Input> open_input(const std::string& path) {
  AVFormatContext* context = nullptr;
  if (avformat_open_input(&context, path.c_str(), nullptr, nullptr) < 0)
    return fail(ErrorCode::kNotFound, path);
  Input input(context);
  if (avformat_find_stream_info(context, nullptr) < 0) return fail(ErrorCode::kUnsupportedFormat, path);
  return input;
}

bool has_stream(const std::string& path, AVMediaType type) {
  const auto input = open_input(path);
  return input && av_find_best_stream(input->get(), type, -1, -1, nullptr, 0) >= 0;
}

/// B-frames are encoded away: a payloader sends packets at their time of presentation, so they would come in
/// bursts, as from no camera.
bool can_be_copied(const std::string& path, AVCodecID codec) {
  const auto input = open_input(path);
  if (!input) return false;
  const int index = av_find_best_stream(input->get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (index < 0) return false;
  const AVCodecParameters* parameters = (*input)->streams[index]->codecpar;
  return parameters->codec_id == codec && parameters->video_delay == 0;
}

void append(Args& args, std::initializer_list<std::string> more) {
  args.insert(args.end(), more);
}

void add_video(Args& args, const ClipRequest& request, const std::string& file) {
  if (request.video == "none") return append(args, {"-vn"});
  const bool is_untouched =
      request.size.empty() && request.fps == 0 && request.keyframe_every == 0 && !file.empty();
  if (is_untouched && request.video == "h264" && can_be_copied(file, AV_CODEC_ID_H264)) {
    return append(args, {"-c:v", "copy", "-bsf:v", "h264_mp4toannexb"});
  }
  if (is_untouched && request.video == "h265" && can_be_copied(file, AV_CODEC_ID_HEVC)) {
    return append(args, {"-c:v", "copy", "-bsf:v", "hevc_mp4toannexb"});
  }
  const std::string gop = std::to_string(request.keyframe_every > 0 ? request.keyframe_every
                                                                    : (request.fps > 0 ? request.fps : 30));
  if (!request.size.empty() && !file.empty()) append(args, {"-s", request.size});
  if (request.fps > 0) append(args, {"-r", std::to_string(request.fps)});
  if (request.video == "mjpeg") {
    // RTP/JPEG (RFC 2435) sends no Huffman tables: only the standard ones may be used.
    return append(args, {"-c:v", "mjpeg", "-huffman", "default", "-q:v", "3", "-pix_fmt", "yuvj420p"});
  }
  append(args, {"-pix_fmt", "yuv420p", "-g", gop, "-bf", "0", "-preset", "ultrafast"});
  if (request.video == "h265")
    return append(args, {"-c:v", "libx265", "-x265-params", "log-level=none:repeat-headers=1"});
  append(args, {"-c:v", "libx264", "-tune", "zerolatency", "-bsf:v", "dump_extra=freq=keyframe"});
}

void add_sound(Args& args, const std::string& codec) {
  if (codec == "none") return append(args, {"-an"});
  if (codec == "pcma" || codec == "pcmu") {
    return append(args, {"-c:a", codec == "pcma" ? "pcm_alaw" : "pcm_mulaw", "-ar", "8000", "-ac", "1"});
  }
  append(args, {"-c:a", codec == "opus" ? "libopus" : "aac", "-ar", "48000", "-ac", "2", "-b:a", "96k"});
}

Args ffmpeg_args(const ClipRequest& request, const std::string& file, const std::string& out) {
  Args args;
  const std::string seconds = fmt::format("{}", request.seconds);
  const std::string tone = "sine=frequency=1000:sample_rate=48000";
  if (file.empty()) {
    const std::string bars =
        fmt::format("smptehdbars=size={}:rate={}", request.size.empty() ? "1280x720" : request.size,
                    request.fps > 0 ? request.fps : 30);
    append(args, {"-f", "lavfi", "-i", bars});
  } else {
    append(args, {"-stream_loop", "-1", "-i", file});
  }
  const bool has_own_sound = !file.empty() && has_stream(file, AVMEDIA_TYPE_AUDIO);
  std::string sound_input = "0:a:0?";
  if (request.sound != "none" && (!request.sound_from.empty() || !has_own_sound)) {
    if (request.sound_from.empty() || request.sound_from == "tone") {
      append(args, {"-f", "lavfi", "-i", tone});
    } else {
      append(args, {"-stream_loop", "-1", "-i", request.sound_from});
    }
    sound_input = "1:a:0";
  }
  append(args, {"-map", "0:v:0?", "-map", sound_input, "-t", seconds});
  // What the test bars mean is said, so that no decoder guesses.
  if (file.empty())
    append(args, {"-vf", "scale=out_color_matrix=bt709:out_range=tv", "-colorspace", "bt709", "-color_range",
                  "tv"});
  add_video(args, request, file);
  add_sound(args, request.sound);
  append(args, {"-f", "nut", out});
  return args;
}

int64_t to_ns(int64_t value, AVRational base) {
  return av_rescale_q(value, base, {1, 1'000'000'000});
}

/// Appends all of `path` behind what `clip` has.
Status read_packets(const std::string& path, EncodedClip& clip) {
  auto input = open_input(path);
  if (!input) return tl::unexpected(input.error());
  AVFormatContext* context = input->get();
  const int64_t start = clip.duration_ns;
  int64_t video_end = start;
  int64_t sound_end = start;
  const std::unique_ptr<AVPacket, decltype([](AVPacket* packet) { av_packet_free(&packet); })> packet(
      av_packet_alloc());
  while (av_read_frame(context, packet.get()) >= 0) {
    const AVStream* stream = context->streams[packet->stream_index];
    const bool is_video = stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
    EncodedTrack& track = is_video ? clip.video : clip.sound;
    if (track.packets.empty()) {
      track.width = stream->codecpar->width;
      track.height = stream->codecpar->height;
      track.rate_hz = stream->codecpar->sample_rate;
      track.channels = stream->codecpar->ch_layout.nb_channels;
      track.codec_data.assign(stream->codecpar->extradata,
                              stream->codecpar->extradata + stream->codecpar->extradata_size);
    }
    int64_t duration = to_ns(packet->duration, stream->time_base);
    if (is_video && duration == 0) duration = to_ns(1, av_inv_q(stream->avg_frame_rate));
    EncodedPacket taken{{packet->data, packet->data + packet->size},
                        start + to_ns(packet->pts, stream->time_base),
                        start + to_ns(packet->dts, stream->time_base),
                        duration,
                        (packet->flags & AV_PKT_FLAG_KEY) != 0};
    (is_video ? video_end : sound_end) = taken.pts_ns + duration;
    track.packets.push_back(std::move(taken));
    av_packet_unref(packet.get());
  }
  // The next round begins when the last picture has had its time, however long the sound is.
  clip.duration_ns = video_end > start ? video_end : sound_end;
  std::erase_if(clip.sound.packets,
                [&](const EncodedPacket& sound) { return sound.pts_ns >= clip.duration_ns; });
  return {};
}

}  // namespace

Result<EncodedClip> EncodedClip::make(const ClipRequest& request, const std::filesystem::path& work_dir) {
  EncodedClip clip;
  std::vector<std::string> files = request.files;
  if (files.empty()) files.emplace_back();
  for (const auto& file : files) {
    const std::string out = (work_dir / "clip.nut").string();
    if (auto encoded = run_ffmpeg(ffmpeg_args(request, file, out)); !encoded) {
      return tl::unexpected(encoded.error().with_context(file.empty() ? "test bars" : file));
    }
    if (auto read = read_packets(out, clip); !read) return tl::unexpected(read.error());
    std::filesystem::remove(out);
  }
  if (clip.video.packets.empty() && clip.sound.packets.empty())
    return fail(ErrorCode::kNotFound, "nothing to serve");
  return clip;
}

}  // namespace vitrine::peers
