// SPDX-License-Identifier: Apache-2.0
// What it costs to take 10,000 items from a real shop, to take 100 changes of them, and to find nothing new:
// wall time, our own CPU, the shop's. The work is the puller's, step by step, so that asking and storing can
// be told apart.
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <time.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "commerce/adapters/medusa.h"
#include "commerce/adapters/vendure.h"
#include "commerce/catalogue.h"
#include "process_tree.h"
#include "tests/fakes/child_process.h"
#include "tests/fakes/sockets.h"
#include "tests/fakes/temp_dir.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::bench {
namespace {

using namespace commerce;
using Millis = std::chrono::duration<double, std::milli>;

struct Options {
  std::vector<std::string> shops = {"vendure", "medusa"};
  std::string directory;
  int items = 10'000;
  int changes = 100;
};

const std::string kShops = VITRINE_SOURCE_DIR "/tests/peers/shops/";

constexpr std::chrono::minutes kPatience{2};  // a busy machine's shop is slow, and that is the figure

Adapter::Deadline in_two_minutes() {
  return {steady_now() + kPatience};
}

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

void must(const Status& done) {
  if (!done) throw std::runtime_error(done.error().message);
}

double own_cpu_ms() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return 1000.0 * static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e6;
}

double peak_memory_mib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// A shop of so many items, on data that are kept from one run to the next.
class LargeShop {
 public:
  LargeShop(std::string name, const Options& options)
      : name_(std::move(name)),
        ready_({kShops + "ready", name_, options.directory + "/" + name_, std::to_string(fakes::free_port())},
               log_.path() / "log") {
    const auto says_where = [&] {
      std::ifstream lines(log_.path() / "log");
      for (std::string line; std::getline(lines, line);) {
        const auto said = nlohmann::json::parse(line, nullptr, false);
        if (said.is_object()) said.at("url").get_to(url_), said.at("credentials").get_to(credentials_);
      }
      return !url_.empty() || !ready_.is_running();
    };
    fakes::wait_for(says_where, std::chrono::minutes(15));
    if (url_.empty()) throw std::runtime_error(fakes::read_file(log_.path() / "log"));
    many("grow", options.items);
  }
  ~LargeShop() {
    ready_.signal(SIGTERM);
    ready_.wait();
  }
  LargeShop(const LargeShop&) = delete;
  LargeShop& operator=(const LargeShop&) = delete;

  void many(const std::string& what, int items) const {
    const auto done = fakes::run({kShops + "many", name_, url_, credentials_, what, std::to_string(items)});
    if (done.exit_code != 0) throw std::runtime_error(done.errors);
  }
  [[nodiscard]] double cpu_ms() const { return cpu_of_tree(ready_.pid()).cpu_ms; }

  [[nodiscard]] std::unique_ptr<Adapter> open() const {
    const auto known = nlohmann::json::parse(std::ifstream(credentials_));
    Secret credential(known.at("adminUser").get<std::string>() + ":" +
                      known.at("adminPassword").get<std::string>());
    if (name_ == "medusa") {
      MedusaAdapter::Config config;
      config.url = url_;
      config.http.timeout = kPatience;
      return must(MedusaAdapter::open(std::move(config), std::move(credential), in_two_minutes()));
    }
    VendureAdapter::Config config;
    config.url = url_;
    config.http.timeout = kPatience;
    return must(VendureAdapter::open(std::move(config), std::move(credential), in_two_minutes()));
  }

 private:
  const std::string name_;
  const fakes::TempDir log_;
  fakes::ChildProcess ready_;
  std::string url_;
  std::string credentials_;
};

/// Of one pull.
struct Cost {
  Millis asking{};
  double asking_cpu_ms = 0;
  Millis storing{};
  double storing_cpu_ms = 0;
  double shop_cpu_ms = 0;
  int pages = 0;
  Catalogue::Applied applied;
};

void time(Millis& wall, double& cpu_ms, const std::function<void()>& work) {
  const MediaTime began = steady_now();
  const double cpu_before = own_cpu_ms();
  work();
  wall += steady_now() - began;
  cpu_ms += own_cpu_ms() - cpu_before;
}

Cost pull(const LargeShop& shop, Adapter& adapter, Catalogue& catalogue) {
  Cost cost;
  const double shop_before = shop.cpu_ms();
  std::string cursor = must(catalogue.cursor());
  for (bool is_complete = false; !is_complete; ++cost.pages) {
    ChangedItems page;
    time(cost.asking, cost.asking_cpu_ms, [&] { page = must(adapter.changes(cursor, in_two_minutes())); });
    time(cost.storing, cost.storing_cpu_ms, [&] {
      const auto applied = must(catalogue.apply(page, system_now()));
      cost.applied.added += applied.added;
      cost.applied.changed += applied.changed;
      cost.applied.unchanged += applied.unchanged;
      cost.applied.refused += applied.refused;
    });
    is_complete = page.is_complete;
    cursor = page.next_cursor;
  }
  cost.shop_cpu_ms = shop.cpu_ms() - shop_before;
  return cost;
}

void print(const std::string& name, const char* what, const Cost& cost) {
  const Millis wall = cost.asking + cost.storing;
  const double own = cost.asking_cpu_ms + cost.storing_cpu_ms;
  fmt::print("{:<8} {:<22} {:>7} {:>6} {:>9.0f} {:>9.0f} {:>9.0f} {:>9.0f} {:>6.1f}% {:>9.0f} {:>7.0f}\n",
             name, what,
             cost.applied.added + cost.applied.changed + cost.applied.unchanged + cost.applied.refused,
             cost.pages, wall.count(), cost.asking_cpu_ms, cost.storing_cpu_ms, cost.storing.count(),
             100 * own / wall.count(), cost.shop_cpu_ms, peak_memory_mib());
  std::fflush(stdout);  // each takes minutes
}

void measure(const std::string& name, const Options& options) {
  fmt::print(stderr, "{}: a shop of {} items…\n", name, options.items);
  const LargeShop shop(name, options);
  const fakes::TempDir dir;
  const auto store = must(Store::open({dir.path()}));
  const auto adapter = shop.open();
  Catalogue catalogue(*store, name, {{'C', 'N', 'Y'}});
  print(name, "first full sync", pull(shop, *adapter, catalogue));
  print(name, "nothing new", pull(shop, *adapter, catalogue));
  shop.many("change", options.changes);
  const Cost changes = pull(shop, *adapter, catalogue);
  print(name, fmt::format("{} changes", options.changes).c_str(), changes);
  if (changes.applied.changed < options.changes)
    throw std::runtime_error(fmt::format("{} of {} changes came", changes.applied.changed, options.changes));
  must(catalogue.forget_cursor());
  print(name, "everything again", pull(shop, *adapter, catalogue));
}

std::string kept_shops() {
  for (const auto& [variable, below] :
       {std::pair{"VITRINE_SHOPS_CACHE", "/many"}, std::pair{"HOME", "/.cache/vitrine/shops/many"}})
    if (const char* value = std::getenv(variable)) return std::string(value) + below;
  return VITRINE_BIN_DIR "/../shops";
}

}  // namespace
}  // namespace vitrine::bench

int main(int argc, char** argv) {
  using namespace vitrine::bench;
  Options options;
  options.directory = kept_shops();
  CLI::App app("A large shop's catalogue, from its server into the store");
  app.add_option("--shop", options.shops, "vendure, medusa; both when not given");
  app.add_option("--items", options.items, "How many the shop has")->capture_default_str();
  app.add_option("--data", options.directory, "Where the shops are kept")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  fmt::print("{:<8} {:<22} {:>7} {:>6} {:>9} {:>9} {:>9} {:>9} {:>7} {:>9} {:>7}\n", "shop", "pull", "rows",
             "pages", "wall ms", "CPU ask", "CPU store", "store ms", "ours", "shop CPU", "MiB");
  try {
    for (const auto& name : options.shops) measure(name, options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_sync: {}\n", error.what());
    return 1;
  }
  return 0;
}
