// SPDX-License-Identifier: Apache-2.0
#include "desk/help_call.h"

#include <gtest/gtest.h>

namespace vitrine::desk {
namespace {

using nlohmann::json;

class HelpCallTest : public testing::Test {
 protected:
  ApiRequest as(const char* account, const char* name) {
    ApiRequest request;
    request.caller = {account, name, Role::kAssistant, ""};
    request.body = json::object();
    return request;
  }
  Result<ApiAnswer> call(const ApiRequest& request) { return help_.routes().at(0).handle(request); }
  Result<ApiAnswer> answer(const ApiRequest& request) { return help_.routes().at(1).handle(request); }

  std::vector<json> events_;
  HelpCall help_{[this](json event) { events_.push_back(std::move(event)); }};
};

TEST_F(HelpCallTest, StandsUntilAColleagueAnswersAndAllHearWho) {
  EXPECT_TRUE(help_.status().is_null());
  ASSERT_TRUE(call(as("mei", "小美")));
  const json first = help_.status();
  EXPECT_EQ(first["by"], "小美");
  ASSERT_TRUE(call(as("li", "小李")));
  EXPECT_EQ(help_.status(), first) << "who calls second changes nothing";
  EXPECT_EQ(events_.back()["help"], first);
  ASSERT_TRUE(answer(as("qiang", "阿强")));
  EXPECT_TRUE(help_.status().is_null());
  EXPECT_EQ(events_.back(), json({{"type", "help"}, {"help", nullptr}, {"answered_by", "阿强"}}));
}

TEST_F(HelpCallTest, WhoTakesItBackIsNoColleagueThatComes) {
  ASSERT_TRUE(call(as("mei", "小美")));
  ASSERT_TRUE(answer(as("mei", "小美")));
  EXPECT_FALSE(events_.back().contains("answered_by"));
  ApiRequest strange = as("mei", "小美");
  strange.body["from"] = "x";
  EXPECT_FALSE(call(strange));
}

}  // namespace
}  // namespace vitrine::desk
