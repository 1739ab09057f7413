// SPDX-License-Identifier: Apache-2.0
#include "cli/evidence.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/rfc3339.h"
#include "desk/evidence/as_run_reader.h"
#include "desk/evidence/chain.h"
#include "desk/evidence/evidence_book.h"
#include "desk/evidence/evidence_export.h"
#include "desk/evidence/evidence_lookup.h"
#include "desk/evidence/evidence_routes.h"
#include "desk/evidence/recording_hasher.h"
#include "evidence_fixture.h"
#include "tests/fakes/child_process.h"
#include "tests/fakes/temp_dir.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::desk {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

const Instant kBegin = *parse_rfc3339("2026-11-11T12:00:00Z");

class Evidence : public testing::Test {
 protected:
  void SetUp() override { open(); }

  void open() {
    reader_.reset();
    book_.reset();
    auto opened = EvidenceBook::open({directory(), recordings()});
    ASSERT_TRUE(opened) << opened.error().message;
    book_ = std::move(*opened);
    reader_.emplace(*book_, AsRunReader::Events{});
  }
  void close() {
    reader_.reset();
    book_.reset();
  }
  void read() {
    const auto done = reader_->read_once();
    ASSERT_TRUE(done) << done.error().message;
  }
  void hash() {
    const RecordingHasher hasher(*book_);
    EXPECT_TRUE(fakes::wait_for([&] { return book_->unhashed()->empty(); }));
  }
  [[nodiscard]] Verdict verify() const {
    const auto verdict = verify_chain(book_->store());
    EXPECT_TRUE(verdict) << verdict.error().message;
    return verdict.value_or(Verdict{});
  }
  [[nodiscard]] json rows(const std::string& kind = "") const {
    EvidenceLookup::Filter filter;
    filter.kind = kind;
    filter.limit = 500;
    json bodies = json::array();
    const json found = *EvidenceLookup(*book_).list(filter);
    for (const auto& row : found["rows"]) bodies.insert(bodies.begin(), row["body"]);
    return bodies;
  }
  [[nodiscard]] json at(Instant instant, const std::string& program = "main") const {
    const auto found = EvidenceLookup(*book_).at(program, instant);
    EXPECT_TRUE(found) << found.error().message;
    return *found;
  }
  StudioFiles session(const std::string& name, Instant begin = kBegin,
                      const std::string& program = "main") const {
    return {recordings(), program, name, begin};
  }
  /// A show as it comes: price 39.90, then 29.90, then hidden; two files.
  void play_show(StudioFiles& studio) {
    note(1, 3990);
    note(2, 2990);
    studio.write({{"type", "destination"}, {"id", "douyin"}, {"state", "live"}});  // it may be the first
    studio.started();
    studio.visible(0, 1, {studio.card(0, 3990)});
    studio.opened(1, 0, "first recording");
    studio.visible(450, 2, {studio.card(450, 2990)});
    studio.closed(1, 0, 600);
    studio.opened(2, 600, "second recording");
    studio.visible(900, 3, {studio.card(900, 0, 30, "hidden")});
    studio.closed(2, 600, 1200);
    studio.ended(1200);
  }
  void note(uint64_t revision, int64_t minor, const std::string& program = "main") const {
    const auto noted = book_->note_sent(revision, basis(minor, program));
    EXPECT_TRUE(noted) << noted.error().message;
  }
  static json basis(int64_t minor, const std::string& program = "main") {
    const json item = {
        {"product", "pear"}, {"variant", "5斤"}, {"sku", "A001"}, {"title", "梨"}, {"version", 4}};
    json card = {{"item", item}, {"price", {{"minor", minor}, {"currency", "CNY"}}}};
    if (minor < 3990) card["offer"] = 17;
    return {{"show", "show-1"},
            {"segment", "pear"},
            {"operator", "场控一号"},
            {"programs", {{program, {{"layers", {{"card", card}}}}}}}};
  }
  /// Changes the store as somebody with root could: nothing of ours in the way.
  void tamper(const std::string& sql) {
    close();
    const auto done =
        fakes::run({"sqlite3", store().string(),
                    "PRAGMA trusted_schema=ON; DROP TRIGGER evidence_stays; DROP TRIGGER "
                    "evidence_stands; DROP TRIGGER evidence_follows; DROP TRIGGER seal_stays; DROP "
                    "TRIGGER seal_stands;" +
                        sql});
    ASSERT_EQ(done.exit_code, 0) << done.errors;
    open();
  }
  [[nodiscard]] fs::path directory() const { return dir_.path() / "evidence"; }
  [[nodiscard]] fs::path recordings() const { return dir_.path() / "recordings"; }
  [[nodiscard]] fs::path store() const { return directory() / "store.sqlite3"; }

  fakes::TempDir dir_;
  std::unique_ptr<EvidenceBook> book_;
  std::optional<AsRunReader> reader_;
};

TEST_F(Evidence, ARecordIsJoinedWithWhyItWasAskedFor) {
  auto studio = session("20261111T120000Z");
  play_show(studio);
  read();
  const json visible = rows("visible");
  ASSERT_EQ(visible.size(), 3U) << rows().dump(1);
  EXPECT_EQ(visible[0]["basis"]["operator"], "场控一号");
  EXPECT_FALSE(visible[0]["basis"].contains("programs"));
  const json& card = visible[1]["layers"][0];
  EXPECT_EQ(card["basis"]["price"]["minor"], 2990);
  EXPECT_EQ(card["basis"]["offer"], 17);
  EXPECT_EQ(card["data"]["price"]["minor"], 2990);
  EXPECT_EQ(card["lease_ok"], true);
  EXPECT_EQ(visible[2]["basis"], nullptr) << "nobody asked the desk for revision 3";
  EXPECT_EQ(rows("begin")[0]["device"], book_->key().id());
  EXPECT_EQ(verify().wrong, "");
}

TEST_F(Evidence, WhatWasOnScreenIsKnownForEverySecondWithFileFragmentAndFrame) {
  auto studio = session("20261111T120000Z");
  play_show(studio);
  read();
  hash();
  EXPECT_EQ(at(kBegin - 1s)["on_air"], false);
  const json first = at(kBegin + 10s);
  EXPECT_EQ(first["row"]["body"]["layers"][0]["basis"]["price"]["minor"], 3990);
  EXPECT_EQ(first["frame"], 300);
  EXPECT_EQ(first["recording"]["file"], studio.file(1));
  EXPECT_EQ(first["recording"]["offset_ms"], 10000);
  EXPECT_EQ(first["recording"]["fragment"], 10);
  EXPECT_EQ(first["recording"]["blake2b"], blake2b("first recording"));
  // The same state goes over into the next file.
  const json second = at(kBegin + 25s);
  EXPECT_EQ(second["row"]["body"]["revision"], 2);
  EXPECT_EQ(second["recording"]["file"], studio.file(2));
  EXPECT_EQ(second["recording"]["frame"], 150);
  EXPECT_EQ(second["recording"]["exists"], true);
  fs::remove(recordings() / "main" / studio.session() / studio.file(2));
  EXPECT_EQ(at(kBegin + 25s)["recording"]["exists"], false);
  EXPECT_EQ(at(kBegin + 40s)["on_air"], false) << "the session has ended";
  EXPECT_EQ(at(kBegin + 10s, "portrait")["on_air"], false);
  const json files = rows("file");
  ASSERT_EQ(files.size(), 2U);
  const json visible = rows("visible");
  EXPECT_EQ(files[1]["rows"]["first"], visible[1]["sequence"]);
  EXPECT_EQ(files[1]["rows"]["last"], visible[2]["sequence"]);
  EXPECT_EQ(files[1]["fragment_frames"], 30);
}

TEST_F(Evidence, APriceOnAirIsFoundForAnItem) {
  auto studio = session("20261111T120000Z");
  play_show(studio);
  read();
  const EvidenceLookup lookup(*book_);
  const json shown = (*lookup.item_on_air({"pear", "5斤"}, kBegin, kBegin + 60s))["shown"];
  ASSERT_EQ(shown.size(), 2U) << shown.dump(1);
  EXPECT_EQ(shown[0]["price"]["minor"], 3990);
  EXPECT_EQ(shown[0]["until"], shown[1]["from"]);
  EXPECT_EQ(shown[1]["offer"], 17);
  EXPECT_EQ(shown[1]["until"], format_rfc3339(kBegin + 30s));
  EXPECT_EQ((*lookup.item_on_air({"pear", "5斤"}, kBegin + 16s, kBegin + 20s))["shown"].size(), 1U);
  EXPECT_EQ((*lookup.item_on_air({"pear", "10斤"}, kBegin, kBegin + 60s))["shown"].size(), 0U);
  EvidenceLookup::Filter filter;
  filter.item = commerce::Ref{"pear", "5斤"};
  filter.limit = 1;
  const json page = *lookup.list(filter);
  EXPECT_EQ(page["rows"][0]["body"]["revision"], 2);
  filter.before = page["next"];
  EXPECT_EQ((*lookup.list(filter))["rows"][0]["body"]["revision"], 1);
  const auto last = *lookup.last_visible("main");
  ASSERT_TRUE(last);
  EXPECT_EQ(last->now.revision, 3U);
  EXPECT_EQ(last->first.frame, 900);
}

TEST_F(Evidence, AStateSetByHandUnderTheSameNumberIsNotTakenForTheDesks) {
  auto studio = session("20261111T120000Z");
  json wanted = basis(3990);
  wanted["programs"]["main"]["layers"]["card"]["digest"] =
      EvidenceBook::layer_digest("product_card", studio.card(0, 3990)["data"]);
  ASSERT_TRUE(book_->note_sent(1, wanted));
  studio.started();
  studio.visible(0, 1, {studio.card(0, 9900)});
  studio.visible(30, 1, {studio.card(30, 3990)});
  read();
  const json visible = rows("visible");
  EXPECT_EQ(visible[0]["layers"][0]["basis"], nullptr);
  EXPECT_EQ(visible[1]["layers"][0]["basis"]["price"]["minor"], 3990);
  EXPECT_TRUE(book_->note_sent(1, wanted)) << "sent once more";
  const auto other = book_->note_sent(1, basis(1));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kStaleRevision);
}

TEST_F(Evidence, APriceShownPastItsLeaseIsSaid) {
  auto studio = session("20261111T120000Z");
  studio.started();
  studio.visible(0, 1, {studio.card(0, 3990, 0), studio.card(0, 3990, 0, "neutral")});
  read();
  const json layers = rows("visible")[0]["layers"];
  EXPECT_EQ(layers[0]["lease_ok"], false);
  EXPECT_FALSE(layers[1].contains("lease_ok")) << "a neutral form has no lease";
}

TEST_F(Evidence, HalfALineWaitsAndABrokenOneIsKeptAsSuch) {
  auto studio = session("20261111T120000Z");
  studio.started();
  studio.append(R"({"type":"visible","utc":"2026-11-)");
  read();
  read();
  EXPECT_EQ(rows("broken").size(), 0U);
  studio.append("\xff\x1b[2J\n");
  studio.append(R"({"type":"destination","utc":"2026-11-11T12:00:01Z","program":"other","session":"x"})"
                "\n");
  studio.append(std::string(kMaxAsRunLine + 100, 'x') + "\n");
  studio.visible(0, 1, {studio.card(0, 3990)});
  read();
  const json broken = rows("broken");
  ASSERT_EQ(broken.size(), 3U);
  EXPECT_THAT(broken[0]["begins"].get<std::string>(), HasSubstr("visible"));
  EXPECT_THAT(broken[1]["why"].get<std::string>(), AllOf(HasSubstr("program"), HasSubstr("session")));
  EXPECT_EQ(broken[2]["bytes"], kMaxAsRunLine + 100);
  EXPECT_EQ(rows("visible").size(), 1U);
  EXPECT_EQ(verify().wrong, "");
}

TEST_F(Evidence, ASessionThatWasCutOffEndsWithWhatIsKnownOfIt) {
  auto cut = session("20261111T120000Z");
  cut.started();
  cut.visible(0, 1, {cut.card(0, 3990)});
  const auto file = cut.opened(1, 0, "what was on the disk");
  cut.append(R"({"type":"visi)");
  auto next = session("20261111T130000Z", kBegin + 1h);
  next.started();
  next.visible(0, 1, {next.card(0, 3990)});
  fs::last_write_time(file, std::chrono::file_clock::from_sys(kBegin + 100s));
  read();
  read();
  hash();
  EXPECT_EQ(rows("broken")[0]["why"], "it was never finished");
  EXPECT_EQ(rows("file")[0]["ended"], "left");
  EXPECT_EQ(at(kBegin + 99s)["on_air"], true);
  EXPECT_EQ(at(kBegin + 101s)["on_air"], false) << "nothing proves that it was";
  EXPECT_EQ(at(kBegin + 1h)["session"]["session"], next.session());
  const json sessions = (*EvidenceLookup(*book_).sessions("main", 10))["sessions"];
  EXPECT_EQ(sessions[1]["lost"], true);
  EXPECT_EQ(sessions[0]["ended_at"], nullptr);
}

TEST_F(Evidence, AMissingRecordingIsSaidInsteadOfItsHash) {
  auto studio = session("20261111T120000Z");
  studio.started();
  fs::remove(studio.opened(1, 0, ""));
  studio.closed(1, 0, 30);
  read();
  hash();
  EXPECT_EQ(rows("file")[0]["fault"], "missing");
}

TEST_F(Evidence, TheTableIsAppendOnly) {
  auto studio = session("20261111T120000Z");
  play_show(studio);
  read();
  for (const char* sql :
       {"DELETE FROM evidence WHERE sequence = 2", "UPDATE evidence SET body = '{}'",
        "INSERT OR REPLACE INTO evidence SELECT 2, body, hash, kind, at, program, session, frame, revision "
        "FROM evidence WHERE sequence = 3",
        "DELETE FROM seal", "UPDATE seal SET text = ''",
        "INSERT OR REPLACE INTO seal SELECT sequence, 0, '', '', '', x'' FROM seal"}) {
    const auto done = book_->store().write([&](SQLite::Database& database) -> Status {
      database.exec(sql);
      return {};
    });
    EXPECT_FALSE(done) << sql;
  }
  EXPECT_EQ(verify().wrong, "");
}

TEST_F(Evidence, WhatSomebodyChangesIsNamed) {
  auto studio = session("20261111T120000Z");
  play_show(studio);
  read();
  const Verdict whole = verify();
  ASSERT_EQ(whole.wrong, "");
  ASSERT_EQ(whole.seals, 1);
  const int64_t last = whole.rows;
  close();
  const auto kept = dir_.path() / "kept.sqlite3";
  fs::copy_file(store(), kept);
  struct Case {
    const char* name;
    std::string sql;
    int64_t row;
    const char* what;
  };
  const std::vector<Case> cases = {
      {"a price", "UPDATE evidence SET body = replace(body, '2990', '2980') WHERE sequence = 6", 6,
       "was changed"},
      {"a hash",
       "UPDATE evidence SET hash = (CASE substr(hash, 1, 1) WHEN '0' THEN '1' ELSE '0' END) || substr(hash, "
       "2) WHERE sequence = 4",
       4, "was changed"},
      {"an order",
       "UPDATE evidence SET sequence = -1 WHERE sequence = 3; UPDATE evidence SET sequence = 3 WHERE "
       "sequence = 4; "
       "UPDATE evidence SET sequence = 4 WHERE sequence = -1",
       3, "was changed"},
      {"a time to be found by", "UPDATE evidence SET at = '2026-11-11T11:00:00.000Z' WHERE sequence = 6", 6,
       "found by something else"},
      {"a row left out", "DELETE FROM evidence WHERE sequence = 4", 4, "it is missing"},
      {"the end left out", "DELETE FROM evidence WHERE sequence >= 6", 6, "a seal was made when there were"},
      {"a row put between",
       "UPDATE evidence SET sequence = -sequence WHERE sequence >= 5; UPDATE evidence SET sequence = 1 - "
       "sequence "
       "WHERE sequence < 0; INSERT INTO evidence SELECT 5, body, hash, kind, at, program, session, frame, "
       "revision FROM evidence "
       "WHERE "
       "sequence = 4",
       5, "was changed"},
      {"a signature", "UPDATE seal SET signature = zeroblob(64)", last, "not signed by the key"},
      {"what was signed", "UPDATE seal SET text = text || ' '", last, "not signed by the key"},
      {"a seal moved", "UPDATE seal SET sequence = 4", 4, "made for another row"},
      {"another's key",
       "UPDATE seal SET public_key = (CASE substr(public_key, 1, 1) WHEN '0' THEN '1' ELSE '0' END) || "
       "substr(public_key, 2)",
       last, "does not know"}};
  for (const auto& each : cases) {
    SCOPED_TRACE(each.name);
    close();
    fs::copy_file(kept, store(), fs::copy_options::overwrite_existing);
    tamper(each.sql);
    const Verdict found = verify();
    EXPECT_EQ(found.at_sequence, each.row) << found.wrong;
    EXPECT_THAT(found.wrong, HasSubstr(each.what));
  }
}

TEST_F(Evidence, ARowIsCheckedByHandWithPublicTools) {
  auto studio = session("20261111T120000Z");
  play_show(studio);
  read();
  close();
  const auto done = fakes::run({"sh", "-c",
                                "q() { sqlite3 \"$0\" \"$1\"; }; prev=$(q \"SELECT hash FROM evidence WHERE "
                                "sequence=4\"); body=$(q \"SELECT "
                                "body FROM evidence WHERE sequence=5\"); printf '%s\\n%s' \"$prev\" "
                                "\"$body\" | b2sum -l 256 | cut -c1-64; q "
                                "\"SELECT hash FROM evidence WHERE sequence=5\"",
                                store().string()});
  ASSERT_EQ(done.exit_code, 0) << done.errors;
  EXPECT_EQ(done.output.substr(0, 64), done.output.substr(65, 64));
}

TEST_F(Evidence, AnotherKeyIsSaidAndOldSealsStillHold) {
  auto studio = session("20261111T120000Z");
  play_show(studio);
  read();
  const std::string before = book_->key().id();
  EXPECT_EQ(fs::status(directory() / "device-key").permissions(), fs::perms(0600));
  close();
  fs::remove(directory() / "device-key");
  open();
  EXPECT_NE(book_->key().id(), before);
  EXPECT_EQ(rows("key").size(), 1U);
  ASSERT_TRUE(book_->seal("a test"));
  EXPECT_EQ(verify().wrong, "");
  EXPECT_EQ(verify().seals, 2);
  ASSERT_TRUE(book_->seal_if_due());
  EXPECT_EQ(verify().seals, 2) << "it has been sealed today";
}

/// The export as somebody else would check it, in an environment that has nothing of ours.
fakes::Finished check_export(const fs::path& folder) {
  return fakes::run(
      {"env", "-i", "PATH=/usr/bin:/bin", "LC_ALL=C", "python3", (folder / "verify.py").string()});
}

TEST_F(Evidence, AnExportIsCheckedElsewhereAndEachChangeIsFound) {
  auto studio = session("20261111T120000Z");
  play_show(studio);
  read();
  const auto folder = dir_.path() / "export";
  ExportWish wish;
  wish.program = "main";
  wish.session = studio.session();
  const auto made = export_evidence(*book_, wish, folder);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->files, 2);
  const auto checked = check_export(folder);
  EXPECT_EQ(checked.exit_code, 0) << checked.errors;
  EXPECT_THAT(checked.output, AllOf(HasSubstr("OK: rows 2 to"), HasSubstr("2 recordings (0 in the rows"),
                                    HasSubstr(book_->key().id())));

  const std::string rows_text = fakes::read_file(folder / "rows.jsonl");
  const auto expect_wrong = [&](const fs::path& file, const std::string& content, const char* what) {
    const std::string before = fakes::read_file(folder / file);
    fs::remove(folder / file);  // it may be a hard link
    std::ofstream(folder / file, std::ios::binary) << content;
    const auto found = check_export(folder);
    EXPECT_EQ(found.exit_code, 1) << what;
    EXPECT_THAT(found.errors, AllOf(HasSubstr("WRONG"), HasSubstr(what)));
    std::ofstream(folder / file, std::ios::binary) << before;
    EXPECT_EQ(check_export(folder).exit_code, 0);
  };
  const auto replaced = [](std::string text, const std::string& from, const std::string& to) {
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  expect_wrong("rows.jsonl", replaced(rows_text, "2990", "2980"), "was changed");
  expect_wrong("rows.jsonl", rows_text.substr(0, rows_text.rfind('\n', rows_text.size() - 2) + 1),
               "no seal covers");
  const size_t second = rows_text.find('\n') + 1;
  expect_wrong("rows.jsonl", rows_text.substr(0, second) + rows_text.substr(rows_text.find('\n', second) + 1),
               "is missing");
  expect_wrong(fs::path("recordings/main") / studio.session() / studio.file(1), "first recordinG",
               "was changed");
  for (const auto& entry : fs::directory_iterator(folder / "seals"))
    expect_wrong(fs::path("seals") / entry.path().filename(), fakes::read_file(entry.path()) + "x", "seal");
  const std::string key = (book_->key().id() + ".pem");
  fakes::run({"openssl", "genpkey", "-algorithm", "ed25519", "-out", (dir_.path() / "k").string()});
  const auto other = fakes::run({"openssl", "pkey", "-in", (dir_.path() / "k").string(), "-pubout"});
  expect_wrong(fs::path("keys") / key, other.output, "is not the key that its name says");
  EXPECT_THAT(fakes::read_file(folder / "README.md"),
              AllOf(HasSubstr("如何核验"), HasSubstr("How to check")));
}

TEST_F(Evidence, AWindowIsExportedWithWhatWasOnScreenWhenItBegan) {
  auto studio = session("20261111T120000Z");
  play_show(studio);
  auto other = session("20261111T120500Z", kBegin + 5min);
  other.started();
  other.visible(0, 9, {other.card(0, 100)});
  read();
  ExportWish wish;
  wish.from = kBegin + 31s;
  wish.until = kBegin + 35s;
  wish.recordings = ExportWish::Recordings::kLeftOut;
  const auto folder = dir_.path() / "export";
  const auto made = export_evidence(*book_, wish, folder);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->first, rows("visible")[2]["sequence"]);
  EXPECT_EQ(check_export(folder).exit_code, 0) << check_export(folder).errors;
  wish.from = kBegin + 60s;
  wish.until = kBegin + 61s;
  const auto nothing = export_evidence(*book_, wish, dir_.path() / "nothing");
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(fs::exists(dir_.path() / "nothing.unfinished"));
}

TEST_F(Evidence, TheApiAnswersAndRefuses) {
  auto studio = session("20261111T120000Z");
  play_show(studio);
  read();
  EvidenceRoutes evidence(*book_);
  const auto routes = evidence.routes();
  const auto call = [&](const std::string& pattern, std::map<std::string, std::string, std::less<>> query,
                        json body = nullptr) {
    const auto route = std::ranges::find(routes, pattern,
                                         [](const Route& each) { return each.method + " " + each.pattern; });
    EXPECT_NE(route, routes.end()) << pattern;
    ApiRequest request;
    request.query = std::move(query);
    request.body = std::move(body);
    return route->handle(request);
  };
  EXPECT_EQ(
      call("GET /api/v1/evidence/at", {{"program", "main"}, {"time", "2026-11-11T12:00:16Z"}})->body["frame"],
      480);
  const auto refused = call("GET /api/v1/evidence/at", {{"time", "noon"}});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("program"), HasSubstr("noon")));
  EXPECT_EQ(call("POST /api/v1/evidence/verify", {})->body["ok"], true);
  const json exported =
      call("POST /api/v1/evidence/export", {}, {{"program", "main"}, {"session", studio.session()}})->body;
  EXPECT_EQ(check_export(exported["directory"].get<std::string>()).exit_code, 0);
  EXPECT_THAT(call("GET /api/v1/evidence/key", {})->body["public_key"].get<std::string>(),
              HasSubstr("BEGIN PUBLIC KEY"));
  EXPECT_EQ(call("GET /api/v1/evidence", {{"kind", "visible"}, {"limit", "2"}})->body["rows"].size(), 2U);
  EXPECT_FALSE(call("POST /api/v1/evidence/export", {}, {{"program", "main"}, {"path", "/etc"}}));
}

TEST_F(Evidence, TheExactPictureAndAClipComeOutOfTheRecording) {
  auto studio = session("20261111T120000Z");
  note(1, 3990);
  studio.started();
  studio.visible(0, 1, {studio.card(0, 3990)});
  const auto file = studio.opened(1, 60, "");
  const auto made = fakes::run({"ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i",
                                "testsrc2=size=320x180:rate=30", "-t", "8", "-c:v", "libx264", "-bf", "0",
                                "-g", "60", "-movflags", "+empty_moov+frag_keyframe", file.string()});
  ASSERT_EQ(made.exit_code, 0) << made.errors;
  read();
  const json then = at(kBegin + 6567ms);  // picture 197 of the session
  ASSERT_EQ(then["recording"]["frame"], 137);
  const auto picture = dir_.path() / "100%d then.png";
  const auto cut = cli::extract_picture(then, recordings(), picture);
  ASSERT_TRUE(cut) << cut.error().message;
  const auto pixels = [](const fs::path& input, const char* which) {
    return fakes::run({"ffmpeg", "-v", "error", "-f", input.extension() == ".png" ? "png_pipe" : "mp4", "-i",
                       "file:" + input.string(), "-vf", which, "-frames:v", "1", "-pix_fmt", "rgb24", "-f",
                       "md5", "-"})
        .output;
  };
  EXPECT_EQ(pixels(picture, "null"), pixels(file, "select=eq(n\\,137)"));
  EXPECT_NE(pixels(picture, "null"), pixels(file, "select=eq(n\\,136)"));
  const auto clip = dir_.path() / "around.mp4";
  ASSERT_TRUE(cli::extract_clip(then, recordings(), 2, clip));
  EXPECT_THAT(
      fakes::run({"ffprobe", "-v", "error", "-show_entries", "format=duration", clip.string()}).output,
      HasSubstr("duration="));
  EXPECT_THAT(cli::format_on_screen(then),
              AllOf(HasSubstr("梨 version 4 · ¥39.9"), HasSubstr("picture 137 of the file")));
  fs::remove(file);
  const auto gone = cli::extract_picture(then, recordings(), picture);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::kNotFound);
}

TEST_F(Evidence, EveryLineComesInOnceHoweverOftenTheReaderIsKilled) {
  close();
  constexpr int kKills = 60;
  std::mt19937 random(20261111);  // NOLINT: the same times every run
  auto studio = session("20261111T120000Z");
  studio.started();
  std::jthread show([&](const std::stop_token& stop) {
    for (int64_t frame = 0; !stop.stop_requested(); frame += 3) {
      studio.visible(frame, 1, {studio.card(frame, frame)});
      if (frame % 100 == 0) {
        studio.append("not a ");  // a line that takes its time
        std::this_thread::sleep_for(10ms);
        studio.append("record\n");
      }
      std::this_thread::sleep_for(2ms);
    }
  });
  for (int kill = 0; kill < kKills; ++kill) {
    const fakes::ChildProcess worker(
        {VITRINE_BIN_DIR "/evidence_worker", directory().string(), recordings().string()},
        dir_.path() / "worker.log");
    std::this_thread::sleep_for(
        std::chrono::milliseconds(std::uniform_int_distribution<int>(5, 700)(random)));
    worker.signal(SIGKILL);
  }
  show.request_stop();
  show.join();
  open();
  read();
  EXPECT_EQ(verify().wrong, "");
  const std::string records = fakes::read_file(studio.records());
  std::vector<int64_t> written;
  int64_t broken = 0;
  for (std::istringstream lines(records); lines.good();) {
    std::string line;
    if (!std::getline(lines, line)) break;
    const json record = json::parse(line, nullptr, false);
    if (record.is_discarded())
      ++broken;
    else if (record["type"] == "visible")
      written.push_back(record["frame"]);
  }
  std::vector<int64_t> kept;
  int64_t kept_broken = 0;
  ASSERT_TRUE(book_->store().read([&](SQLite::Database& database) -> Status {
    SQLite::Statement rows(database, "SELECT body ->> '$.frame', kind FROM evidence ORDER BY sequence");
    while (rows.executeStep()) {
      if (rows.getColumn(1).getString() == "visible") kept.push_back(rows.getColumn(0).getInt64());
      if (rows.getColumn(1).getString() == "broken") ++kept_broken;
    }
    return {};
  }));
  EXPECT_GT(written.size(), 1000U);
  EXPECT_EQ(kept, written);
  EXPECT_EQ(kept_broken, broken);
}

}  // namespace
}  // namespace vitrine::desk
