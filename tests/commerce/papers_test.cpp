// SPDX-License-Identifier: Apache-2.0
// What the shop's staff write down: documents, payees, notes.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commerce/catalogue.h"
#include "commerce/documents.h"
#include "commerce/item_notes.h"
#include "test_items.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::commerce {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const Author kLi{"uid 1000", Instant{std::chrono::hours(24)}};
const Author kWang{"uid 1001", Instant{std::chrono::hours(48)}};

class PapersTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Store::open({dir_.path(), 3});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    auto blobs = BlobStore::open(dir_.path() / "blobs", *store_);
    ASSERT_TRUE(blobs) << blobs.error().message;
    blobs_ = std::move(*blobs);
    Catalogue catalogue(*store_, "local", {kYuan});
    ASSERT_TRUE(catalogue.apply(ReadItems{{pears()}, {}, {}}, system_now()));
  }
  Documents documents() { return {*store_, *blobs_}; }
  NoteBook notes() { return {*store_, "local"}; }

  int64_t put_document(const std::string& id, const json& body, int64_t expected = 0) {
    const auto version = documents().put_document(id, body, expected, kLi);
    EXPECT_TRUE(version) << version.error().message;
    return version.value_or(-1);
  }
  std::string refusal_of_document(const json& body) {
    const auto version = documents().put_document("d1", body, 0, kLi);
    return version ? "taken" : version.error().message;
  }
  std::string refusal_of_payee(const json& body) {
    const auto version = documents().put_payee("p1", body, 0, kLi);
    return version ? "taken" : version.error().message;
  }
  std::string refusal_of_note(const json& body) {
    const auto version = notes().put(pears().ref, body, 0, kLi);
    return version ? "taken" : version.error().message;
  }
  static json proof() {
    return {{"kind", "price_proof"},
            {"holder", "老李生鲜"},
            {"valid_from", "2026-11-01"},
            {"valid_until", "2026-11-30"}};
  }
  static json payee() {
    return {{"name", "老李生鲜有限公司"},
            {"account", "bank"},
            {"masked_number", "6222 **** **** 1234"},
            {"licence_holder", "老李生鲜有限公司"}};
  }

  fakes::TempDir dir_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<BlobStore> blobs_;
};

TEST_F(PapersTest, ADocumentIsReadBackAsItWasWritten) {
  const auto hash = blobs_->put(blobs_->begin_adding(), "a scan");
  const json body = {{"kind", "food_licence"},       {"holder", "老李生鲜有限公司"},
                     {"number", "JY12345678901234"}, {"valid_from", "2024-02-29"},
                     {"valid_until", "2029-02-28"},  {"picture", *hash}};
  EXPECT_EQ(put_document("licence", body), 1);
  const auto found = documents().documents();
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_THAT(*found, SizeIs(1));
  EXPECT_EQ(found->front().id, "licence");
  EXPECT_EQ(to_json(found->front().paper.value), body);
  EXPECT_EQ(found->front().paper.by.name, "uid 1000");
  EXPECT_EQ(found->front().paper.by.at, kLi.at);
}

TEST_F(PapersTest, AChangeNeedsTheVersionItIsBuiltOnAndTheOldOneStays) {
  EXPECT_EQ(put_document("d1", proof()), 1);
  json changed = proof();
  changed["valid_until"] = "2026-12-31";
  const auto stale = documents().put_document("d1", changed, 0, kWang);
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, ErrorCode::kStaleRevision);
  EXPECT_THAT(stale.error().message, HasSubstr("uid 1000"));
  EXPECT_EQ(documents().put_document("d1", changed, 1, kWang).value(), 2);
  EXPECT_EQ(documents().put_document("d1", changed, 1, kWang).value(), 2)
      << "the answer was lost, the form sent again";
  EXPECT_EQ(documents().put_document("other", changed, 7, kWang).error().code, ErrorCode::kStaleRevision);
  const auto history = documents().document_history("d1");
  ASSERT_TRUE(history) << history.error().message;
  ASSERT_THAT(*history, SizeIs(2));
  EXPECT_EQ(to_json(history->at(0).paper.value), changed);
  EXPECT_EQ(history->at(0).paper.by.name, "uid 1001");
  EXPECT_EQ(to_json(history->at(1).paper.value), proof());
}

TEST_F(PapersTest, TheStoreItselfKeepsOldVersionsFromBeingChanged) {
  put_document("d1", proof());
  for (const char* change : {"DELETE FROM paper", "UPDATE paper SET body = '{}'"}) {
    const auto done = store_->write([&](SQLite::Database& database) -> Status {
      database.exec(change);
      return {};
    });
    ASSERT_FALSE(done) << change;
    EXPECT_THAT(done.error().message, HasSubstr("papers are")) << change;
  }
}

TEST_F(PapersTest, ABadDocumentIsRefusedWithEveryReason) {
  EXPECT_THAT(
      refusal_of_document({{"kind", "licence"}, {"holder", "A\u202Eb"}, {"valid_until", "2026-02-30"}}),
      AllOf(HasSubstr("kind: found \"licence\""), HasSubstr("business_licence"),
            HasSubstr("holder: found U+202E"), HasSubstr("valid_until: found \"2026-02-30\"")));
  EXPECT_THAT(refusal_of_document({{"kind", "other"}, {"holder", "A"}, {"holde", "B"}}), HasSubstr("holde"));
  EXPECT_THAT(refusal_of_document({{"kind", "other"}, {"holder", "A\nB"}}), HasSubstr("several lines"));
  EXPECT_THAT(refusal_of_document({{"kind", "other"}, {"holder", std::string(201, 'x')}}),
              HasSubstr("201 bytes"));
  json turned = proof();
  turned["valid_from"] = "2026-12-01";
  EXPECT_THAT(refusal_of_document(turned), HasSubstr("no day before valid_from"));
  json without = proof();
  without["picture"] = std::string(64, 'a');
  EXPECT_THAT(refusal_of_document(without), HasSubstr("send it along"));
  EXPECT_THAT(documents().put_document("../d1", proof(), 0, kLi).error().message, HasSubstr("1 to 64"));
  EXPECT_THAT(*documents().documents(), IsEmpty());
}

TEST_F(PapersTest, ADocumentHoldsOnItsLastDayAndNoLonger) {
  Document document;
  document.valid_from = parse_day("2026-11-01");
  document.valid_until = parse_day("2026-11-30");
  const auto state = [&](const char* day) { return to_string(document.state(*parse_day(day))); };
  EXPECT_EQ(state("2026-10-31"), "not_yet_valid");
  EXPECT_EQ(state("2026-11-01"), "valid");
  EXPECT_EQ(state("2026-11-30"), "valid");
  EXPECT_EQ(state("2026-12-01"), "expired");
  document.is_withdrawn = true;
  EXPECT_EQ(state("2026-11-15"), "withdrawn");
}

TEST_F(PapersTest, AnAccountInFullIsRefusedAndNotRepeated) {
  json open = payee();
  open["masked_number"] = "6222021234567891234";
  EXPECT_THAT(refusal_of_payee(open),
              AllOf(HasSubstr("19 digits and nothing hidden"), Not(HasSubstr("62220212"))));
  open["masked_number"] = "62220212345678912**";
  EXPECT_THAT(refusal_of_payee(open), AllOf(HasSubstr("17 digits"), Not(HasSubstr("62220212"))));
  EXPECT_EQ(documents().put_payee("p1", payee(), 0, kLi).value(), 1);
  EXPECT_EQ(to_json(documents().payees()->front().paper.value), payee());
}

TEST_F(PapersTest, ANoteIsReadBackAsItWasWritten) {
  put_document("proof", proof());
  put_document("report", {{"kind", "inspection"}, {"holder", "延边检测中心"}, {"number", "2026-11"}});
  ASSERT_TRUE(documents().put_payee("shop", payee(), 0, kLi));
  const json body = {
      {"role", "traffic"},
      {"reference", {{"basis", "门店价"}, {"evidence", "proof"}}},
      {"deposit",
       {{"pay", {{"minor", 500}, {"currency", "CNY"}}},
        {"worth", {{"minor", 1000}, {"currency", "CNY"}}},
        {"balance_until", "2026-11-11T16:00:00.000Z"}}},
      {"talking_points", {"产地直发", "坏果包赔"}},
      {"certificates", {"report"}},
      {"producer", {{"name", "延边果业"}, {"address", "吉林省延边州"}, {"licence_number", "SC10122"}}},
      {"payee", "shop"}};
  EXPECT_EQ(refusal_of_note(body), "taken");
  const auto found = notes().list();
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_THAT(*found, SizeIs(1));
  EXPECT_EQ(found->front().ref, pears().ref);
  EXPECT_EQ(to_json(found->front().notes.value), body);
  EXPECT_EQ(notes().put(pears().ref, {{"role", "image"}}, 1, kWang).value(), 2);
  EXPECT_THAT(*notes().history(pears().ref), SizeIs(2));
  EXPECT_THAT(*NoteBook(*store_, "vendure").list(), IsEmpty()) << "another backend's items are other items";
}

TEST_F(PapersTest, ANoteThatNamesWhatIsNotThereIsRefused) {
  put_document("old", {{"kind", "price_proof"}, {"holder", "A"}, {"withdrawn", true}});
  EXPECT_THAT(
      refusal_of_note({{"reference", {{"basis", "门店价"}, {"evidence", "old"}}},
                       {"certificates", {"nowhere"}},
                       {"payee", "nobody"}}),
      AllOf(HasSubstr("reference.evidence: found \"old\", which is withdrawn"),
            HasSubstr("certificates[0]: found \"nowhere\", which is not there"), HasSubstr("payee: found")));
  EXPECT_THAT(refusal_of_note({{"reference", {{"basis", "门店价"}}}}),
              HasSubstr("reference.evidence: found nothing"));
  EXPECT_EQ(notes().put({"no", "such"}, {{"role", "image"}}, 0, kLi).error().code, ErrorCode::kNotFound);
}

TEST_F(PapersTest, ADepositMustFitTheItemsPrice) {
  const auto deposit = [](int64_t pay, int64_t worth, const char* currency) {
    return json{{"deposit",
                 {{"pay", {{"minor", pay}, {"currency", currency}}},
                  {"worth", {{"minor", worth}, {"currency", currency}}},
                  {"balance_until", "2026-11-11T16:00:00Z"}}}};
  };
  EXPECT_THAT(refusal_of_note(deposit(1000, 500, "CNY")), HasSubstr("from ¥10.00, what is paid, to ¥39.90"));
  EXPECT_THAT(refusal_of_note(deposit(1000, 3991, "CNY")), HasSubstr("deposit.worth: found ¥39.91"));
  EXPECT_THAT(refusal_of_note(deposit(1000, 2000, "USD")), HasSubstr("the item's currency"));
  EXPECT_THAT(refusal_of_note(deposit(-1, 2000, "CNY")), HasSubstr("deposit.pay.minor"));
  EXPECT_EQ(refusal_of_note(deposit(1000, 3990, "CNY")), "taken");
}

TEST_F(PapersTest, TextOfANoteIsHeldToItsLimits) {
  EXPECT_THAT(
      refusal_of_note({{"talking_points", {"好", "两\n行", "\u202E好", 5, std::string(301, 'x')}}}),
      AllOf(HasSubstr("talking_points[1]"), HasSubstr("talking_points[2]"), HasSubstr("talking_points[3]"),
            HasSubstr("talking_points[4]"), Not(HasSubstr("talking_points[0]"))));
  EXPECT_THAT(refusal_of_note({{"talking_points", json::array_t(21, "好")}}),
              HasSubstr("an array of 0 to 20"));
  EXPECT_THAT(refusal_of_note({{"role", "hero"}}), HasSubstr("traffic"));
}

TEST_F(PapersTest, AStruckThroughPriceIsShownOnlyWhileItsEvidenceHolds) {
  const auto shown = [&](const char* day, const CatalogueItem& item = pears()) {
    const auto price = notes().reference_price(item, *parse_day(day));
    EXPECT_TRUE(price) << price.error().message;
    return price.value_or(std::nullopt);
  };
  EXPECT_EQ(shown("2026-11-15"), std::nullopt) << "nobody said what it is based on";
  put_document("proof", proof());
  ASSERT_EQ(refusal_of_note({{"reference", {{"basis", "门店价"}, {"evidence", "proof"}}}}), "taken");
  EXPECT_EQ(shown("2026-11-15"), (Money{5990, kYuan}));
  EXPECT_EQ(shown("2026-12-01"), std::nullopt) << "the proof has expired";
  CatalogueItem dear = pears();
  dear.price.minor = 5990;
  EXPECT_EQ(shown("2026-11-15", dear), std::nullopt) << "it is not above the price";
  json withdrawn = proof();
  withdrawn["withdrawn"] = true;
  put_document("proof", withdrawn, 1);
  EXPECT_EQ(shown("2026-11-15"), std::nullopt) << "the proof was withdrawn";
}

}  // namespace
}  // namespace vitrine::commerce
