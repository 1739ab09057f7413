// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/rfc3339.h"
#include "desk/support_routes.h"
#include "tests/fakes/child_process.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class SupportTest : public testing::Test {
 protected:
  SupportTest() {
    dir_.write("douyin-key", "stream-key-7f3a\n");
    dir_.write("window-camera", "admin:camera-password-91c2\n");
    dir_.write("shop", "boss@shop.example:shop-password-55de\n");
    std::filesystem::create_directory(dir_.path() / "journal");
    const auto parsed =
        parse_config("[studio]\nname = \"店\"\ncredentials_dir = \"" + dir_.path().string() +
                         "\"\n[[camera]]\nid = \"window\"\nsource = \"rtsp://10.0.0.7:554/token-in-path-1\"\n"
                         "credential = \"window-camera\"\n[[program]]\nid = \"main\"\n"
                         "[[destination]]\nid = \"douyin\"\nprogram = \"main\"\n"
                         "url = \"rtmp://push.example/key-in-path-2\"\nkey_credential = \"douyin-key\"\n"
                         "[commerce]\nbackend = \"vendure\"\nurl = \"https://shop.example/key-in-path-3\"\n"
                         "credential = \"shop\"\n",
                     "vitrine.toml");
    if (parsed) config_ = *parsed;
    is_good_ = parsed.has_value();
    if (!parsed) problems_ = to_error(parsed.error()).message;
  }
  Result<ApiAnswer> get(size_t route, const std::string& lines = "") {
    ApiRequest request;
    if (!lines.empty()) request.query["lines"] = lines;
    return routes_.routes().at(route).handle(request);
  }

  fakes::TempDir dir_;
  Config config_;
  bool is_good_ = false;
  std::string problems_;
  SupportRoutes routes_{{.config = config_,
                         .version = "1.2.3",
                         .status = []() -> Result<json> {
                           return json{{"studio", nullptr}};
                         },
                         .sync = []() -> Result<json> { return fail(ErrorCode::kIo, "the store is away"); },
                         .preflight = []() -> Result<json> {
                           return json{{"level", "red"}};
                         },
                         .journal = dir_.path() / "journal"}};
};

TEST_F(SupportTest, WithoutAJournalItSaysWhy) {
  const auto answer = get(0);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, json({{"available", false}, {"why", "this system keeps no journal"}}));
}

TEST_F(SupportTest, AFileThatIsNoJournalIsNoJournalThatMayBeRead) {
  dir_.write("journal/system.journal", "not one");
  const auto answer = get(0, "10");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body["available"], false);
}

TEST_F(SupportTest, TheNewestLinesOfOurUnitsComeInOrder) {
  // One that journald wrote itself; where nobody may make a namespace there is none.
  const auto written =
      fakes::run({"unshare", "--fork", "--pid", "--mount", "--mount-proc", "--kill-child",
                  VITRINE_SOURCE_DIR "/tests/desk/write_journal.py", (dir_.path() / "journal").string()});
  if (written.exit_code != 0) GTEST_SKIP() << "no journal could be written: " << written.errors;
  const auto all = get(0);
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->body["available"], true) << all->body;
  const json& lines = all->body["lines"];
  ASSERT_EQ(lines.size(), 31U) << "those of other units are not ours to show: " << lines;
  EXPECT_EQ(lines[0]["text"], "第 0 行");
  EXPECT_EQ(lines[0]["unit"], "vitrine-desk");
  EXPECT_EQ(lines[0]["priority"], 6);
  EXPECT_TRUE(parse_rfc3339(lines[0]["at"].get<std::string>()));
  EXPECT_EQ(lines[30]["text"], "killed");
  EXPECT_EQ(lines[30]["unit"], "vitrine-studio");
  EXPECT_EQ(lines[30]["priority"], 3);
  const auto few = get(0, "2");
  ASSERT_TRUE(few);
  EXPECT_EQ(few->body["lines"][0]["text"], "第 29 行");
  EXPECT_EQ(few->body["lines"][1]["text"], "killed");
}

TEST_F(SupportTest, LinesAreANumberThatMakesSense) {
  for (const char* wrong : {"0", "-1", "1001", "all", "10x"}) EXPECT_FALSE(get(0, wrong)) << wrong;
  for (const char* good : {"1", "1000"}) EXPECT_TRUE(get(0, good)) << good;
}

TEST_F(SupportTest, OnlyTechniciansGetThere) {
  for (const auto& route : routes_.routes()) {
    EXPECT_TRUE(route.allowed.allow(Role::kTechnician));
    for (const Role role : {Role::kNone, Role::kAssistant, Role::kHost, Role::kOperator, Role::kService})
      EXPECT_FALSE(route.allowed.allow(role)) << route.pattern;
  }
}

TEST_F(SupportTest, ABundleHasNoSecretNorWhatMayBeOne) {
  ASSERT_TRUE(is_good_) << problems_;
  const auto answer = get(1);
  ASSERT_TRUE(answer) << answer.error().message;
  const std::string all = answer->body.dump();
  for (const char* secret :
       {"stream-key-7f3a", "camera-password-91c2", "shop-password-55de", "boss@", "admin:", "in-path"})
    EXPECT_THAT(all, Not(HasSubstr(secret)));
  // What helps is there.
  const json& config = answer->body["config"];
  EXPECT_EQ(config["cameras"][0]["source"], "rtsp://10.0.0.7:554");
  EXPECT_EQ(config["destinations"][0]["url"], "rtmp://push.example");
  EXPECT_EQ(config["destinations"][0]["key_credential"], "douyin-key");
  EXPECT_EQ(config["commerce"]["url"], "https://shop.example");
  EXPECT_EQ(answer->body["version"], "1.2.3");
  EXPECT_EQ(answer->body["preflight"]["level"], "red");
  EXPECT_THAT(answer->headers.at("Content-Disposition"), HasSubstr("attachment; filename=\"vitrine-2"));
}

TEST_F(SupportTest, ABundleIsMadeAlsoWhenSomethingCantBeSeen) {
  const auto answer = get(1);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body["sync"]["error"], "the store is away");
  EXPECT_EQ(answer->body["log"]["available"], false);
}

}  // namespace
}  // namespace vitrine::desk
