// SPDX-License-Identifier: Apache-2.0
// How many operations a second come to be on the disk, each in a transaction of its own, for 1 to 32 threads;
// beside it what the disk can do. Wanted: 1000 a second from 8 threads. bench_outbox [DIRECTORY]: on the disk
// to be measured.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "commerce/operations.h"
#include "commerce/outbox.h"
#include "core/unique_fd.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::commerce {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kEach = 3s;

double per_second(int64_t count, Clock::time_point began) {
  return static_cast<double>(count) / std::chrono::duration<double>(Clock::now() - began).count();
}

/// Appends of a journal's line, each waited for.
double syncs_a_second(const std::filesystem::path& directory) {
  const auto path = directory / "syncs";
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  const std::string line(300, 'x');
  const auto began = Clock::now();
  int64_t count = 0;
  for (; Clock::now() - began < kEach; ++count)
    if (::write(fd.get(), line.data(), line.size()) < 0 || ::fdatasync(fd.get()) != 0) return 0;
  return per_second(count, began);
}

double adds_a_second(const std::filesystem::path& directory, int threads) {
  const auto store = Store::open({directory / std::to_string(threads)});
  if (!store) {
    fmt::print(stderr, "{}\n", store.error().message);
    return 0;
  }
  Outbox outbox(**store);
  std::atomic<int64_t> added = 0;
  const auto began = Clock::now();
  {
    std::vector<std::jthread> adders;
    for (int t = 0; t < threads; ++t)
      adders.emplace_back([&, t] {
        for (int64_t i = 0; Clock::now() - began < kEach; ++i) {
          const Ref ref{fmt::format("p{}-{}", t, i % 1000), "v"};
          Operation operation = make_operation("bench", SetStock{ref, i, std::nullopt}, system_now());
          const auto written = (*store)->write([&](SQLite::Database& database) -> Status {
            outbox.add(database, operation);
            return {};
          });
          if (written) ++added;
        }
      });
  }
  return per_second(added, began);
}

}  // namespace
}  // namespace vitrine::commerce

int main(int argc, char** argv) {
  using namespace vitrine::commerce;
  const vitrine::fakes::TempDir temporary;
  const std::filesystem::path directory = argc > 1 ? argv[1] : temporary.path();
  fmt::print("disk alone: {:.0f} fdatasync/s after an append\n", syncs_a_second(directory));
  for (const int threads : {1, 2, 4, 8, 16, 32})
    fmt::print("{:2} threads: {:.0f} durable adds/s\n", threads, adds_a_second(directory, threads));
  return 0;
}
