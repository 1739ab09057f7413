// SPDX-License-Identifier: Apache-2.0
//
// The worker's smaller parts: what is counted, chosen and judged without a stream.
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/source_protocol.h"
#include "capture/worker/camera_mode.h"
#include "capture/worker/codecs.h"
#include "capture/worker/frame_store.h"
#include "capture/worker/gst_handles.h"
#include "capture/worker/picture_convert.h"
#include "capture/worker/rate_meter.h"
#include "capture/worker/recolor.h"
#include "capture/worker/sound_meter.h"
#include "capture/worker/watchdog.h"

namespace vitrine::capture {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// --- camera modes

std::optional<CameraMode> chosen_from(const char* caps_text) {
  gst_init(nullptr, nullptr);
  const GstCapsPtr caps(gst_caps_from_string(caps_text));
  return choose_mode(modes_of(caps.get()));
}

TEST(CameraMode, TakesMjpegWhereTheBusIsTooSlowForRaw) {
  // A usual USB 2 webcam: full HD raw only at 5 pictures a second.
  const auto mode = chosen_from(
      "video/x-raw,format=YUY2,width=640,height=480,framerate={30/1,15/1};"
      "video/x-raw,format=YUY2,width=1920,height=1080,framerate=5/1;"
      "image/jpeg,width=1920,height=1080,framerate={30/1,15/1};"
      "image/jpeg,width=1280,height=720,framerate=30/1");
  EXPECT_EQ(mode, (CameraMode{CameraMode::Encoding::kMjpeg, {1920, 1080}, {30, 1}}));
}

TEST(CameraMode, PrefersRawWhereItGivesTheSame) {
  const auto mode = chosen_from(
      "image/jpeg,width=1280,height=720,framerate=30/1;video/x-h264,width=1280,height=720,framerate=30/1;"
      "video/x-raw,format={YUY2,NV12},width=1280,height=720,framerate=30/1");
  EXPECT_EQ(mode, (CameraMode{CameraMode::Encoding::kNv12, {1280, 720}, {30, 1}}));
}

TEST(CameraMode, TakesTheFastestOfASlowCamera) {
  const auto mode = chosen_from(
      "video/x-raw,format=YUY2,width=1280,height=720,framerate=10/1;video/"
      "x-raw,format=YUY2,width=640,height=480,framerate=15/1");
  EXPECT_EQ(mode->size, (Size{640, 480}));
}

TEST(CameraMode, StaysBelowFullHdAndNearThirty) {
  EXPECT_EQ(chosen_from("image/jpeg,width=3840,height=2160,framerate=30/1;image/"
                        "jpeg,width=1920,height=1080,framerate={60/1,30/1}"),
            (CameraMode{CameraMode::Encoding::kMjpeg, {1920, 1080}, {30, 1}}));
  EXPECT_EQ(chosen_from("video/x-raw,format=NV12,width=[32,4096,2],height=[32,2160,2],framerate=[1/1,60/1]"),
            (CameraMode{CameraMode::Encoding::kNv12, {1920, 1080}, {30, 1}}));
  // Only larger ones: the smallest of them.
  EXPECT_EQ(
      chosen_from(
          "image/jpeg,width=4096,height=2160,framerate=30/1;image/jpeg,width=3840,height=2160,framerate=30/1")
          ->size,
      (Size{3840, 2160}));
}

TEST(CameraMode, IsNoneWhereNothingIsUnderstood) {
  EXPECT_EQ(chosen_from("video/x-raw,format=BGR,width=640,height=480,framerate=30/1;video/mpegts"),
            std::nullopt);
}

// --- codecs

TEST(Codecs, AreFoundByTheirRtpNameWhateverItsCase) {
  EXPECT_EQ(codec_for_rtp(StreamKind::kPicture, "h264")->id, AV_CODEC_ID_H264);
  EXPECT_EQ(codec_for_rtp(StreamKind::kSound, "PCMA")->id, AV_CODEC_ID_PCM_ALAW);
  EXPECT_EQ(codec_for_rtp(StreamKind::kPicture, "VP8"), nullptr);
  EXPECT_EQ(codec_for_rtp(StreamKind::kPicture, "PCMA"), nullptr);
}

// --- colours

struct Rgb {
  double r, g, b;
};

/// Independent of the code under test: the textbook formulas in floating point.
std::array<double, 3> encoded(Rgb color, ColorInfo as) {
  const double kr = as.matrix == ColorMatrix::kBt601 ? 0.299 : 0.2126;
  const double kb = as.matrix == ColorMatrix::kBt601 ? 0.114 : 0.0722;
  const double y = kr * color.r + (1 - kr - kb) * color.g + kb * color.b;
  const double cb = (color.b - y) / (2 * (1 - kb));
  const double cr = (color.r - y) / (2 * (1 - kr));
  if (as.range == ColorRange::kFull) return {255 * y, 128 + 255 * cb, 128 + 255 * cr};
  return {16 + 219 * y, 128 + 224 * cb, 128 + 224 * cr};
}

class Recolor : public testing::TestWithParam<ColorInfo> {};

TEST_P(Recolor, BringsEveryColorToLimitedBt709) {
  // An odd size: the last column and row have chroma of their own.
  constexpr Size kSize{37, 21};
  const I420Layout layout(kSize);
  std::vector<uint8_t> memory(layout.bytes);
  const I420 picture = layout.view(memory.data());
  std::minstd_rand random(3);
  for (int i = 0; i < 500; ++i) {
    const auto channel = [&] { return static_cast<double>(random() % 1001) / 1000; };
    const Rgb color{channel(), channel(), channel()};
    const auto from = encoded(color, GetParam());
    const auto expected = encoded(color, kCanvasColor);
    for (int row = 0; row < kSize.height; ++row)
      std::memset(picture.y.data + row * picture.y.stride_bytes, static_cast<int>(std::lround(from[0])),
                  kSize.width);
    for (int row = 0; row < (kSize.height + 1) / 2; ++row) {
      std::memset(picture.u.data + row * picture.u.stride_bytes,
                  static_cast<int>(std::clamp(std::lround(from[1]), 0L, 255L)), (kSize.width + 1) / 2);
      std::memset(picture.v.data + row * picture.v.stride_bytes,
                  static_cast<int>(std::clamp(std::lround(from[2]), 0L, 255L)), (kSize.width + 1) / 2);
    }
    to_canvas_color(picture, GetParam());
    for (const auto& [x, y] :
         {std::pair{0, 0}, std::pair{17, 10}, std::pair{kSize.width - 1, kSize.height - 1}}) {
      // Rounding in, rounding out, and three rounded products.
      ASSERT_NEAR(picture.y.data[y * picture.y.stride_bytes + x], expected[0], 1.6);
      ASSERT_NEAR(picture.u.data[y / 2 * picture.u.stride_bytes + x / 2], expected[1], 1.6);
      ASSERT_NEAR(picture.v.data[y / 2 * picture.v.stride_bytes + x / 2], expected[2], 1.6);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(From, Recolor,
                         testing::Values(ColorInfo{ColorMatrix::kBt601, ColorRange::kLimited},
                                         ColorInfo{ColorMatrix::kBt601, ColorRange::kFull},
                                         ColorInfo{ColorMatrix::kBt709, ColorRange::kFull}, kCanvasColor),
                         [](const auto& test) {
                           return std::string(test.param.matrix == ColorMatrix::kBt601 ? "Bt601" : "Bt709") +
                                  (test.param.range == ColorRange::kFull ? "Full" : "Limited");
                         });

TEST(ColorOf, GuessesByHeightOnlyWhatIsNotSaid) {
  const auto color = [](AVColorSpace matrix, AVColorRange range, AVPixelFormat format, int height) {
    return color_of(matrix, range, format, height);
  };
  EXPECT_EQ(color(AVCOL_SPC_UNSPECIFIED, AVCOL_RANGE_UNSPECIFIED, AV_PIX_FMT_YUV420P, 719).matrix,
            ColorMatrix::kBt601);
  EXPECT_EQ(color(AVCOL_SPC_UNSPECIFIED, AVCOL_RANGE_UNSPECIFIED, AV_PIX_FMT_YUV420P, 720).matrix,
            ColorMatrix::kBt709);
  EXPECT_EQ(color(AVCOL_SPC_SMPTE170M, AVCOL_RANGE_MPEG, AV_PIX_FMT_YUV420P, 1080),
            (ColorInfo{ColorMatrix::kBt601, ColorRange::kLimited}));
  EXPECT_EQ(color(AVCOL_SPC_BT709, AVCOL_RANGE_UNSPECIFIED, AV_PIX_FMT_YUVJ420P, 480),
            (ColorInfo{ColorMatrix::kBt709, ColorRange::kFull}));
}

// --- frame store

TEST(FrameStore, GivesEachSlotOnceAndAgainWhenItIsFree) {
  auto store = std::move(*FrameStore::create(5000));
  EXPECT_GE(store->slot_bytes(), 5000U);
  std::vector<std::shared_ptr<uint8_t>> slots;
  std::set<uint8_t*> places;
  while (auto slot = store->acquire()) {
    EXPECT_TRUE(store->contains(slot.get()));
    EXPECT_TRUE(store->contains(slot.get() + 4999));
    places.insert(slot.get());
    slots.push_back(std::move(slot));
  }
  EXPECT_EQ(slots.size(), 32U);
  EXPECT_EQ(places.size(), slots.size());
  uint8_t* const freed = slots[7].get();
  slots[7].reset();
  EXPECT_EQ(store->acquire().get(), freed);
}

TEST(FrameStore, KeepsAPictureThatIsLookedAtAndReusesTheOthers) {
  auto store = std::move(*FrameStore::create(64 * 64 * 3 / 2));
  const auto reader = FrameRingReader::open(UniqueFd(::dup(store->fd())));
  ASSERT_TRUE(reader) << reader.error().message;
  const auto publish = [&](uint8_t value) {
    auto slot = store->acquire();
    ASSERT_TRUE(slot);
    std::memset(slot.get(), value, 64 * 64);
    const ConstI420 picture{{64, 64}, {slot.get(), 64}, {slot.get() + 4096, 32}, {slot.get() + 5120, 32}};
    EXPECT_TRUE(store->publish(picture, steady_now(), slot));
  };
  publish(1);
  const auto pinned = (*reader)->latest();
  ASSERT_TRUE(pinned);
  for (int i = 0; i < 200; ++i) publish(static_cast<uint8_t>(2 + i % 100));  // many times round all slots
  EXPECT_EQ(pinned->picture.y.data[0], 1);
  EXPECT_EQ((*reader)->latest()->picture.y.data[0], 101);
}

TEST(FrameStore, LetsGoOfEverythingWhenItIsReplaced) {
  // The writer holds pictures, which hold slots: none of them may hold the writer.
  std::weak_ptr<uint8_t> last;
  {
    auto store = std::move(*FrameStore::create(64 * 64 * 3 / 2));
    auto slot = store->acquire();
    last = slot;
    store->publish({{64, 64}, {slot.get(), 64}, {slot.get() + 4096, 32}, {slot.get() + 5120, 32}},
                   steady_now(), slot);
  }
  EXPECT_TRUE(last.expired());
}

TEST(FrameStore, SlotOutlivesTheStore) {
  std::shared_ptr<uint8_t> slot;
  {
    auto store = std::move(*FrameStore::create(4096));
    slot = store->acquire();
  }
  std::memset(slot.get(), 9, 4096);  // a decoder that still writes into a ring that was replaced
  EXPECT_EQ(slot.get()[4095], 9);
}

// --- sound meter

class Meter : public testing::Test {
 protected:
  void play(std::chrono::seconds length, float amplitude, int clipped_channel = -1) {
    for (int tenth = 0; tenth < 10 * length.count(); ++tenth) {
      std::vector<float> block(4800 * 2);
      for (size_t i = 0; i < block.size(); ++i) {
        const float wave =
            amplitude *
            static_cast<float>(std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i / 2) / 48'000));
        block[i] = static_cast<int>(i % 2) == clipped_channel ? std::clamp(wave * 4, -1.0F, 1.0F) : wave;
      }
      meter.add(now, block);
      now += 100ms;
    }
  }
  SoundMeter meter;
  MediaTime now = 100s;
};

TEST_F(Meter, ShowsTheLevelOfASine) {
  play(2s, 0.1F);
  EXPECT_NEAR(meter.level_db(), -23.0, 0.2);
  EXPECT_THAT(meter.warnings(now), IsEmpty());
}

TEST_F(Meter, CallsTenSecondsOfNothingSilent) {
  play(3s, 0.1F);
  play(9s, 0.00002F);
  EXPECT_THAT(meter.warnings(now), IsEmpty());
  play(2s, 0.00002F);
  EXPECT_THAT(meter.warnings(now), ElementsAre("silent"));
  play(1s, 0.1F);
  EXPECT_THAT(meter.warnings(now), IsEmpty());
}

TEST_F(Meter, CallsAMicrophoneSilentThatNoLongerSendsAnything) {
  play(1s, 0.1F);
  EXPECT_THAT(meter.warnings(now + 11s), ElementsAre("silent"));
}

TEST_F(Meter, SeesClippingOfOneSide) {
  play(1s, 0.5F);
  EXPECT_THAT(meter.warnings(now), IsEmpty());
  play(1s, 0.5F, 1);
  EXPECT_THAT(meter.warnings(now), ElementsAre("clipping"));
  play(3s, 0.5F);
  EXPECT_THAT(meter.warnings(now), IsEmpty());
}

TEST_F(Meter, TakesNotANumberForSilence) {
  std::vector<float> block(48'000 * 2, std::numeric_limits<float>::quiet_NaN());
  meter.add(now, block);
  EXPECT_EQ(meter.level_db(), SourceReport::kSilenceDb);
}

// --- watchdog

TEST(Watchdog, WaitsFiveSecondsForTheFirstPictureAndThreeForTheNext) {
  Watchdog watchdog("rtsp://camera/x", 100s);
  FlowCounts counts;
  EXPECT_FALSE(watchdog.look(counts, 104900ms));
  EXPECT_EQ(watchdog.look(counts, 105s)->code, ErrorCode::kNoSignal);
  counts.shown = 1;
  EXPECT_FALSE(watchdog.look(counts, 106s));
  EXPECT_FALSE(watchdog.look(counts, 108900ms));
  const auto error = watchdog.look(counts, 109s);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ErrorCode::kNoSignal);
  EXPECT_THAT(error->message, HasSubstr("rtsp://camera/x for 3 s"));
}

TEST(Watchdog, TellsDataThatCantBeDecodedFromNoData) {
  Watchdog watchdog("camera", 100s);
  EXPECT_FALSE(watchdog.look({.shown = 10, .arrived = 10}, 101s));
  const auto error = watchdog.look({.shown = 10, .arrived = 100, .undecodable = 90}, 104s);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ErrorCode::kUnsupportedFormat);
  EXPECT_THAT(error->message, HasSubstr("90 pictures of 90"));
}

TEST(Watchdog, CallsALagThatLastsTooSlowAndForgivesOneThatPasses) {
  Watchdog watchdog("camera", 100s);
  int64_t shown = 0;
  const auto look = [&](MediaTime now, MediaTime lag) {
    return watchdog.look({.shown = ++shown, .arrived = shown, .lag = lag}, now);
  };
  EXPECT_FALSE(look(101s, 1500ms));
  EXPECT_FALSE(look(103s, 1500ms));
  EXPECT_FALSE(look(103500ms, 20ms));
  EXPECT_FALSE(look(104s, 1500ms));
  EXPECT_FALSE(look(106s, 1500ms));
  const auto error = look(107s, 1500ms);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ErrorCode::kTimeout);
  EXPECT_THAT(error->message, HasSubstr("1500 ms late"));
}

TEST(RateMeter, GivesTheRateOfTheLastTwoSeconds) {
  RateMeter meter;
  double rate = 0;
  for (int i = 0; i <= 40; ++i) rate = meter.update(i * 5, 1s + i * 250ms);
  EXPECT_NEAR(rate, 20, 0.1);
  for (int i = 1; i <= 12; ++i) rate = meter.update(200, 11s + i * 250ms);
  EXPECT_EQ(rate, 0);
}

// --- protocol

TEST(SourceProtocol, CarriesARequestBothWays) {
  OpenRequest request;
  request.address = *parse_camera_address("rtsp://10.0.0.7/stream");
  request.transport = CameraConfig::Transport::kUdp;
  request.user = Secret("shop");
  request.password = Secret("pass:word \"quoted\"");
  request.wants_picture = request.wants_sound = true;
  const auto read = parse_open_request(nlohmann::json::parse(to_message(request).dump()));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->address.text(), request.address.text());
  EXPECT_EQ(read->transport, request.transport);
  EXPECT_EQ(read->user.reveal(), "shop");
  EXPECT_EQ(read->password.reveal(), "pass:word \"quoted\"");
  EXPECT_TRUE(read->wants_picture && read->wants_sound);
}

TEST(SourceProtocol, TakesMicrophonesAndRefusesWhatIsNoSource) {
  OpenRequest request;
  request.address = *parse_microphone_address("alsa:hw:CARD=Mic");
  request.wants_sound = true;
  ASSERT_TRUE(parse_open_request(to_message(request)));
  auto broken = to_message(request);
  broken["source"] = "http://camera/";
  EXPECT_FALSE(parse_open_request(broken));
  broken = to_message(request);
  broken["sound"] = false;
  EXPECT_FALSE(parse_open_request(broken));  // neither picture nor sound
}

TEST(SourceProtocol, CarriesAReportBothWays) {
  SourceReport report;
  report.size = {1920, 1080};
  report.fps = 29.97;
  report.dropped = 3;
  report.copied = 7;
  report.level_db = -23.5;
  report.warnings = {"frozen", "silent"};
  report.format = "H.264 1920×1080";
  report.sandbox = "seccomp";
  const auto read = parse_report(to_message(report));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->size, report.size);
  EXPECT_EQ(read->fps, report.fps);
  EXPECT_EQ(read->warnings, report.warnings);
  EXPECT_EQ(read->format, report.format);
}

}  // namespace
}  // namespace vitrine::capture
