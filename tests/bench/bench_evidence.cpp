// SPDX-License-Identifier: Apache-2.0
// The evidence of a year of shows: how fast rows come in, what a question, a start, a check, a seal and an
// export of it cost, and how much memory the process holds. Wanted: below 100 MB with 1,000,000 rows.
// bench_evidence [ROWS [DIRECTORY]]: on the disk to be measured.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>

#include "core/rfc3339.h"
#include "desk/evidence/chain.h"
#include "desk/evidence/evidence_book.h"
#include "desk/evidence/evidence_export.h"
#include "desk/evidence/evidence_lookup.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr int64_t kRowsPerSession = 2000;
constexpr int64_t kLinesPerTransaction = 500;
constexpr int64_t kBases = 500;
const Instant kBegin{std::chrono::seconds(1'790'000'000)};

int64_t resident_kb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stoll(line.substr(6));
  return 0;
}

template <typename Work>
void timed(const char* what, const Work& work) {
  const auto began = Clock::now();
  const std::string note = work();
  fmt::print("{:<34} {:9.1f} ms  {:6.1f} MB  {}\n", what,
             std::chrono::duration<double, std::milli>(Clock::now() - began).count(),
             static_cast<double>(resident_kb()) / 1024, note);
}

template <typename T>
T need(Result<T> result) {
  if (result) return std::move(*result);
  fmt::print(stderr, "{}\n", result.error().message);
  std::exit(1);
}

/// What a scene with a card, a countdown, a licence and a certificate comes to.
json card_record(int64_t row, const std::string& session, Instant at) {
  const std::string until = format_rfc3339(at + std::chrono::seconds(30));
  const auto layer = [&](const char* id, json data) {
    return json{{"id", id},     {"template", id},      {"form", "normal"}, {"tile", std::string(32, 'a')},
                {"data", data}, {"valid_until", until}};
  };
  return {
      {"type", "visible"},
      {"utc", format_rfc3339(at)},
      {"program", "main"},
      {"session", session},
      {"frame", row % kRowsPerSession * 90},
      {"pts_ms", row % kRowsPerSession * 3000},
      {"revision", row % kBases + 1},
      {"scene", "default"},
      {"camera", "counter"},
      {"layers",
       {layer("product_card", {{"name", "延边苹果梨"}, {"price", {{"minor", 3990}, {"currency", "CNY"}}}}),
        layer("countdown", {{"until", until}, {"title", "限时价"}}),
        layer("licence", {{"seller", "老李生鲜食品有限公司"}, {"credit_code", "91220101MA17XX4K2P"}}),
        layer("certificate", {{"title", "检验报告"}, {"lines", {"样品 延边苹果梨", "农药残留 未检出"}}})}}};
}

json card_basis(int64_t row) {
  const json item = {{"product", fmt::format("p{}", row % 500)},
                     {"variant", "v"},
                     {"sku", "A001"},
                     {"title", "延边苹果梨 5斤装"},
                     {"version", 7}};
  return {{"show", "2026-11-11"},
          {"segment", fmt::format("s{}", row % 40)},
          {"operator", "场控一号"},
          {"programs",
           {{"main",
             {{"layers",
               {{"product_card",
                 {{"item", item},
                  {"price", {{"minor", 3990}, {"currency", "CNY"}}},
                  {"price_confirmed_at", "2026-11-11T12:00:00.000Z"},
                  {"offer", 17},
                  {"note_version", 3}}},
                {"certificate", {{"document", {{"id", "report-1"}, {"version", 2}}}}}}}}}}}};
}

json session_record(const std::string& session, Instant at, const char* event) {
  return {{"type", "session"}, {"utc", format_rfc3339(at)},
          {"program", "main"}, {"session", session},
          {"event", event},    {"fps_num", 30},
          {"fps_den", 1}};
}

void fill(EvidenceBook& book, int64_t rows) {
  for (int64_t row = 0; row < rows;) {
    const Instant at = kBegin + std::chrono::seconds(3 * row);
    const std::string session = fmt::format("S{:08}", row / kRowsPerSession);
    AsRunLines lines{"main",
                     session,
                     static_cast<uint64_t>(row % kRowsPerSession),
                     static_cast<uint64_t>(row % kRowsPerSession + kLinesPerTransaction),
                     {}};
    const auto add = [&](const json& record) {
      lines.lines.emplace_back(need(read_as_run_line(record.dump(), "main", session)));
    };
    if (row % kRowsPerSession == 0) add(session_record(session, at, "started"));
    for (int64_t i = 0; i < kLinesPerTransaction; ++i, ++row)
      add(card_record(row, session, kBegin + std::chrono::seconds(3 * row)));
    if (row % kRowsPerSession == 0)
      add(session_record(session, kBegin + std::chrono::seconds(3 * row), "ended"));
    (void)need(book.take(lines));
    if (row % kRowsPerSession == 0) (void)book.seal("a session has ended");
  }
}

}  // namespace
}  // namespace vitrine::desk

int main(int argc, char** argv) {
  using namespace vitrine;
  using namespace vitrine::desk;
  const int64_t rows = argc > 1 ? std::stoll(argv[1]) : 1'000'000;
  const fakes::TempDir temporary;
  const fs::path directory = argc > 2 ? argv[2] : temporary.path();
  const EvidenceBook::Config config{directory / "evidence", directory / "recordings"};
  std::unique_ptr<EvidenceBook> book;
  timed("first start", [&] {
    book = need(EvidenceBook::open(config));
    return std::string();
  });
  timed("bases noted, each on the disk", [&] {
    for (int64_t i = 0; i < kBases; ++i)
      if (auto noted = book->note_sent(static_cast<uint64_t>(i + 1), card_basis(i)); !noted) std::exit(1);
    return fmt::format("{} of them", kBases);
  });
  timed("rows taken in", [&] {
    fill(*book, rows);
    return fmt::format("{} rows", rows);
  });
  timed("end", [&] {
    book.reset();
    return fmt::format("{} MB on the disk", fs::file_size(directory / "evidence/store.sqlite3") >> 20);
  });
  timed("start", [&] {
    book = need(EvidenceBook::open(config));
    return std::string();
  });
  const EvidenceLookup lookup(*book);
  timed("1000 × what was on screen", [&] {
    for (int64_t i = 0; i < 1000; ++i)
      if (!need(lookup.at("main", kBegin + std::chrono::seconds(3 * (i * rows / 1000) + 1)))["on_air"])
        std::exit(1);
    return std::string();
  });
  timed("a page of 100 rows of an item", [&] {
    EvidenceLookup::Filter filter;
    filter.item = commerce::Ref{"p7", "v"};
    return fmt::format("{} rows", need(lookup.list(filter))["rows"].size());
  });
  timed("a page of a window", [&] {
    EvidenceLookup::Filter filter;
    filter.from = kBegin + std::chrono::seconds(3 * rows / 2);
    filter.until = *filter.from + std::chrono::hours(1);
    return fmt::format("{} rows", need(lookup.list(filter))["rows"].size());
  });
  timed("an item's prices in a session", [&] {
    return fmt::format(
        "{} pieces",
        need(lookup.item_on_air({"p7", "v"}, kBegin, kBegin + std::chrono::hours(1)))["shown"].size());
  });
  timed("the chain checked", [&] {
    const auto verdict = need(verify_chain(book->store()));
    return fmt::format("{} rows, {} seals {}", verdict.rows, verdict.seals, verdict.wrong);
  });
  timed("all of it exported", [&] {
    ExportWish wish;
    wish.from = kBegin;
    wish.until = kBegin + std::chrono::seconds(3 * rows);
    const auto done = need(export_evidence(*book, wish, directory / "export"));
    return fmt::format("{} rows, {} MB", done.last - done.first + 1,
                       fs::file_size(directory / "export/rows.jsonl") >> 20);
  });
  timed("a backup", [&] {
    const auto done = book->store().back_up();
    return done ? std::string() : done.error().message;
  });
  fmt::print("export: {} (time python3 {}/verify.py)\n", (directory / "export").string(),
             (directory / "export").string());
  if (argc <= 2) return std::system(("time python3 " + (directory / "export/verify.py").string()).c_str());
  return 0;
}
