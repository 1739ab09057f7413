// SPDX-License-Identifier: Apache-2.0
#include "overlay/tile_spec.h"

#include <set>

#include <gtest/gtest.h>

#include "tests/overlay/test_tile.h"

namespace vitrine::overlay {
namespace {

using namespace std::chrono_literals;

TileSpec spec(const char* data = R"({"name":"水","price":{"minor":3990,"currency":"CNY"}})") {
  return {"classic", "product_card", {1920, 1080}, LayerForm::kNormal, nlohmann::json::parse(data)};
}

TEST(TileSpec, KeyIsTheSameInEveryRun) {
  // BLAKE2b-128, by another implementation (Python's hashlib), of
  // {"canvas":[1920,1080],"data":{"name":"水","price":{"currency":"CNY","minor":3990}},"form":"normal",
  // "template":"product_card","theme":"classic"} in one line.
  EXPECT_EQ(spec().key(), "40296f8aafa62ef3072276b406cf361a");
}

TEST(TileSpec, KeyDoesNotDependOnTheOrderOfFields) {
  EXPECT_EQ(spec().key(), spec(R"({"price":{"currency":"CNY","minor":3990},"name":"水"})").key());
}

TEST(TileSpec, KeyDependsOnEverythingThatIsDrawn) {
  std::set<std::string> keys{spec().key()};
  TileSpec other = spec();
  other.theme = "night";
  keys.insert(other.key());
  other = spec();
  other.template_name = "countdown";
  keys.insert(other.key());
  other = spec();
  other.canvas = {1080, 1920};
  keys.insert(other.key());
  other = spec();
  other.form = LayerForm::kNeutral;
  keys.insert(other.key());
  other = spec();
  other.data["price"]["minor"] = 3991;
  keys.insert(other.key());
  EXPECT_EQ(keys.size(), 6U);
}

TEST(TileSpec, KeyOfInvalidTextIsStillAKey) {
  TileSpec broken = spec();
  broken.data["name"] = "\xFF\xFE";
  EXPECT_EQ(broken.key().size(), 32U);
}

class TileSetTest : public testing::Test {
 protected:
  std::shared_ptr<const Tile> make() {
    test::TilePlanes planes({2, 2});
    return planes.seal({next_ += 2, 0});
  }
  int next_ = 0;
  const Instant t0 = Instant(1'000'000s);
  TileSetBuilder builder;
};

TEST_F(TileSetTest, PlainTileIsAlwaysThere) {
  const auto tile = make();
  builder.add("card", false, Instant::min(), Instant::max(), tile);
  const auto set = builder.snapshot();
  EXPECT_EQ(set->find("card", Instant{}), tile.get());
  EXPECT_EQ(set->find("card", t0), tile.get());
  EXPECT_EQ(set->find("other", t0), nullptr);
  EXPECT_FALSE(set->is_time_bound("card"));
  EXPECT_FALSE(set->is_time_bound("other"));
}

TEST_F(TileSetTest, TimeBoundTileIsThereFromItsFirstToBeforeItsLastInstant) {
  const auto first = make();
  const auto second = make();
  builder.add("countdown", true, t0 + 1s, t0 + 2s, second);
  builder.add("countdown", true, t0, t0 + 1s, first);
  const auto set = builder.snapshot();
  EXPECT_TRUE(set->is_time_bound("countdown"));
  EXPECT_EQ(set->find("countdown", t0 - 1us), nullptr);
  EXPECT_EQ(set->find("countdown", t0), first.get());
  EXPECT_EQ(set->find("countdown", t0 + 1s - 1us), first.get());
  EXPECT_EQ(set->find("countdown", t0 + 1s), second.get());
  EXPECT_EQ(set->find("countdown", t0 + 2s), nullptr) << "an expired countdown must not stand still";
  EXPECT_EQ(set->covered_until("countdown", t0), t0 + 2s);
}

TEST_F(TileSetTest, CoverageEndsAtTheFirstGap) {
  builder.add("countdown", true, t0, t0 + 1s, make());
  builder.add("countdown", true, t0 + 3s, t0 + 4s, make());
  EXPECT_EQ(builder.set().covered_until("countdown", t0), t0 + 1s);
  EXPECT_EQ(builder.set().covered_until("countdown", t0 + 2s), t0 + 2s);
}

TEST_F(TileSetTest, NewTileTakesTheOldOnesPlace) {
  builder.add("countdown", true, t0, t0 + 1s, make());
  const auto again = make();
  builder.add("countdown", true, t0, t0 + 1s, again);
  EXPECT_EQ(builder.set().find("countdown", t0), again.get());
  EXPECT_EQ(builder.set().tile_count(), 1U);
}

TEST_F(TileSetTest, ExpiredTilesAreForgottenAndTheKeyRemembered) {
  builder.add("countdown", true, t0, t0 + 1s, make());
  builder.add("card", false, Instant::min(), Instant::max(), make());
  builder.forget_expired(t0 + 1s);
  EXPECT_EQ(builder.set().tile_count(), 1U);
  EXPECT_TRUE(builder.set().is_time_bound("countdown"));
}

TEST_F(TileSetTest, SnapshotDoesNotChange) {
  const auto tile = make();
  builder.add("card", false, Instant::min(), Instant::max(), tile);
  const auto set = builder.snapshot();
  builder.keep_only([](const std::string&) { return false; });
  EXPECT_EQ(builder.snapshot()->find("card", t0), nullptr);
  EXPECT_EQ(set->find("card", t0), tile.get());
}

}  // namespace
}  // namespace vitrine::overlay
