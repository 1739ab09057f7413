// SPDX-License-Identifier: Apache-2.0
// chaos run …: adds operations by a seed, has them pushed by a process that is killed again and again, over a
// path that breaks, and judges what the shop took. README.md says how.
#include <csignal>
#include <cstdio>
#include <fstream>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "commerce/catalogue.h"
#include "commerce/http_client.h"
#include "commerce/order_book.h"
#include "commerce/puller.h"
#include "judge.h"
#include "run_options.h"
#include "tests/fakes/child_process.h"
#include "tests/fakes/scripted_shop.h"
#include "tests/fakes/temp_dir.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::chaos {

std::vector<std::string> Options::arguments() const {
  return {"--shop",        shop,
          "--url",         url,
          "--credentials", credentials,
          "--directory",   directory,
          "--operations",  std::to_string(operations),
          "--seed",        std::to_string(seed),
          "--rate",        std::to_string(rate),
          "--most-open",   std::to_string(most_open)};
}

namespace {

using namespace std::chrono_literals;
using commerce::Operation;
using nlohmann::json;

struct RunOptions {
  std::string shop_url;           // past what breaks
  std::filesystem::path journal;  // of the path
  std::filesystem::path inventory;
  double kill_every_s = 10;
  double share = 0.2;  // of broken requests, where the shop is the scripted one
};

const commerce::RowRules kRules{{'C', 'N', 'Y'}};

/// Our store, equal to the shop.
bool pull(const Options& options, const std::string& url) {
  auto store = commerce::Store::open({options.directory});
  if (!store) return false;
  commerce::Catalogue catalogue(**store, options.shop, kRules);
  commerce::OrderBook orders(**store, options.shop);
  commerce::Freshness freshness;
  const auto adapter = open_shop(options, url, 10s);
  commerce::Puller::Plan plan;
  commerce::Puller puller({*adapter, catalogue, orders, freshness}, plan, [] {});
  if (!fakes::wait_for([&] { return puller.status().catalogue_at.has_value(); }, 600s)) return false;
  const auto first = *puller.status().catalogue_at;
  puller.reconcile_now();
  if (!fakes::wait_for([&] { return *puller.status().catalogue_at > first; }, 600s)) return false;
  const auto rows = catalogue.list();
  if (!rows || rows->empty()) return false;
  if (std::filesystem::exists(options.plan_file())) return true;
  std::vector<commerce::CatalogueItem> items;
  for (const auto& row : *rows) items.push_back(row.item);
  std::ofstream(options.plan_file()) << to_json(products_of(items));
  return true;
}

/// The paths's faults end.
void heal(const Options& options, fakes::ScriptedShop* shop) {
  if (shop != nullptr) {
    shop->heal();
    return;
  }
  commerce::HttpRequest request;
  request.method = "PUT";
  request.url = options.url + "/__faults";
  request.body = "[]";
  commerce::HttpClient http{commerce::HttpClient::Config{}};
  (void)http.send(request, steady_now() + 10s);
}

struct Lines {
  std::set<std::string> added;
  bool are_all_added = false;
};
Lines said_in(const std::filesystem::path& log) {
  Lines lines;
  std::ifstream file(log);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("added ")) lines.added.insert(line.substr(6));
    lines.are_all_added |= line == "all added";
  }
  return lines;
}

/// Kills the worker until all is added, then lets it end. How often it was killed; nullopt when it failed.
std::optional<int> kill_and_restart(const Options& options, const RunOptions& run,
                                    fakes::ScriptedShop* shop) {
  const auto log = options.directory / "work.log";
  std::vector<std::string> command = {"/proc/self/exe", "work"};
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  command.front() = self;
  for (auto& argument : options.arguments()) command.push_back(argument);
  std::mt19937_64 random(options.seed);
  const auto until_kill = [&] {  // a tenth to nearly twice of it: at any moment
    return std::chrono::milliseconds(
        static_cast<int64_t>(run.kill_every_s * 100) +
        static_cast<int64_t>(random() % static_cast<uint64_t>(run.kill_every_s * 1800)));
  };
  for (int kills = 0;; ++kills) {
    fakes::ChildProcess worker(command, log);
    const auto at = std::chrono::steady_clock::now() + until_kill();
    while (worker.is_running() && std::chrono::steady_clock::now() < at) std::this_thread::sleep_for(20ms);
    if (!worker.is_running()) return worker.wait() == 0 ? std::optional(kills) : std::nullopt;
    if (kills % 10 == 0) {
      const auto lines = said_in(log);
      fmt::print("{} killed, {} added\n", kills, lines.added.size());
      if (lines.are_all_added) {
        heal(options, shop);
        return worker.wait() == 0 ? std::optional(kills) : std::nullopt;
      }
    }
    worker.signal(SIGKILL);
    worker.wait();
  }
}

std::vector<Operation> outbox_of(const Options& options) {
  auto store = commerce::Store::open({options.directory});
  if (!store) return {};
  auto operations = commerce::Outbox(**store).list(options.shop, INT32_MAX);
  if (!operations) return {};
  std::ranges::reverse(*operations);
  return std::move(*operations);
}

ShopJournal journal_of(const RunOptions& run, fakes::ScriptedShop* shop) {
  if (shop == nullptr) return read_journal(run.journal);
  ShopJournal journal;
  for (const auto& write : shop->catalogue().writes())
    journal.push_back({{"method", write.method},
                       {"path", write.path},
                       {"body", write.body},
                       {"status", 200},
                       {"answer", write.answer}});
  return journal;
}

bool report(const Options& options, const RunOptions& run, fakes::ScriptedShop* shop, int kills) {
  std::ifstream plan(options.plan_file());
  std::map<std::string, std::string> variants;
  std::ifstream inventory(run.inventory);
  for (std::string item, variant; inventory >> item >> variant;) variants[item] = variant;
  const auto operations = outbox_of(options);
  const auto verdict = judge(products_from(json::parse(plan)), operations, journal_of(run, shop), variants);
  std::set<std::string> in_outbox;
  for (const auto& operation : operations) in_outbox.insert(operation.id);
  int64_t forgotten = options.operations - verdict.added;
  for (const auto& id : said_in(options.directory / "work.log").added)
    forgotten += in_outbox.contains(id) ? 0 : 1;
  for (const auto& detail : verdict.details) fmt::print("{}\n", detail);
  fmt::print(
      "seed {}: {} added, {} superseded unsent, {} done, {} rejected, {} open; {} attempts, {} writes taken "
      "by the shop\n"
      "killed {} times; forgotten {}, lost {}, doubled {}, out of order {}; taken off twice {}\n",
      options.seed, verdict.added, verdict.superseded, verdict.done, verdict.rejected, verdict.open,
      verdict.attempts, verdict.taken, kills, forgotten, verdict.lost, verdict.doubled, verdict.out_of_order,
      verdict.repeated);
  return verdict.is_clean() && forgotten == 0 && verdict.taken > 0;
}

int run_chaos(Options options, RunOptions run) {
  std::optional<fakes::TempDir> directory;
  if (options.directory.empty()) options.directory = directory.emplace().path();
  std::filesystem::create_directories(options.directory);
  std::unique_ptr<fakes::ScriptedShop> shop;
  if (options.shop == "scripted") {
    shop = std::make_unique<fakes::ScriptedShop>(128, 2);
    run.shop_url = options.url = shop->url();
    options.credentials = options.directory / "credentials.json";
    std::ofstream(options.credentials) << R"({"adminUser":"shop@example.com","adminPassword":"x"})";
  }
  fmt::print("seed {}, {} operations, {} at {}, in {}\n", options.seed, options.operations, options.shop,
             run.shop_url, options.directory.string());
  if (!pull(options, run.shop_url)) {
    fmt::print("the shop's items can't be read\n");
    return 1;
  }
  if (shop) shop->break_at_random(run.share, options.seed);
  const auto kills = kill_and_restart(options, run, shop.get());
  if (shop) shop->heal();
  if (!kills) {
    fmt::print("the worker failed:\n{}\n", fakes::read_file(options.directory / "work.log"));
    return 1;
  }
  if (!pull(options, run.shop_url)) {
    fmt::print("the shop's items can't be read again\n");
    return 1;
  }
  const bool is_clean = report(options, run, shop.get(), *kills);
  const auto compared = fakes::run({VITRINE_SOURCE_DIR "/tests/chaos/compare", options.shop, run.shop_url,
                                    options.credentials, options.directory / "store.sqlite3"});
  fmt::print("{}{}", compared.output, compared.errors);
  return is_clean && compared.exit_code == 0 ? 0 : 1;
}

}  // namespace
}  // namespace vitrine::chaos

int main(int argc, char** argv) {
  using namespace vitrine::chaos;
  (void)std::setvbuf(stdout, nullptr, _IOLBF, 0);  // somebody watches
  CLI::App app{"Random operations over a path that breaks, by a process that is killed"};
  app.require_subcommand(1);
  Options options;
  RunOptions run;
  auto* running = app.add_subcommand("run", "all of it");
  auto* judging = app.add_subcommand("judge", "what a run left behind, once more");
  auto* working = app.add_subcommand("work", "the process that is killed");
  for (auto* command : {running, working, judging}) {
    command->add_option("--shop", options.shop);
    command->add_option("--url", options.url);
    command->add_option("--credentials", options.credentials);
    command->add_option("--directory", options.directory);
    command->add_option("--operations", options.operations);
    command->add_option("--seed", options.seed);
    command->add_option("--rate", options.rate);
    command->add_option("--most-open", options.most_open);
  }
  running->add_option("--shop-url", run.shop_url, "past what breaks");
  for (auto* command : {running, judging}) {
    command->add_option("--journal", run.journal, "what the path wrote down");
    command->add_option("--inventory", run.inventory, "inventory item and variant, a line each (Medusa)");
  }
  running->add_option("--kill-every", run.kill_every_s, "seconds");
  running->add_option("--share", run.share, "of broken requests (scripted shop)");
  CLI11_PARSE(app, argc, argv);
  if (*judging) return report(options, run, nullptr, 0) ? 0 : 1;
  return *working ? work(options) : run_chaos(options, run);
}
