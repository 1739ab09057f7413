// SPDX-License-Identifier: Apache-2.0
// A technician of a shop without a mall: its table, photos and papers, typed at vitrinectl against a running
// desk.
#include <csignal>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/fakes/child_process.h"
#include "tests/fakes/sockets.h"
#include "tests/fakes/temp_dir.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::desk {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class DeskPapers : public testing::Test {
 protected:
  void SetUp() override {
    const std::string place = dir_.path().string();
    dir_.write("vitrine.toml",
               "[studio]\nname = \"店\"\nstate_dir = \"" + place + "/state\"\nrun_dir = \"" + place +
                   "/run\"\n[[camera]]\nid = \"a\"\nsource = \"test:bars\"\n[[program]]\nid = "
                   "\"main\"\n[commerce]\nbackend = \"local\"\n[desk]\nlisten = \"127.0.0.1:" +
                   std::to_string(fakes::free_port()) + "\"\n");
    fs::create_directories(photos());
    start();
  }
  void TearDown() override {
    stop();
    if (HasFailure()) std::cerr << fakes::read_file(log());
  }
  void start() {
    desk_.emplace(fakes::ChildProcess({VITRINE_BIN_DIR "/vitrine-desk", "--config", config()}, log()));
    ASSERT_TRUE(fakes::wait_for([&] { return ctl({"sync"}).exit_code != 3; })) << fakes::read_file(log());
  }
  void stop() {
    if (!desk_) return;
    desk_->signal(SIGTERM);
    EXPECT_EQ(desk_->wait(), 0);
    desk_.reset();
  }
  [[nodiscard]] fakes::Finished ctl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {VITRINE_BIN_DIR "/vitrinectl", "--config", config()});
    return fakes::run(arguments);
  }
  /// The items' answer, once `is_there` holds of it.
  json wait_for_items(const std::function<bool(const json&)>& is_there) const {
    json items;
    EXPECT_TRUE(fakes::wait_for([&] {
      items = json::parse(ctl({"items", "--json"}).output, nullptr, false);
      return items.is_object() && is_there(items["items"]);
    })) << items.dump(1);
    return items["items"];
  }
  std::string write(const std::string& name, const std::string& text) const {
    return dir_.write(name, text).string();
  }
  void put_photo(const std::string& name, const std::string& source) const {
    fs::copy_file(VITRINE_SOURCE_DIR "/tests/fuzz/corpus/picture/" + source, photos() / name,
                  fs::copy_options::overwrite_existing);
  }
  [[nodiscard]] fs::path photos() const { return dir_.path() / "照片"; }
  [[nodiscard]] fs::path log() const { return dir_.path() / "desk.log"; }
  [[nodiscard]] std::string config() const { return (dir_.path() / "vitrine.toml").string(); }

  const std::string kTable =
      "编号,商品名称,售价,库存,图片\nA001,梨,39.90,5,\nA002,茶,99,,茶.png\nA003,米,-1,,\n";
  fakes::TempDir dir_;
  std::optional<fakes::ChildProcess> desk_;
};

TEST_F(DeskPapers, ATableComesInWithItsPhotosAndWhatIsWrongWithItIsSaid) {
  put_photo("a001.JPG", "baseline.jpg");
  put_photo("茶.png", "paper.pdf");
  put_photo("nobody.png", "small.png");
  const std::string table = write("商品.csv", kTable);

  const auto tried = ctl({"import", table, "--photos", photos().string(), "--try"});
  EXPECT_EQ(tried.exit_code, 5) << tried.errors;
  EXPECT_THAT(tried.output, AllOf(HasSubstr("nothing is changed: 2 added"), HasSubstr("1 rows refused"),
                                  HasSubstr("2 photos of the folder would be")));
  EXPECT_EQ(json::parse(ctl({"items", "--json"}).output)["total"], 0);

  const auto done = ctl({"import", table, "--photos", photos().string()});
  EXPECT_EQ(done.exit_code, 5) << done.errors;
  EXPECT_THAT(done.output,
              AllOf(HasSubstr("2 added"), HasSubstr("row 4, 售价"),
                    HasSubstr("1 photos brought in, 1 refused"), HasSubstr("茶.png: found a PDF document")));
  const json items = wait_for_items([](const json& each) {
    return each.size() == 2 && each[0]["photo"].contains("blob") && each[1]["photo"].contains("problem") &&
           each[1]["photo"]["problem"] != "not fetched yet";
  });
  EXPECT_EQ(items[0]["photo"]["size"], (json{48, 32}));
  EXPECT_THAT(items[1]["photo"]["problem"].get<std::string>(), HasSubstr("茶.png"));
  EXPECT_THAT(ctl({"items"}).output, HasSubstr("photo missing"));

  const auto picture = dir_.path() / "out.jpg";
  EXPECT_EQ(ctl({"picture", items[0]["photo"]["blob"], picture.string()}).exit_code, 0);
  EXPECT_EQ(fakes::read_file(picture), fakes::read_file(photos() / "a001.JPG"));

  put_photo("茶.png", "small.png");
  const auto mended = ctl({"import", table, "--photos", photos().string()});
  EXPECT_THAT(mended.output,
              AllOf(HasSubstr("0 added, 0 changed, 2 as they were"), HasSubstr("2 photos brought in, 0")));
  wait_for_items([](const json& each) { return !each[1]["photo"].contains("problem"); });

  const auto without = ctl({"import", table});
  EXPECT_THAT(without.output, AllOf(HasSubstr("2 as they were"), Not(HasSubstr("茶.png"))))
      << "it has been brought in";
}

TEST_F(DeskPapers, PapersOutliveTheDeskAndAStaleFormIsRefused) {
  ASSERT_EQ(ctl({"import", write("t.csv", "编号,商品名称,售价,划线价\nA001,梨,39.90,59\n")}).exit_code, 0);
  wait_for_items([](const json& each) { return each.size() == 1; });
  const auto document =
      write("d.json",
            R"({"version":0,"document":{"kind":"price_proof","holder":"老李","valid_until":"2001-01-31"}})");
  put_photo("tag.jpg", "baseline.jpg");
  const auto set = ctl({"document", "proof", document, "--picture", (photos() / "tag.jpg").string()});
  ASSERT_EQ(set.exit_code, 0) << set.errors;
  EXPECT_TRUE(json::parse(set.output)["document"].contains("picture"));
  const auto listed = ctl({"documents"});
  EXPECT_EQ(listed.exit_code, 5) << "one has expired";
  EXPECT_THAT(listed.output, AllOf(HasSubstr("price_proof"), HasSubstr("2001-01-31  expired")));

  const auto note =
      write("n.json",
            R"({"version":0,"note":{"role":"traffic","reference":{"basis":"门店价","evidence":"proof"}}})");
  ASSERT_EQ(ctl({"note", "A001", note}).exit_code, 0);
  stop();
  start();
  const auto read = json::parse(ctl({"note", "A001"}).output);
  EXPECT_EQ(read["version"], 1);
  EXPECT_EQ(read["note"]["role"], "traffic");
  EXPECT_THAT(
      json::parse(ctl({"note", "A001", "--json"}).output)["versions"][0]["changed_by"].get<std::string>(),
      HasSubstr("uid:"));
  const auto stale = ctl({"note", "A001", write("n2.json", R"({"version":0,"note":{"role":"image"}})")});
  EXPECT_EQ(stale.exit_code, 4);
  EXPECT_THAT(stale.errors, HasSubstr("version 0 was to be changed, and 1 is there"));
  EXPECT_EQ(ctl({"note", "A9", note}).exit_code, 1);
}

TEST_F(DeskPapers, WhatIsNoFileOfItsKindIsRefusedInPlainWords) {
  EXPECT_THAT(ctl({"import", "/nonexistent.csv"}).errors,
              HasSubstr("/nonexistent.csv: can't be read: No such file"));
  EXPECT_THAT(ctl({"import", photos().string()}).errors, HasSubstr("is a folder"));
  EXPECT_THAT(ctl({"import", write("empty.csv", "")}).errors, HasSubstr("is empty"));
  const auto no_table = ctl({"import", write("x.csv", "hello\n")});
  EXPECT_EQ(no_table.exit_code, 4);
  EXPECT_THAT(no_table.errors, HasSubstr("编号"));
  EXPECT_THAT(ctl({"import", write("t.csv", kTable), "--photos", "/nonexistent"}).errors,
              HasSubstr("/nonexistent"));
  const auto wrong = ctl({"payee", "shop", write("p.json", R"({"name":"x"})")});
  EXPECT_EQ(wrong.exit_code, 4);
  EXPECT_THAT(wrong.errors, HasSubstr("found no \"payee\""));
}

}  // namespace
}  // namespace vitrine::desk
