// SPDX-License-Identifier: Apache-2.0
#include "commerce/csv_import.h"

#include <filesystem>
#include <iconv.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_items.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::commerce {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

const TableRules kTableRules{{kYuan, 10'000'000}, {}};
const std::string kTitles = "编号,商品名称,规格,类目,售价,划线价,划线价依据,库存,图片,链接,状态\n";

/// What the program that saved the file wrote for this text.
std::string encoded(std::string text, const char* encoding) {
  const iconv_t converter = ::iconv_open(encoding, "UTF-8");
  std::string bytes(text.size() * 4, '\0');
  char* in = text.data();
  char* out = bytes.data();
  size_t in_left = text.size();
  size_t out_left = bytes.size();
  EXPECT_NE(::iconv(converter, &in, &in_left, &out, &out_left), static_cast<size_t>(-1)) << encoding;
  ::iconv_close(converter);
  bytes.resize(bytes.size() - out_left);
  return bytes;
}

ItemTable table_of(const std::string& bytes, const TableRules& rules = kTableRules) {
  auto table = read_item_table(bytes, rules);
  EXPECT_TRUE(table) << table.error().message;
  return table ? std::move(*table) : ItemTable{};
}

/// The one good row under the usual titles.
TableItem item_of(const std::string& row, const TableRules& rules = kTableRules) {
  const ItemTable table = table_of(kTitles + row + "\n", rules);
  for (const auto& refused : table.refused) ADD_FAILURE() << to_error(refused.problems).message;
  EXPECT_THAT(table.items, SizeIs(1));
  return table.items.empty() ? TableItem{} : table.items.front();
}

/// What is said about the one bad row under the usual titles.
Problems problems_of(const std::string& row, const TableRules& rules = kTableRules) {
  const ItemTable table = table_of(kTitles + row + "\n", rules);
  EXPECT_THAT(table.items, IsEmpty()) << row;
  EXPECT_THAT(table.refused, SizeIs(1)) << row;
  return table.refused.empty() ? Problems{} : table.refused.front().problems;
}

Error refusal_of_table(const std::string& bytes) {
  const auto table = read_item_table(bytes, kTableRules);
  EXPECT_FALSE(table) << bytes.substr(0, 80);
  return table ? Error{} : table.error();
}

TEST(ReadItemTable, TakesEveryColumn) {
  const TableItem read = item_of(
      "LS-0001,延边苹果梨,5kg,生鲜水果,39.90,59.90,门店价,120,https://shop.example/pear.png,https://"
      "shop.example/1,上架");
  EXPECT_EQ(read.row, 2);
  EXPECT_EQ(read.reference_basis, "门店价");
  EXPECT_THAT(read.remarks, IsEmpty());
  const CatalogueItem expected{.ref = {"LS-0001", ""},
                               .sku = "LS-0001",
                               .title = "延边苹果梨",
                               .option = "5kg",
                               .category = "生鲜水果",
                               .image_url = "https://shop.example/pear.png",
                               .shop_url = "https://shop.example/1",
                               .availability = Availability::kListed,
                               .price = {3990, kYuan},
                               .base_price = std::nullopt,
                               .reference_price = Money{5990, kYuan},
                               .stock = 120,
                               .is_presale = false,
                               .version = ""};
  EXPECT_EQ(read.item, expected);
}

TEST(ReadItemTable, NeedsThreeColumnsAndFillsInNothingElse) {
  const ItemTable table = table_of("货号,品名,单价\nA1,梨,10\n");
  ASSERT_THAT(table.items, SizeIs(1));
  EXPECT_EQ(table.items[0].item.availability, Availability::kListed);
  EXPECT_EQ(table.items[0].item.stock, std::nullopt);
  EXPECT_THAT(table.columns,
              ElementsAre(Pair(TableColumn::kNumber, "货号"), Pair(TableColumn::kTitle, "品名"),
                          Pair(TableColumn::kPrice, "单价")));
}

struct PriceCase {
  const char* name;
  const char* cell;
  int64_t minor;  // 0: refused
};
class PriceCell : public testing::TestWithParam<PriceCase> {};

TEST_P(PriceCell, IsExactlyWhatStandsThereOrRefused) {
  const auto& [name, cell, minor] = GetParam();
  const ItemTable table = table_of(std::string("编号,标题,售价\nA1,梨,\"") + cell + "\"\n");
  if (minor > 0) {
    ASSERT_THAT(table.items, SizeIs(1));
    EXPECT_EQ(table.items[0].item.price, (Money{minor, kYuan}));
  } else {
    ASSERT_THAT(table.refused, SizeIs(1));
    EXPECT_THAT(table.refused[0].problems, ElementsAre(Field(&Problem::where, "row 2, 售价")));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Of, PriceCell,
    testing::Values(PriceCase{"Plain", "39.90", 3990}, PriceCase{"OneDecimal", "39.9", 3990},
                    PriceCase{"Whole", "40", 4000}, PriceCase{"ZerosBehind", "39.9000", 3990},
                    PriceCase{"Yen", "¥39.90", 3990}, PriceCase{"FullWidthYen", "￥39.90", 3990},
                    PriceCase{"YenAndSpace", "¥ 39.90 ", 3990}, PriceCase{"Yuan", "39.9元", 3990},
                    PriceCase{"Code", "CNY 39.9", 3990}, PriceCase{"Rmb", "RMB39.9", 3990},
                    PriceCase{"Grouped", "1,299.00", 129900}, PriceCase{"GroupedTwice", "¥12,345", 1234500},
                    PriceCase{"FullWidthDigits", "３９．９０", 3990},
                    PriceCase{"FullWidthComma", "1，299", 129900}, PriceCase{"OneFen", "0.01", 1},
                    PriceCase{"ThirdDecimal", "39.999", 0}, PriceCase{"Empty", "", 0},
                    PriceCase{"Words", "面议", 0}, PriceCase{"Range", "39.9-49.9", 0},
                    PriceCase{"Negative", "-39.9", 0}, PriceCase{"Zero", "0", 0},
                    PriceCase{"DecimalComma", "39,90", 0}, PriceCase{"OddGroups", "12,34,567", 0},
                    PriceCase{"CommasOnly", "1,,,,,234", 0}, PriceCase{"GroupOfFour", "1,2999", 0},
                    PriceCase{"Exponent", "1.2E+3", 0}, PriceCase{"Foreign", "$39.90", 0},
                    PriceCase{"TwoSigns", "¥¥39.90", 0}, PriceCase{"NoDigits", "元", 0},
                    PriceCase{"PointBehind", "39.", 0}, PriceCase{"Slipped", "399000", 0},
                    PriceCase{"Huge", "99999999999999999999", 0}, PriceCase{"SpreadsheetFault", "#N/A", 0}),
    [](const auto& one) { return std::string(one.param.name); });

struct RowCase {
  const char* name;
  const char* row;
  const char* where;
  const char* found;  // a part of it
};
class RefusedRowOfTable : public testing::TestWithParam<RowCase> {};

TEST_P(RefusedRowOfTable, NamesRowColumnAndWhatStandsThere) {
  const auto& [name, row, where, found] = GetParam();
  EXPECT_THAT(problems_of(row),
              ElementsAre(AllOf(Field(&Problem::where, where), Field(&Problem::found, HasSubstr(found)),
                                Field(&Problem::allowed, testing::Not(IsEmpty())))));
}

INSTANTIATE_TEST_SUITE_P(
    Of, RefusedRowOfTable,
    testing::Values(RowCase{"NoNumber", ",梨,,,10", "row 2, 编号", "nothing"},
                    RowCase{"NoTitle", "A1,,,,10", "row 2, 商品名称", "nothing"},
                    RowCase{"ShortenedNumber", "6.90123E+12,梨,,,10", "row 2, 编号", "6.90123E+12"},
                    RowCase{"NumberOfTwoLines", "\"A1\nA2\",梨,,,10", "row 2, 编号", "A1 A2"},
                    RowCase{"TitleThatTurnsRound", "A1,梨\u202e01,,,10", "row 2, 商品名称", "U+202E"},
                    RowCase{"BellInTitle", "A1,梨\a,,,10", "row 2, 商品名称", "U+0007"},
                    RowCase{"ReferenceBelowPrice", "A1,梨,,,10,9.90,门店价", "row 2, 划线价", "9.90"},
                    RowCase{"ReferenceEqualsPrice", "A1,梨,,,10,10,门店价", "row 2, 划线价", "10"},
                    RowCase{"ReferenceIsNone", "A1,梨,,,10,无,", "row 2, 划线价", "无"},
                    RowCase{"StockInWords", "A1,梨,,,10,,,很多", "row 2, 库存", "很多"},
                    RowCase{"HalfAPiece", "A1,梨,,,10,,,1.5", "row 2, 库存", "1.5"},
                    RowCase{"NegativeStock", "A1,梨,,,10,,,-3", "row 2, 库存", "-3"},
                    RowCase{"AFileThatIsNoPhoto", "A1,梨,,,10,,,,pear.pdf", "row 2, 图片", "pear.pdf"},
                    RowCase{"PhotoOutsideOfTheFolder", "A1,梨,,,10,,,,../../etc/passwd", "row 2, 图片",
                            "../../etc/passwd"},
                    RowCase{"ScriptForALink", "A1,梨,,,10,,,,,javascript:alert(1)", "row 2, 链接",
                            "javascript"},
                    RowCase{"PasswordInALink", "A1,梨,,,10,,,,,https://me:secret@shop.example/",
                            "row 2, 链接", "shop.example"},
                    RowCase{"UnknownStatus", "A1,梨,,,10,,,,,,也许", "row 2, 状态", "也许"},
                    RowCase{"CommaInAPrice", "A1,梨,,,1,299,,,,,,", "row 2", "12 cells"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(ReadItemTable, SaysAllThatIsWrongWithARow) {
  EXPECT_THAT(problems_of("A1,,,,free,,,many"),
              ElementsAre(Field(&Problem::where, "row 2, 售价"), Field(&Problem::where, "row 2, 库存"),
                          Field(&Problem::where, "row 2, 商品名称")));
}

TEST(ReadItemTable, ShowsWhatItFoundShortAndWithoutDangerousCharacters) {
  std::string words;
  for (int i = 0; i < 100; ++i) words += "很贵";
  const auto problems = problems_of("A1,梨,,," + words + ",,,\u202e9");
  ASSERT_THAT(problems, SizeIs(2));
  EXPECT_LE(problems[0].found.size(), 70U);
  EXPECT_THAT(problems[0].found, HasSubstr("很贵…"));
  EXPECT_THAT(problems[1].found, HasSubstr("U+202E"));
}

struct EncodingCase {
  const char* name;
  const char* encoding;
  const char* mark;
};
class TableEncoding : public testing::TestWithParam<EncodingCase> {};

TEST_P(TableEncoding, OfARealFileGivesTheSameItems) {
  const auto& [name, encoding, mark] = GetParam();
  const std::string text = "编号,标题,售价\r\nA1,延边苹果梨 🍐 㐀,39.90\r\nA2,\"酒\r\n53度\",1299\r\n";
  const fakes::TempDir dir;
  const auto file = dir.write("items.csv", mark + encoded(text, encoding));
  const ItemTable table = table_of(fakes::read_file(file));
  EXPECT_EQ(table.encoding, encoding);
  ASSERT_THAT(table.items, SizeIs(2));
  EXPECT_EQ(table.items[0].item.title, "延边苹果梨 🍐 㐀");
  EXPECT_EQ(table.items[1].item.title, "酒 53度");
  EXPECT_EQ(table.items[1].row, 3);
}

INSTANTIATE_TEST_SUITE_P(Of, TableEncoding,
                         testing::Values(EncodingCase{"Utf8", "UTF-8", ""},
                                         EncodingCase{"Utf8WithMark", "UTF-8", "\xEF\xBB\xBF"},
                                         EncodingCase{"Gb18030", "GB18030", ""},
                                         EncodingCase{"Utf16WithMark", "UTF-16LE", "\xFF\xFE"},
                                         EncodingCase{"Utf16BigEndian", "UTF-16BE", "\xFE\xFF"}),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(ReadItemTable, RefusesWhatIsNoTableAsText) {
  for (const std::string& bytes :
       {std::string("PK\x03\x04rest of a workbook"), std::string("\xD0\xCF\x11\xE0old workbook"),
        std::string("编号,标题,售价\nA1,\0,1\n", 28),
        encoded("编号,标题,售价\n", "GB18030") + "A1,\xff\xff,1\n", std::string("\xEF\xBB\xBF\xC1\xAA"),
        std::string("\xFF\xFE\x00\xD8\x41", 5)}) {
    const Error refusal = refusal_of_table(bytes);
    EXPECT_EQ(refusal.code, ErrorCode::kUnsupportedFormat) << refusal.message;
    EXPECT_THAT(refusal.message, HasSubstr("CSV UTF-8"));
  }
}

TEST(ReadItemTable, FindsTheSeparator) {
  for (const char separator : {',', ';', '\t'}) {
    const std::string text = std::string("编号") + separator + "标题" + separator + "售价" + separator +
                             "库存\nA1" + separator + "\"梨, 5kg; 大\"" + separator + "39.9" + separator +
                             "3\n";
    const ItemTable table = table_of(text);
    EXPECT_EQ(table.separator, separator);
    ASSERT_THAT(table.items, SizeIs(1)) << separator;
    EXPECT_EQ(table.items[0].item.title, "梨, 5kg; 大");
    EXPECT_EQ(table.items[0].item.stock, 3);
  }
}

TEST(ReadItemTable, KnowsTitlesHoweverTheyAreWritten) {
  for (const char* titles :
       {"编号,商品名称,售价,库存", "*货号（必填）,标题*,价格(元),库存数量", "SKU,商品 名称:,售价/元,数量",
        "Item Number,Product_Name,Unit Price,Stock", "\"商品\n编码\",品名,销售价,可售库存"}) {
    const ItemTable table = table_of(std::string(titles) + "\nA1,梨,10,3\n");
    ASSERT_THAT(table.items, SizeIs(1)) << titles;
    EXPECT_EQ(table.items[0].item.ref, (Ref{"A1", ""}));
    EXPECT_EQ(table.items[0].item.stock, 3) << titles;
    EXPECT_THAT(table.ignored, IsEmpty());
  }
}

TEST(ReadItemTable, FindsTitlesBelowAHeadingAndNamesWhatItIgnores) {
  const ItemTable table = table_of("老李生鲜 商品清单,,,\n,,,\n编号,标题,售价,产地,\nA1,梨,10,延边,\n");
  EXPECT_EQ(table.title_row, 3);
  EXPECT_THAT(table.ignored, ElementsAre("产地", "column 5, without a title"));
  ASSERT_THAT(table.items, SizeIs(1));
  EXPECT_EQ(table.items[0].row, 4);
}

TEST(ReadItemTable, RefusesTitlesThatLackAColumnAndSaysWhatWasFoundAndIsNeeded) {
  const Error refusal = refusal_of_table("编号,名称,产地\nA1,梨,延边\n");
  EXPECT_EQ(refusal.code, ErrorCode::kInvalidInput);
  EXPECT_THAT(refusal.message, AllOf(HasSubstr("row 1"), HasSubstr("编号 | 名称 | 产地"),
                                     HasSubstr("售价 (or 价格"), testing::Not(HasSubstr("商品名称"))));
}

TEST(ReadItemTable, RefusesTwoColumnsThatSayTheSame) {
  EXPECT_THAT(refusal_of_table("编号,货号,标题,售价\n1,A1,梨,10\n").message,
              AllOf(HasSubstr("column 2"), HasSubstr("货号")));
}

TEST(ReadItemTable, RefusesATableInWhichNothingStands) {
  for (const char* text : {"", "\n\n", ",,,\n", "\xEF\xBB\xBF"})
    EXPECT_EQ(refusal_of_table(text).code, ErrorCode::kInvalidInput);
}

TEST(ReadItemTable, CountsRowsAsTheSpreadsheetProgramDoes) {
  const ItemTable table = table_of("编号,标题,售价\r\n\r\nA1,\"两\r\n行\",10\r\n,,\r\nA2,酒,x\r\nA3,茶,30");
  ASSERT_THAT(table.items, SizeIs(2));
  EXPECT_EQ(table.items[0].row, 3);
  EXPECT_EQ(table.items[0].item.title, "两 行");
  EXPECT_EQ(table.items[1].row, 6);
  ASSERT_THAT(table.refused, SizeIs(1));
  EXPECT_EQ(table.refused[0].row, 5);
}

TEST(ReadItemTable, RefusesAllOfItWhereQuotesCantBeFollowed) {
  for (const char* row : {"A2,\"梨\" 大,10", "A2,24\" 电视,10", "A2,\"梨,10", "A2,\"梨\"\"大,10\nA3,酒,20"}) {
    const Error refusal = refusal_of_table(std::string("编号,标题,售价\nA1,酒,10\n") + row + "\n");
    EXPECT_EQ(refusal.code, ErrorCode::kInvalidInput) << row;
    EXPECT_THAT(refusal.message, AllOf(HasSubstr("row 3"), HasSubstr("quotation mark"))) << row;
  }
}

TEST(ReadItemTable, TakesQuotedQuotesAndCellsThatAreTooFew) {
  const ItemTable table = table_of("编号,标题,售价,库存,类目\nA1,\"24\"\" 电视\",10\n");
  ASSERT_THAT(table.items, SizeIs(1));
  EXPECT_EQ(table.items[0].item.title, "24\" 电视");
}

TEST(ReadItemTable, KeepsNumbersWhole) {
  const ItemTable table = table_of("编号,标题,售价\n\"=\"\"0012\"\"\",梨,10\n\"\t6901234567892\",酒,20\n");
  ASSERT_THAT(table.items, SizeIs(2));
  EXPECT_EQ(table.items[0].item.ref.product, "0012");
  EXPECT_EQ(table.items[1].item.ref.product, "6901234567892");
}

TEST(ReadItemTable, TakesASkuBesideANumberForAVariant) {
  const ItemTable table =
      table_of("货号,SKU,标题,规格,售价\nT1,T1-R,衫,红,59\nT1,T1-B,衫,蓝,59\nT2,,帽,,39\n");
  EXPECT_THAT(table.refused, IsEmpty());
  ASSERT_THAT(table.items, SizeIs(3));
  EXPECT_EQ(table.items[1].item.ref, (Ref{"T1", "T1-B"}));
  EXPECT_EQ(table.items[1].item.sku, "T1-B");
  EXPECT_EQ(table.items[2].item.ref, (Ref{"T2", ""}));
  EXPECT_EQ(table.items[2].item.sku, "T2");
}

TEST(ReadItemTable, RefusesAllRowsOfOneNumber) {
  const ItemTable table = table_of("编号,标题,售价\nA1,梨,10\nA2,酒,20\nA1,梨,11\nA1,梨,x\n");
  ASSERT_THAT(table.items, SizeIs(1));
  EXPECT_EQ(table.items[0].item.ref.product, "A2");
  ASSERT_THAT(table.refused, SizeIs(3));
  EXPECT_EQ(table.refused[0].row, 2);
  EXPECT_THAT(table.refused[0].problems, ElementsAre(Field(&Problem::found, "A1, as in row 4")));
  EXPECT_THAT(table.refused[1].problems, ElementsAre(Field(&Problem::found, "A1, as in row 2")));
  EXPECT_THAT(table.refused[2].problems, SizeIs(2));
}

TEST(ReadItemTable, TakesPhotosByNameByNumberAndByAddress) {
  const std::vector<std::string> files = {"A1.JPG", "梨.png",     "T1-R.webp", "T1.jpeg",
                                          "A9.txt", "A8.jpg.exe", "x/A7.jpg"};
  const PhotoNames photos = photo_names(files);
  EXPECT_THAT(photos, SizeIs(4));
  const ItemTable table = table_of(
      "编号,SKU,标题,售价,图片\na1,,梨,10,\nA2,,梨,10,梨.PNG\nT1,T1-R,衫,10,\nT1,T1-B,衫,10,\nA3,,茶,10,"
      "https://shop.example/t.jpg\n"
      "A4,,茶,10,\nA7,,茶,10,A7.jpg\n",
      {kTableRules.rows, photos});
  std::vector<std::string> addresses;
  for (const auto& read : table.items) addresses.push_back(read.item.image_url);
  EXPECT_THAT(addresses, ElementsAre("photo:A1.JPG", "photo:梨.png", "photo:T1-R.webp", "photo:T1.jpeg",
                                     "https://shop.example/t.jpg", "", "photo:A7.jpg"));
  EXPECT_THAT(table.items.back().remarks, SizeIs(1)) << "a photo that is missing refuses no row";
  EXPECT_THAT(table.refused, IsEmpty());
}

TEST(ReadItemTable, RemarksAReferencePriceWithoutABasis) {
  const TableItem read = item_of("A1,梨,,,10,20,");
  EXPECT_EQ(read.item.reference_price, (Money{2000, kYuan}));
  EXPECT_THAT(read.remarks, ElementsAre(Field(&Problem::where, "row 2, 划线价依据")));
}

TEST(ReadItemTable, TakesStatusAndStockInTheWordsOfShops) {
  EXPECT_EQ(item_of("A1,梨,,,10,,,,,,下架").item.availability, Availability::kDelisted);
  EXPECT_EQ(item_of("A1,梨,,,10,,,,,,OFF").item.availability, Availability::kDelisted);
  EXPECT_EQ(item_of("A1,梨,,,10,,,,,,删除").item.availability, Availability::kDeleted);
  EXPECT_TRUE(item_of("A1,梨,,,10,,,,,,预售").item.is_presale);
  EXPECT_EQ(item_of("A1,梨,,,10,,,不限").item.stock, std::nullopt);
  EXPECT_EQ(item_of("A1,梨,,,10,,,\"1,200\"").item.stock, 1200);
  EXPECT_EQ(item_of("A1,梨,,,10,,,12.00").item.stock, 12);
  EXPECT_EQ(item_of("A1,梨,,,10,,,0").item.stock, 0);
}

TEST(ReadItemTable, HasLimits) {
  const auto rows = [](int64_t count) {
    std::string text = "编号,标题,售价\n";
    for (int64_t i = 0; i < count; ++i) text += std::to_string(i) + ",梨,10\n";
    return text;
  };
  EXPECT_THAT(table_of(rows(kMostTableRows)).items, SizeIs(kMostTableRows));
  EXPECT_THAT(refusal_of_table(rows(kMostTableRows + 1)).message, HasSubstr("more than 50000 rows"));
  EXPECT_THAT(refusal_of_table(std::string(kMostTableBytes + 1, 'x')).message, HasSubstr("16 MiB"));
  const auto columns = [](size_t count) {
    return "编号,标题,售价" + std::string(count - 3, ',') + "\nA1,梨,10\n";
  };
  EXPECT_THAT(table_of(columns(kMostTableColumns)).items, SizeIs(1));
  EXPECT_THAT(refusal_of_table(columns(kMostTableColumns + 1)).message, HasSubstr("at most 64 columns"));
}

}  // namespace
}  // namespace vitrine::commerce
