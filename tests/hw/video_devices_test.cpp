// SPDX-License-Identifier: Apache-2.0
#include "hw/video_devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::hw {
namespace {

using testing::Pair;
using testing::UnorderedElementsAre;

CameraConfig camera(const std::string& id, const std::string& source) {
  CameraConfig config;
  config.id = id;
  config.source = *parse_camera_address(source);
  return config;
}

const VideoDevice kLeft{"/dev/video0", "C920", "AAA", "1-1"};
const VideoDevice kRight{"/dev/video2", "C920", "BBB", "1-2.4"};
const VideoDevice kCheap{"/dev/video4", "USB Camera", "", "1-3"};

TEST(ResolveCameras, BindsBySerialAndSocketWhateverTheNodeNumbersAre) {
  const std::vector cameras = {camera("counter", "v4l2:serial=BBB"), camera("door", "v4l2:port=1-1")};
  const auto before = resolve_cameras(cameras, {kLeft, kRight});
  EXPECT_THAT(before, UnorderedElementsAre(Pair("counter", "/dev/video2"), Pair("door", "/dev/video0")));
  auto left = kLeft;
  auto right = kRight;
  std::swap(left.node, right.node);
  const auto after = resolve_cameras(cameras, {right, left});
  EXPECT_THAT(after, UnorderedElementsAre(Pair("counter", "/dev/video0"), Pair("door", "/dev/video2")));
}

TEST(ResolveCameras, AutoTakesWhatTheOthersLeaveInOrder) {
  const std::vector cameras = {camera("a", "v4l2:auto"), camera("b", "v4l2:/dev/video0"),
                               camera("c", "v4l2:auto")};
  EXPECT_THAT(
      resolve_cameras(cameras, {kLeft, kRight, kCheap}),
      UnorderedElementsAre(Pair("a", "/dev/video2"), Pair("b", "/dev/video0"), Pair("c", "/dev/video4")));
}

TEST(ResolveCameras, AnAutoCameraKeepsItsDeviceWhateverComesAndGoes) {
  const std::vector cameras = {camera("a", "v4l2:auto"), camera("b", "v4l2:auto")};
  const auto both = resolve_cameras(cameras, {kLeft, kRight});
  const auto one = resolve_cameras(cameras, {kRight}, both);
  EXPECT_THAT(one, UnorderedElementsAre(Pair("b", "/dev/video2")));
  EXPECT_EQ(resolve_cameras(cameras, {kLeft, kRight}, one), both);
  EXPECT_THAT(resolve_cameras({camera("a", "v4l2:auto"), camera("c", "v4l2:serial=AAA")}, {kLeft}, both),
              UnorderedElementsAre(Pair("c", "/dev/video0")));
}

TEST(ResolveCameras, AMissingCameraIsAbsentAndNobodyElsesDeviceIsGivenAway) {
  const std::vector cameras = {camera("a", "v4l2:serial=ZZZ"), camera("b", "v4l2:auto"),
                               camera("c", "v4l2:auto")};
  EXPECT_THAT(resolve_cameras(cameras, {kLeft}), UnorderedElementsAre(Pair("b", "/dev/video0")));
  EXPECT_THAT(resolve_cameras(cameras, {}), testing::IsEmpty());
}

TEST(ResolveCameras, ASerialNumberThatTwoCamerasCarryBindsNeither) {
  auto twin = kRight;
  twin.serial = kLeft.serial;
  EXPECT_THAT(resolve_cameras({camera("a", "v4l2:serial=AAA")}, {kLeft, twin}), testing::IsEmpty());
}

TEST(ResolveCameras, TwoCamerasOnOneDeviceAreNotBothGivenIt) {
  const std::vector cameras = {camera("a", "v4l2:serial=AAA"), camera("b", "v4l2:port=1-1")};
  EXPECT_THAT(resolve_cameras(cameras, {kLeft}), UnorderedElementsAre(Pair("a", "/dev/video0")));
}

TEST(ResolveCameras, LeavesOtherKindsAlone) {
  EXPECT_THAT(resolve_cameras({camera("a", "rtsp://10.0.0.1/x"), camera("b", "test:bars")}, {kLeft}),
              testing::IsEmpty());
}

TEST(ListVideoDevices, WorksOnABoxWithoutAny) {
  for (const auto& device : list_video_devices())
    EXPECT_TRUE(device.node.starts_with("/dev/")) << device.node;
}

}  // namespace
}  // namespace vitrine::hw
