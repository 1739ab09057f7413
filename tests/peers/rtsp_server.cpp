// SPDX-License-Identifier: Apache-2.0
//
// A real RTSP server for tests and the demo: serves clips in real time, looped, as an IP camera would.
//
//   rtsp-server [--port 8554] --mount /counter,file=clip.mp4,video=h264,audio=aac --mount
//   /locked,user=u,password=p …
//
// A mount's keys: file=A[+B…] (test bars without), video=h264|h265|mjpeg|none, audio=aac|pcma|pcmu|opus|none,
// sound=FILE|tone, size=WxH, fps=N, gop=N, seconds=N, user=, password= (digest), damage=PERCENT (of access
// units, bytes flipped), garbage=1 (every access unit is noise). Prints "listening on PORT" when it serves.
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <gst/app/gstappsrc.h>
#include <gst/rtsp-server/rtsp-server.h>

#include "encoded_clip.h"

namespace vitrine::peers {
namespace {

struct Mount {
  std::string path;
  ClipRequest request;
  std::string user;
  std::string password;
  int damage_percent = 0;
  bool is_garbage = false;
  EncodedClip clip;
};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

Result<Mount> parse_mount(const std::string& text) {
  auto parts = split(text, ',');
  Mount mount;
  mount.path = parts.front();
  parts.erase(parts.begin());
  for (const auto& part : parts) {
    const size_t equals = part.find('=');
    const std::string key = part.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : part.substr(equals + 1);
    if (key == "file")
      mount.request.files = split(value, '+');
    else if (key == "video")
      mount.request.video = value;
    else if (key == "audio")
      mount.request.sound = value;
    else if (key == "sound")
      mount.request.sound_from = value;
    else if (key == "size")
      mount.request.size = value;
    else if (key == "fps")
      mount.request.fps = std::atoi(value.c_str());
    else if (key == "gop")
      mount.request.keyframe_every = std::atoi(value.c_str());
    else if (key == "seconds")
      mount.request.seconds = std::atof(value.c_str());
    else if (key == "user")
      mount.user = value;
    else if (key == "password")
      mount.password = value;
    else if (key == "damage")
      mount.damage_percent = std::atoi(value.c_str());
    else if (key == "garbage")
      mount.is_garbage = value == "1";
    else
      return fail(ErrorCode::kInvalidInput, fmt::format("{}: unknown key {}", mount.path, key));
  }
  return mount;
}

/// One appsrc of one running media: a place in the clip that goes round.
class Feed {
 public:
  Feed(const EncodedTrack& track, const Mount& mount) : track_(track), mount_(mount) {}

  GstFlowReturn push_next(GstAppSrc* source) {
    const EncodedPacket& packet = track_.packets[next_];
    keep_pace(round_start_ns_ + packet.pts_ns);
    GstBuffer* buffer = gst_buffer_new_memdup(packet.bytes.data(), packet.bytes.size());
    GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(round_start_ns_ + packet.pts_ns);
    GST_BUFFER_DTS(buffer) = static_cast<GstClockTime>(round_start_ns_ + std::max<int64_t>(0, packet.dts_ns));
    GST_BUFFER_DURATION(buffer) = static_cast<GstClockTime>(packet.duration_ns);
    if (!packet.is_keyframe) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    damage(buffer);
    if (++next_ == track_.packets.size()) {
      next_ = 0;
      round_start_ns_ += mount_.clip.duration_ns;
    }
    return gst_app_src_push_buffer(source, buffer);
  }

 private:
  /// Where no client has set up this stream, nothing downstream holds it back.
  void keep_pace(int64_t pts_ns) {
    constexpr int64_t kAheadUs = 500'000;
    const int64_t now_us = g_get_monotonic_time();
    if (first_push_us_ == 0) first_push_us_ = now_us;
    const int64_t wait_us = first_push_us_ + pts_ns / 1000 - kAheadUs - now_us;
    if (wait_us > 0) g_usleep(static_cast<gulong>(wait_us));
  }

  /// The start code stays, so that the payloader finds units to send; what is in them is for the decoder to
  /// survive.
  void damage(GstBuffer* buffer) {
    const bool is_hit = mount_.is_garbage || static_cast<int>(random_() % 100) < mount_.damage_percent;
    GstMapInfo map;
    if (!is_hit || gst_buffer_map(buffer, &map, GST_MAP_WRITE) == FALSE) return;
    constexpr size_t kKept = 6;
    const size_t step = mount_.is_garbage ? 1 : 50;
    for (size_t i = kKept; i < map.size; i += 1 + random_() % step)
      map.data[i] = static_cast<uint8_t>(1 + random_() % 255);
    gst_buffer_unmap(buffer, &map);
  }

  const EncodedTrack& track_;
  const Mount& mount_;
  size_t next_ = 0;
  int64_t round_start_ns_ = 0;
  int64_t first_push_us_ = 0;
  std::minstd_rand random_{1};  // the same damage every time
};

// The tee: a stream that no client set up has nowhere to go, which would otherwise be an error that ends the
// others, too.
std::string video_launch(const std::string& codec) {
  if (codec == "h265")
    return "appsrc name=video ! tee allow-not-linked=true ! h265parse ! rtph265pay name=pay{} pt=96 ";
  if (codec == "mjpeg") return "appsrc name=video ! tee allow-not-linked=true ! rtpjpegpay name=pay{} pt=26 ";
  return "appsrc name=video ! tee allow-not-linked=true ! h264parse ! rtph264pay name=pay{} pt=96 ";
}

std::string sound_launch(const std::string& codec) {
  if (codec == "pcma") return "appsrc name=sound ! tee allow-not-linked=true ! rtppcmapay name=pay{} pt=8 ";
  if (codec == "pcmu") return "appsrc name=sound ! tee allow-not-linked=true ! rtppcmupay name=pay{} pt=0 ";
  if (codec == "opus") return "appsrc name=sound ! tee allow-not-linked=true ! rtpopuspay name=pay{} pt=98 ";
  return "appsrc name=sound ! tee allow-not-linked=true ! aacparse ! rtpmp4gpay name=pay{} pt=97 ";
}

std::string video_caps(const std::string& codec, const EncodedTrack& track) {
  if (codec == "mjpeg")
    return fmt::format("image/jpeg,framerate=30/1,width={},height={}", track.width, track.height);
  return fmt::format("video/x-{},stream-format=byte-stream,alignment=au", codec);
}

std::string sound_caps(const std::string& codec, const EncodedTrack& track) {
  if (codec == "pcma" || codec == "pcmu")
    return fmt::format("audio/x-{}law,rate=8000,channels=1", codec == "pcma" ? "a" : "mu");
  if (codec == "opus") return "audio/x-opus,rate=48000,channels=2,channel-mapping-family=0";
  std::string hex;
  for (const uint8_t byte : track.codec_data) hex += fmt::format("{:02x}", byte);
  return fmt::format(
      "audio/mpeg,mpegversion=4,stream-format=raw,framed=true,rate={},channels={},codec_data=(buffer){}",
      track.rate_hz, track.channels, hex);
}

void connect_feed(GstElement* bin, const char* name, const std::string& caps_text, const EncodedTrack& track,
                  const Mount& mount) {
  GstElement* source = gst_bin_get_by_name(GST_BIN(bin), name);
  if (source == nullptr) return;
  GstCaps* caps = gst_caps_from_string(caps_text.c_str());
  g_object_set(source, "caps", caps, "format", GST_FORMAT_TIME, "max-bytes", G_GUINT64_CONSTANT(4'000'000),
               nullptr);
  gst_caps_unref(caps);
  auto feed = std::make_unique<Feed>(track, mount);
  g_signal_connect_data(
      source, "need-data",
      G_CALLBACK(+[](GstAppSrc* from, guint, gpointer data) { static_cast<Feed*>(data)->push_next(from); }),
      feed.release(),
      [](gpointer data, GClosure*) { const std::unique_ptr<Feed> freed(static_cast<Feed*>(data)); },
      GConnectFlags{});
  gst_object_unref(source);
}

void on_media(GstRTSPMediaFactory*, GstRTSPMedia* media, gpointer data) {
  const auto& mount = *static_cast<const Mount*>(data);
  GstElement* bin = gst_rtsp_media_get_element(media);
  connect_feed(bin, "video", video_caps(mount.request.video, mount.clip.video), mount.clip.video, mount);
  connect_feed(bin, "sound", sound_caps(mount.request.sound, mount.clip.sound), mount.clip.sound, mount);
  gst_object_unref(bin);
}

/// Who may see a mount but not construct it is asked for a password (401); who may not even see it is told
/// 404.
void allow(GstRTSPMediaFactory* factory, const std::string& role, gboolean may_construct) {
  gst_rtsp_media_factory_add_role(factory, role.c_str(), GST_RTSP_PERM_MEDIA_FACTORY_ACCESS, G_TYPE_BOOLEAN,
                                  TRUE, GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, G_TYPE_BOOLEAN, may_construct,
                                  nullptr);
}

GstRTSPToken* token_for(const std::string& role) {
  return gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, role.c_str(), nullptr);
}

void add_mount(GstRTSPServer* server, GstRTSPAuth* auth, Mount& mount, int role_number) {
  std::string launch = "( ";
  int payloader = 0;
  if (!mount.clip.video.packets.empty())
    launch += fmt::format(fmt::runtime(video_launch(mount.request.video)), payloader++);
  if (!mount.clip.sound.packets.empty())
    launch += fmt::format(fmt::runtime(sound_launch(mount.request.sound)), payloader);
  launch += ")";
  GstRTSPMediaFactory* factory = gst_rtsp_media_factory_new();
  gst_rtsp_media_factory_set_launch(factory, launch.c_str());
  gst_rtsp_media_factory_set_shared(factory, TRUE);
  // A live camera, not a file that could be paused: no client makes the others wait.
  gst_rtsp_media_factory_set_suspend_mode(factory, GST_RTSP_SUSPEND_MODE_NONE);
  g_signal_connect(factory, "media-configure", G_CALLBACK(&on_media), &mount);
  allow(factory, "anonymous", mount.user.empty() ? TRUE : FALSE);
  if (!mount.user.empty()) {
    const std::string role = "user" + std::to_string(role_number);
    allow(factory, role, TRUE);
    GstRTSPToken* token = token_for(role);
    gst_rtsp_auth_add_digest(auth, mount.user.c_str(), mount.password.c_str(), token);
    gst_rtsp_token_unref(token);
  }
  GstRTSPMountPoints* mounts = gst_rtsp_server_get_mount_points(server);
  gst_rtsp_mount_points_add_factory(mounts, mount.path.c_str(), factory);
  g_object_unref(mounts);
}

void load_plugins() {
  // By name, as vitrine-source does: a registry scan of every plugin would take seconds.
  ::setenv("GST_PLUGIN_SYSTEM_PATH_1_0", "", 1);
  ::setenv("GST_REGISTRY_DISABLE", "yes", 1);
  gst_init(nullptr, nullptr);
  for (const char* name :
       {"coreelements", "app", "rtp", "rtpmanager", "udp", "videoparsersbad", "audioparsers"}) {
    const std::string path = fmt::format("{}/libgst{}.so", VITRINE_GSTREAMER_PLUGIN_DIR, name);
    if (GstPlugin* plugin = gst_plugin_load_file(path.c_str(), nullptr); plugin != nullptr)
      gst_object_unref(plugin);
  }
}

Result<std::deque<Mount>> make_mounts(const std::vector<std::string>& texts) {
  std::string pattern = (std::filesystem::temp_directory_path() / "vitrine-rtsp-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) return fail_errno(ErrorCode::kIo, "mkdtemp " + pattern);
  std::deque<Mount> mounts;
  Status made;
  for (const auto& text : texts) {
    auto mount = parse_mount(text);
    if (!mount) made = tl::unexpected(mount.error());
    if (!made) break;
    auto clip = EncodedClip::make(mount->request, pattern);
    if (!clip) made = tl::unexpected(clip.error().with_context(mount->path));
    if (!made) break;
    mount->clip = std::move(*clip);
    mounts.push_back(std::move(*mount));
  }
  std::filesystem::remove_all(pattern);
  if (!made) return tl::unexpected(made.error());
  return mounts;
}

int serve(int port, const std::vector<std::string>& texts) {
  auto mounts = make_mounts(texts);
  if (!mounts) {
    fmt::print(stderr, "rtsp-server: {}\n", mounts.error().message);
    return EXIT_FAILURE;
  }
  load_plugins();
  GstRTSPServer* server = gst_rtsp_server_new();
  gst_rtsp_server_set_address(server, "127.0.0.1");
  gst_rtsp_server_set_service(server, std::to_string(port).c_str());
  GstRTSPAuth* auth = gst_rtsp_auth_new();
  gst_rtsp_auth_set_supported_methods(auth, GST_RTSP_AUTH_DIGEST);
  GstRTSPToken* anonymous = token_for("anonymous");
  gst_rtsp_auth_set_default_token(auth, anonymous);
  int role_number = 0;
  for (auto& mount : *mounts) add_mount(server, auth, mount, role_number++);
  gst_rtsp_server_set_auth(server, auth);
  if (gst_rtsp_server_attach(server, nullptr) == 0) {
    fmt::print(stderr, "rtsp-server: can't listen on port {}\n", port);
    return EXIT_FAILURE;
  }
  fmt::print("listening on {}\n", gst_rtsp_server_get_bound_port(server));
  std::fflush(stdout);
  g_main_loop_run(g_main_loop_new(nullptr, FALSE));
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace vitrine::peers

int main(int argc, char** argv) {
  CLI::App app("An RTSP server that plays clips as an IP camera would");
  int port = 0;
  std::vector<std::string> mounts;
  app.add_option("--port", port, "TCP port on 127.0.0.1; 0: a free one");
  app.add_option("--mount", mounts, "/path[,key=value…]")->required();
  CLI11_PARSE(app, argc, argv);
  return vitrine::peers::serve(port, mounts);
}
