// SPDX-License-Identifier: Apache-2.0
#include "encoder/retention.h"

#include <sys/statvfs.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/temp_dir.h"

namespace vitrine::encoder {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr uint64_t kMiB = 1 << 20;
const Instant kNow = Instant(std::chrono::seconds(1'800'000'000));

RecordedFile file(const std::string& name, int days_old, uint64_t mib, bool is_protected = false) {
  return {name, mib * kMiB, kNow - std::chrono::days(days_old), is_protected};
}

RecordingConfig limits(int keep_days, int min_free_mib) {
  RecordingConfig config;
  config.keep_days = keep_days;
  config.min_free_mib = min_free_mib;
  return config;
}

std::vector<std::string> names(const std::vector<Deletion>& deletions) {
  std::vector<std::string> all;
  for (const auto& deletion : deletions) {
    all.push_back(deletion.file.path.string() + ":" + std::string(to_string(deletion.reason)));
  }
  return all;
}

TEST(Retention, KeepsEverythingThatIsYoungWhileThereIsRoom) {
  EXPECT_THAT(
      decide_retention({{file("a", 10, 100), file("b", 1, 100)}, 5000 * kMiB, kNow}, limits(1095, 2048)),
      IsEmpty());
}

TEST(Retention, DeletesWhatIsOlderThanItsTime) {
  EXPECT_THAT(names(decide_retention(
                  {{file("new", 5, 1), file("old", 31, 1), file("edge", 30, 1), file("older", 300, 1)},
                   5000 * kMiB,
                   kNow},
                  limits(30, 2048))),
              ElementsAre("older:too_old", "old:too_old"));
}

TEST(Retention, MakesRoomFromTheOldestAndStopsWhenThereIsEnough) {
  EXPECT_THAT(
      names(decide_retention({{file("c", 1, 600), file("a", 9, 600), file("b", 5, 600)}, 1000 * kMiB, kNow},
                             limits(1095, 2048))),
      ElementsAre("a:space_needed", "b:space_needed"));
}

TEST(Retention, CountsTheRoomThatAgeMadeAlready) {
  EXPECT_THAT(names(decide_retention({{file("young", 1, 600), file("old", 40, 2000)}, 1000 * kMiB, kNow},
                                     limits(30, 2048))),
              ElementsAre("old:too_old"));
}

TEST(Retention, NeverTouchesAProtectedFile) {
  EXPECT_THAT(names(decide_retention({{file("held", 5000, 5000, true), file("next", 2, 1)}, 0, kNow},
                                     limits(30, 2048))),
              ElementsAre("next:space_needed"));
}

TEST(Retention, LetsAsRunRecordsGoByAgeAloneAndAfterTheirRecordings) {
  const auto decide = [](std::vector<RecordedFile> recordings, RecordedFile records, uint64_t free_mib) {
    return names(decide_retention({std::move(recordings), free_mib * kMiB, kNow, {std::move(records)}},
                                  limits(30, 2048)));
  };
  EXPECT_THAT(decide({file("s/a", 40, 1)}, file("s/r", 31, 1), 5000),
              ElementsAre("s/a:too_old", "s/r:too_old"));
  EXPECT_THAT(decide({file("s/a", 40, 1)}, file("s/r", 30, 1), 5000), ElementsAre("s/a:too_old"));
  EXPECT_THAT(decide({file("s/a", 20, 1)}, file("s/r", 20, 1), 0), ElementsAre("s/a:space_needed"));
  EXPECT_THAT(decide({file("s/a", 20, 1)}, file("s/r", 31, 1), 5000), IsEmpty());
  EXPECT_THAT(decide({file("s/a", 40, 1, true)}, file("s/r", 40, 1), 5000), IsEmpty());
  EXPECT_THAT(decide({file("other/a", 1, 1)}, file("s/r", 31, 1), 5000), ElementsAre("s/r:too_old"));
  EXPECT_THAT(decide({}, file("s/r", 31, 1, true), 5000), IsEmpty());
}

TEST(Retention, FindsNothingTooOldByAClockThatIsNotSet) {
  EXPECT_THAT(decide_retention({{file("a", 9000, 1)}, 5000 * kMiB, std::nullopt}, limits(30, 2048)),
              IsEmpty());
  EXPECT_THAT(names(decide_retention({{file("a", 9000, 1)}, 0, std::nullopt}, limits(30, 2048))),
              ElementsAre("a:space_needed"));
  EXPECT_THAT(decide_retention({{}, 0, std::nullopt, {file("r", 9000, 1)}}, limits(30, 2048)), IsEmpty());
}

/// Recordings on a real disk, all written "now", with a clock 100 days ahead.
class RetentionOnDisk : public ::testing::Test {
 protected:
  fs::path recording(const std::string& name) {
    const fs::path path = dir_.path() / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << "x";
    return path;
  }
  std::vector<std::string> apply(const std::vector<fs::path>& open_files) {
    std::vector<std::string> deleted;
    auto config = limits(30, 0);
    config.directory = dir_.path();
    const auto ok = apply_retention(
        config, open_files, system_now() + std::chrono::days(100), [&](const Deletion& deletion) {
          deleted.push_back(fs::relative(deletion.file.path, dir_.path()).string());
        });
    EXPECT_TRUE(ok) << ok.error().message;
    return deleted;
  }
  fakes::TempDir dir_;
};

TEST_F(RetentionOnDisk, DeletesReportsAndTakesEmptyDirectoriesAlong) {
  recording("main/s1/main-20260101T000000Z-001.mp4");
  recording("main/s1/main-20260101T001000Z-002.mp4");
  EXPECT_THAT(apply({}),
              ElementsAre("main/s1/main-20260101T000000Z-001.mp4", "main/s1/main-20260101T001000Z-002.mp4"));
  EXPECT_FALSE(fs::exists(dir_.path() / "main"));
  EXPECT_TRUE(fs::exists(dir_.path()));
}

TEST_F(RetentionOnDisk, TakesTheRecordsAndTheDirectoryOfAnOldSession) {
  recording("main/s1/main-20260101T000000Z-001.mp4");
  recording("main/s1/as-run.jsonl");
  recording("main/s2/as-run.jsonl");  // its recordings went earlier, for space
  const auto young = recording("main/s3/as-run.jsonl");
  fs::last_write_time(young, fs::file_time_type::clock::now() + std::chrono::days(75));
  recording("main/s3/main-20260103T000000Z-001.mp4");
  EXPECT_THAT(apply({}),
              UnorderedElementsAre("main/s1/main-20260101T000000Z-001.mp4", "main/s1/as-run.jsonl",
                                   "main/s2/as-run.jsonl", "main/s3/main-20260103T000000Z-001.mp4"));
  EXPECT_FALSE(fs::exists(dir_.path() / "main/s1"));
  EXPECT_FALSE(fs::exists(dir_.path() / "main/s2"));
  EXPECT_TRUE(fs::exists(young));
}

TEST_F(RetentionOnDisk, LeavesOpenFilesHeldSessionsAndForeignFilesAlone) {
  const auto open = recording("main/s1/a.mp4");
  recording("main/s1/as-run.jsonl");
  recording("main/s2/b.mp4");
  recording("main/s2/as-run.jsonl");
  recording("main/s2/keep");
  recording("main/s3/notes.txt");
  EXPECT_THAT(apply({open}), IsEmpty());
}

TEST_F(RetentionOnDisk, FollowsNoLinkOutOfTheDirectory) {
  const fakes::TempDir elsewhere;
  const auto precious = elsewhere.write("precious.mp4", "x");
  fs::create_directories(dir_.path() / "main");
  fs::create_symlink(precious, dir_.path() / "main" / "link.mp4");
  fs::create_directory_symlink(elsewhere.path(), dir_.path() / "main" / "linked");
  EXPECT_THAT(apply({}), IsEmpty());
  EXPECT_TRUE(fs::exists(precious));
}

TEST(RetentionDisk, NamesADirectoryThatIsNotThere) {
  auto config = limits(30, 0);
  config.directory = "/no/such/directory";
  const auto ok = apply_retention(config, {}, kNow, [](const Deletion&) {});
  ASSERT_FALSE(ok);
  EXPECT_THAT(ok.error().message, ::testing::HasSubstr("/no/such/directory"));
}

}  // namespace
}  // namespace vitrine::encoder
