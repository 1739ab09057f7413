// SPDX-License-Identifier: Apache-2.0
// The pages as a browser gets them, and names that are none of them.
#include "desk/api/pages.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "desk/api/openapi.h"
#include "tests/desk/api_bench.h"

namespace vitrine::desk {
namespace {

using testing::HasSubstr;
using testing::Not;

class PageRoutes : public ApiBench {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(place() / "assets");
    write("kiosk.html", "<!doctype html>开播");
    write("assets/kiosk-Ab_1.js", "1;");
    write("assets/kiosk-Ab_1.css", "a{}");
    write("assets/icon-2.svg", "<svg/>");
  }
  [[nodiscard]] std::filesystem::path place() const { return dir_.path() / "pages"; }
  void write(const std::string& name, const std::string& text) const { dir_.write("pages/" + name, text); }
  /// As a browser that somebody types an address into.
  [[nodiscard]] HttpReply get(const std::string& target, HeaderList more = {}) const {
    more.emplace_back("Host", host());
    more.emplace_back("Sec-Fetch-Site", "none");
    return call(port_, "GET", target, more);
  }
  void open() {
    auto routes = page_routes(place());
    ASSERT_TRUE(routes) << routes.error().message;
    more_routes_ = std::move(*routes);
    start({});
  }
};

TEST_F(PageRoutes, ABrowserGetsThemWithTypeAndAge) {
  ASSERT_NO_FATAL_FAILURE(open());
  EXPECT_EQ(get("/").status, 302);
  EXPECT_EQ(get("/").header("location"), "/kiosk");
  const auto page = get("/kiosk");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.body, "<!doctype html>开播");
  EXPECT_EQ(page.header("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.header("cache-control"), "no-cache");
  EXPECT_THAT(page.header("content-security-policy"), HasSubstr("default-src 'none'"));
  const auto script = get("/assets/kiosk-Ab_1.js");
  EXPECT_EQ(script.status, 200);
  EXPECT_EQ(script.header("content-type"), "text/javascript; charset=utf-8");
  EXPECT_THAT(script.header("cache-control"), HasSubstr("immutable"));
  EXPECT_EQ(get("/assets/icon-2.svg").header("content-type"), "image/svg+xml");
}

TEST_F(PageRoutes, WhatTheBrowserHasIsNotSentAgain) {
  ASSERT_NO_FATAL_FAILURE(open());
  const std::string etag = get("/kiosk").header("etag");
  const auto same = get("/kiosk", {{"If-None-Match", etag}});
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(get("/kiosk", {{"If-None-Match", "\"x\""}}).status, 200);
  write("kiosk.html", "another one");
  EXPECT_EQ(get("/kiosk").header("etag"), etag) << "what was found at start is served";
  ASSERT_NO_FATAL_FAILURE(open());
  EXPECT_NE(get("/kiosk").header("etag"), etag);
}

TEST_F(PageRoutes, NoOtherNameOpensAFile) {
  write("../secret", "secret");
  ASSERT_NO_FATAL_FAILURE(open());
  for (const char* target :
       {"/secret", "/../secret", "/%2e%2e/secret", "/assets/../../secret", "/assets/..%2f..%2fsecret",
        "/assets", "/assets/", "/kiosk/", "/kiosk.html", "//kiosk", "/assets/kiosk-ab_1.js"}) {
    const auto reply = get(target);
    EXPECT_EQ(reply.status, 404) << target;
    EXPECT_THAT(reply.body, Not(HasSubstr("开播"))) << target;
  }
  EXPECT_EQ(get("/kiosk?x=1").status, 400);
  EXPECT_EQ(as_page("POST", "/kiosk", nlohmann::json::object()).status, 405);
  EXPECT_EQ(call(port_, "GET", "/kiosk", {{"Host", "example.com"}}).status, 421);
  EXPECT_FALSE(openapi_document(server_->routes())["paths"].contains("/kiosk"));
}

TEST_F(PageRoutes, WithoutThemOrWithWhatIsNoPageItIsSaid) {
  EXPECT_EQ(page_routes(place() / "none").error().code, ErrorCode::kNotFound);
  std::filesystem::remove(place() / "kiosk.html");
  EXPECT_EQ(page_routes(place()).error().code, ErrorCode::kNotFound);
  write("notes.txt", "x");
  EXPECT_EQ(page_routes(place()).error().code, ErrorCode::kUnsupportedFormat);
}

}  // namespace
}  // namespace vitrine::desk
