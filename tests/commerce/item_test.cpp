// SPDX-License-Identifier: Apache-2.0
#include "commerce/item.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commerce/backend_json.h"
#include "core/money.h"
#include "test_items.h"

namespace vitrine::commerce {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

const RowRules kRules{kYuan, 10'000'000};

struct BadRow {
  const char* name;
  const char* where;
  void (*spoil)(CatalogueItem&);
};

class RowCheck : public testing::TestWithParam<BadRow> {};

TEST(RowCheck, AGoodRowHasNoProblem) {
  EXPECT_THAT(check_row(pears(), kRules), IsEmpty());
}

TEST_P(RowCheck, NamesTheOneFieldThatIsWrong) {
  CatalogueItem item = pears();
  GetParam().spoil(item);
  EXPECT_THAT(check_row(item, kRules), ElementsAre(Field(&Problem::where, GetParam().where)));
}

INSTANTIATE_TEST_SUITE_P(
    Of, RowCheck,
    testing::Values(
        BadRow{"NegativePrice", "price", [](CatalogueItem& item) { item.price.minor = -1; }},
        BadRow{"NoPrice", "price", [](CatalogueItem& item) { item.price.minor = 0; }},
        BadRow{"SlippedPoint", "price", [](CatalogueItem& item) { item.price.minor = 10'000'001; }},
        BadRow{"ForeignPrice", "price",
               [](CatalogueItem& item) {
                 item.price.currency = {'U', 'S', 'D'};
               }},
        BadRow{"ForeignReference", "reference price",
               [](CatalogueItem& item) {
                 item.reference_price = Money{100, {'U', 'S', 'D'}};
               }},
        BadRow{"NoId", "product id", [](CatalogueItem& item) { item.ref.product.clear(); }},
        BadRow{"LongId", "variant id", [](CatalogueItem& item) { item.ref.variant.assign(129, '7'); }},
        BadRow{"NoTitle", "title", [](CatalogueItem& item) { item.title.clear(); }},
        BadRow{"HugeTitle", "title", [](CatalogueItem& item) { item.title.assign(601, 'a'); }},
        BadRow{"TitleThatTurnsRound", "title",
               [](CatalogueItem& item) { item.title = "苹果梨 \u202e99.9¥"; }},
        BadRow{"OptionWithABell", "option", [](CatalogueItem& item) { item.option = "5\a kg"; }},
        BadRow{"NegativeStock", "stock", [](CatalogueItem& item) { item.stock = -2; }},
        BadRow{"NoAvailability", "availability",
               [](CatalogueItem& item) { item.availability = Availability::kUnknown; }}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ParseAmount, TakesWhatBackendsWrite) {
  EXPECT_EQ(parse_amount("298.9", kYuan), (Money{29890, kYuan}));
  EXPECT_EQ(parse_amount("298.9000", kYuan), (Money{29890, kYuan}));
  EXPECT_EQ(parse_amount("1299", kYuan), (Money{129900, kYuan}));
  EXPECT_EQ(parse_amount("-0.01", kYuan), (Money{-1, kYuan}));
  EXPECT_EQ(parse_amount("500", {'J', 'P', 'Y'}), (Money{500, {'J', 'P', 'Y'}}));
}

TEST(ParseAmount, NeverRoundsAndNeverGuesses) {
  for (const char* text : {"", "-", ".", "1.", ".5", "0.30000000000000004", "298.901", "1e3", "1,299", " 1",
                           "--1", "1.-5", "¥9", "99999999999999999999", "NaN", "0x10"})
    EXPECT_EQ(parse_amount(text, kYuan), std::nullopt) << text;
}

TEST(BackendJson, KeepsDecimalsAsTheTextThatStoodThere) {
  const auto value =
      parse_backend_json(R"({"amount": 298.90, "fen": 29890, "tiny": 1e-7, "list": [0.1, {"a": 2.50}]})");
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(value->dump(), R"({"amount":"298.90","fen":29890,"list":["0.1",{"a":"2.50"}],"tiny":"1e-7"})");
}

TEST(BackendJson, RefusesWhatIsNotWholeAndWhatIsTooDeep) {
  for (const std::string& text :
       {std::string("{\"items\": [1, 2"), std::string("<html><body>502</body></html>"), std::string(),
        std::string(1'000'000, '['), std::string("{\"a\": \"\xff\"}")}) {
    const auto value = parse_backend_json(text);
    ASSERT_FALSE(value) << text.substr(0, 40);
    EXPECT_EQ(value.error().code, ErrorCode::kProtocol);
  }
}

}  // namespace
}  // namespace vitrine::commerce
