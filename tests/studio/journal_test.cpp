// SPDX-License-Identifier: Apache-2.0
#include "studio/journal.h"

#include <fstream>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/temp_dir.h"

namespace vitrine::studio {
namespace {

using testing::HasSubstr;

TEST(StateStore, GivesBackWhatItSavedAndReplacesItWhole) {
  const fakes::TempDir dir;
  const StateStore store(dir.path());
  EXPECT_EQ(*store.load(), std::nullopt);
  ASSERT_TRUE(store.save({{"revision", 1}, {"text", "价格"}}));
  ASSERT_TRUE(store.save({{"revision", 2}}));
  EXPECT_EQ(**store.load(), (nlohmann::json{{"revision", 2}}));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1)
      << "no temporary file may stay";
}

TEST(StateStore, SetsABrokenFileAsideAndSaysWhere) {
  const fakes::TempDir dir;
  dir.write("program-state.json", "{\"revision\": 4");
  const StateStore store(dir.path());
  const auto loaded = store.load();
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message, HasSubstr("set aside as"));
  EXPECT_EQ(*store.load(), std::nullopt) << "the next start is clean";
  bool is_kept = false;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
    is_kept |= entry.path().string().find(".broken-") != std::string::npos;
  }
  EXPECT_TRUE(is_kept);
}

TEST(StateStore, KeepsTheOldStateWhenTheNewOneCannotBeWritten) {
  const fakes::TempDir dir;
  const StateStore store(dir.path());
  ASSERT_TRUE(store.save({{"revision", 1}}));
  std::filesystem::create_directory(dir.path() / "program-state.json.new");  // the temporary can't be created
  EXPECT_FALSE(store.save({{"revision", 2}}));
  EXPECT_EQ(**store.load(), (nlohmann::json{{"revision", 1}}));
}

TEST(Journal, SavesAppendsAndWritesOutWhatIsQueuedAtItsEnd) {
  const fakes::TempDir dir;
  std::promise<Status> saved;
  {
    Journal journal{StateStore(dir.path())};
    journal.save_state({{"revision", 7}}, [&](Status status) { saved.set_value(std::move(status)); });
    for (int i = 0; i < 100; ++i) journal.append(dir.path() / "deep" / "as-run.jsonl", {{"n", i}});
  }
  EXPECT_TRUE(saved.get_future().get());
  std::ifstream file(dir.path() / "deep" / "as-run.jsonl");
  std::string line;
  int next = 0;
  while (std::getline(file, line)) EXPECT_EQ(nlohmann::json::parse(line)["n"], next++);
  EXPECT_EQ(next, 100);
}

TEST(Journal, ALostRecordIsCountedAndTheNextOneTellsOfIt) {
  const fakes::TempDir dir;
  const auto file = dir.path() / "as-run.jsonl";
  std::filesystem::create_directory(file);  // can't be appended to
  Journal journal{StateStore(dir.path())};
  const auto settle = [&] {
    std::promise<void> reached;
    journal.save_state({}, [&](const Status&) { reached.set_value(); });
    reached.get_future().wait();
  };
  journal.append(file, {{"n", 1}});
  settle();
  EXPECT_EQ(journal.lost_records(), 1);
  std::filesystem::remove(file);
  journal.append(file, {{"n", 2}});
  settle();
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  EXPECT_EQ(nlohmann::json::parse(line), (nlohmann::json{{"n", 2}, {"records_lost_before", 1}}));
}

}  // namespace
}  // namespace vitrine::studio
