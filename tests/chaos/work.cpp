// SPDX-License-Identifier: Apache-2.0
// The process that is killed.
#include <atomic>
#include <cstdio>
#include <fstream>
#include <thread>
#include <unistd.h>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "commerce/adapters/medusa.h"
#include "commerce/adapters/vendure.h"
#include "commerce/pusher.h"
#include "plan.h"
#include "run_options.h"

namespace vitrine::chaos {
namespace {

using namespace std::chrono_literals;
using commerce::Operation;
using nlohmann::json;

/// A line that is out when we are killed the moment after.
void say(const std::string& line) {
  const std::string whole = line + "\n";
  if (::write(STDOUT_FILENO, whole.data(), whole.size()) < 0) std::perror("saying what was added");
}

int64_t count(commerce::Store& store, const std::string& where) {
  int64_t found = -1;
  const auto read = store.read([&](SQLite::Database& database) -> Status {
    found = database.execAndGet("SELECT count(*) FROM outbox" + where).getInt64();
    return {};
  });
  if (!read) fmt::print(stderr, "{}\n", read.error().message);
  return found;
}

constexpr const char* kOpen = " WHERE state IN ('queued', 'sending', 'unknown')";

}  // namespace

std::unique_ptr<commerce::Adapter> open_shop(const Options& options, const std::string& url,
                                             std::chrono::milliseconds request_timeout) {
  std::ifstream file(options.credentials);
  const json known = json::parse(file);
  const std::string credential =
      known["adminUser"].get<std::string>() + ":" + known["adminPassword"].get<std::string>();
  const auto open = [&]() -> Result<std::unique_ptr<commerce::Adapter>> {
    const commerce::Adapter::Deadline deadline{steady_now() + 20s};
    if (options.shop == "vendure") {
      commerce::VendureAdapter::Config config;
      config.url = url;
      config.http.timeout = request_timeout;
      config.fields = {.presale = "presale",
                       .reference_price = "compareAtPrice",
                       .timed_price = "promoPrice",
                       .timed_from = "promoStartsAt",
                       .timed_until = "promoEndsAt",
                       .timed_operation = "promoOperation"};
      return commerce::VendureAdapter::open(std::move(config), Secret(credential), deadline);
    }
    commerce::MedusaAdapter::Config config;
    config.url = url;
    config.http.timeout = request_timeout;
    return commerce::MedusaAdapter::open(std::move(config), Secret(credential), deadline);
  };
  for (;;) {
    auto opened = open();
    if (opened) return std::move(*opened);
    fmt::print(stderr, "{}\n", opened.error().message);
    std::this_thread::sleep_for(50ms);
  }
}

int work(const Options& options) {
  auto store = commerce::Store::open({options.directory});
  if (!store) {
    fmt::print(stderr, "{}\n", store.error().message);
    return 1;
  }
  std::ifstream file(options.plan_file());
  Plan plan(products_from(json::parse(file)), options.seed, options.shop);
  int64_t added = count(**store, "");
  for (int64_t i = 0; i < added; ++i) (void)plan.next(system_now());

  commerce::Outbox outbox(**store);
  commerce::Freshness freshness;
  std::unique_ptr<commerce::Adapter> adapter;
  std::unique_ptr<commerce::Pusher> pusher;
  std::atomic<commerce::Pusher*> open_pusher =
      nullptr;  // once the shop lets us in; what is wished before waits
  std::jthread opener([&] {
    // What a request may take and how long is waited, all shorter than where a show is run: much is to
    // happen.
    adapter = open_shop(options, options.url, 3000ms);
    pusher = std::make_unique<commerce::Pusher>(
        commerce::Pusher::Parts{*adapter, outbox, freshness, options.shop},
        commerce::Pusher::Config{.threads = 8, .first_wait = 50ms, .longest_wait = 2000ms, .settle = 8000ms},
        [](const Operation& operation, Operation::State state, const std::string& why) {
          if (state == Operation::State::kRejected)
            fmt::print(stderr, "{} rejected: {}\n", operation.id, why);
        });
    open_pusher = pusher.get();
  });
  const auto began = std::chrono::steady_clock::now();
  for (int64_t here = 0; added < options.operations; ++here) {
    std::this_thread::sleep_until(began + here * 1s / options.rate);
    while (count(**store, kOpen) >= options.most_open) std::this_thread::sleep_for(20ms);
    Operation operation = plan.next(system_now());
    const auto written = (*store)->write([&](SQLite::Database& database) -> Status {
      outbox.add(database, operation);
      return {};
    });
    if (!written) {
      fmt::print(stderr, "{}: {}\n", operation.id, written.error().message);
      return 1;
    }
    say("added " + operation.id);
    ++added;
    if (auto* pushing = open_pusher.load()) pushing->poke();
  }
  say("all added");
  opener.join();
  while (count(**store, kOpen) > 0) std::this_thread::sleep_for(100ms);
  return 0;
}

}  // namespace vitrine::chaos
