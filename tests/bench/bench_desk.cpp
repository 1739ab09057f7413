// SPDX-License-Identifier: Apache-2.0
// The desk beside the studio at 1080p30, with 10,000 items: Start to the first coded picture at the RTMP
// server, a price's change to its first frame, what 100 WebSockets and 1,000 reads a second cost the media
// plane, and the desk's memory. Wanted: below 1 s; p99 below 500 ms; 0 late frames; below 100 MB with
// 1,000,000 rows of evidence.
//   bench_desk --footage clip.mp4 [--changes 200] [--seconds 20] [--evidence DIRECTORY]
// DIRECTORY: evidence that bench_evidence made there; it is copied.
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <optional>
#include <poll.h>
#include <sodium.h>
#include <stdexcept>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "core/rfc3339.h"
#include "core/unique_fd.h"
#include "process_tree.h"
#include "tests/e2e/show.h"
#include "tests/fakes/wait_for.h"
#include "watch.h"

namespace vitrine::bench {
namespace {

using namespace std::chrono_literals;
using e2e::Show;
using nlohmann::json;

constexpr int kItems = 10'000;
constexpr int kStarts = 5;
constexpr int kSockets = 100;
constexpr int kReaders = 4;
constexpr int kReadsASecond = 1000;
constexpr MediaTime kEvery = MediaTime(1s) * kReaders / kReadsASecond;

struct Options {
  std::string footage;
  std::string evidence;
  int changes = 200;
  int seconds = 20;
};

double ms(MediaTime time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

void print(const char* what, std::vector<double> values, const char* unit) {
  std::ranges::sort(values);
  const auto at = [&](double share) {
    return values.at(static_cast<size_t>(share * static_cast<double>(values.size() - 1)));
  };
  std::printf("%-52s p50 %7.1f  p99 %7.1f  worst %7.1f %s of %zu\n", what, at(0.5), at(0.99), values.back(),
              unit, values.size());
}

std::string table(int first, int count, int64_t fen) {
  std::string text = "编号,商品名称,售价,库存\n";
  for (int i = first; i < first + count; ++i)
    text += fmt::format("A{:05},商品 {},{}.{:02},50\n", i, i, (fen + i) / 100, (fen + i) % 100);
  return text;
}

/// Somebody at the desk's socket.
class Caller {
 public:
  explicit Caller(const std::filesystem::path& socket)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket.string().copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("the desk does not answer");
  }
  void say(const std::string& text) const {
    if (::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) throw std::runtime_error("it hung up");
  }
  /// One answer with a content-length.
  void hear() {
    for (;;) {
      const size_t head = heard_.find("\r\n\r\n");
      const size_t length = heard_.find("Content-Length: ");
      if (head != std::string::npos && length < head) {
        const size_t whole = head + 4 + std::stoul(heard_.substr(length + 16));
        if (heard_.size() >= whole) {
          heard_.erase(0, whole);
          return;
        }
      }
      if (take() <= 0) throw std::runtime_error("it hung up");
    }
  }
  ssize_t take() {
    std::array<char, 65536> part{};
    const ssize_t got = ::recv(fd_.get(), part.data(), part.size(), 0);
    if (got > 0) heard_.append(part.data(), static_cast<size_t>(got));
    return got;
  }
  void forget() { heard_.clear(); }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  std::string heard_;
};

class Bench {
 public:
  explicit Bench(Options options) : options_(std::move(options)), show_(config()) {
    if (!options_.evidence.empty()) {
      show_.kill_desk();
      std::filesystem::remove_all(show_.directory() / "state" / "evidence");
      std::filesystem::copy(options_.evidence, show_.directory() / "state" / "evidence",
                            std::filesystem::copy_options::recursive);
      show_.start_desk();
    }
    import(table(1, kItems, 1000));
    if (!fakes::wait_for([&] { return show_.api("GET", "/items?limit=1")["total"] == kItems; }))
      throw std::runtime_error("the items did not come in");
    show_.wait_for_cameras();
  }

  void run() {
    starts();
    prices();
    looks();
    load();
    std::printf("%-52s %7.1f MB\n",
                fmt::format("desk's memory (PSS) with {} items, {} rows of evidence", kItems,
                            show_.api("GET", "/evidence?limit=1")["rows"][0]["sequence"].get<int64_t>())
                    .c_str(),
                pss_of_tree(show_.pid_of_desk()).value_or(-1));
  }

 private:
  [[nodiscard]] e2e::ShowConfig config() const {
    e2e::ShowConfig config;
    config.cameras = {{"counter", fmt::format("file={},video=h264", options_.footage), "tcp", ""}};
    config.size = {1920, 1080};
    config.video_kbps = 4000;
    config.desk = e2e::DeskConfig{.commerce = "backend = \"local\"", .more = "", .credentials = {}};
    return config;
  }
  [[nodiscard]] std::filesystem::path socket() const { return show_.directory() / "run" / "desk.sock"; }
  void import(const std::string& rows) const {
    std::string base64(sodium_base64_encoded_len(rows.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(base64.data(), base64.size(), reinterpret_cast<const unsigned char*>(rows.data()),
                      rows.size(), sodium_base64_VARIANT_ORIGINAL);
    base64.pop_back();  // what ends a string in C
    show_.api("POST", "/items/import", {{"table", base64}, {"photos", json::array()}, {"trial", false}});
  }
  [[nodiscard]] int64_t new_show() {
    const json item = {{"kind", "item"}, {"item", {{"product", "A00001"}, {"variant", ""}}}};
    return show_.api("POST", "/shows", {{"plan", {{"rundown", json::array({item})}}}})["id"];
  }
  void go_off_air() {
    show_.api("POST", "/live/stop", json::object());
    show_.wait_until([](const json& status) { return status["programs"][0]["state"] == "off air"; });
  }

  void starts() {
    std::vector<double> times;
    for (int i = 0; i < kStarts; ++i) {
      const int64_t id = new_show();
      const size_t earlier = show_.first().recordings("show").size();
      std::this_thread::sleep_for(1100ms);  // nginx names its recordings by the second
      const MediaTime begin = steady_now();
      std::thread start([&] { show_.api("POST", "/live/start", {{"show", id}}); });
      std::optional<CodedPictures> pictures;
      while (!pictures || pictures->count() == 0) {
        const auto files = show_.first().recordings("show");
        if (!pictures && files.size() > earlier) pictures.emplace(files.back());
        std::this_thread::sleep_for(kLookEvery);
      }
      times.push_back(ms(steady_now() - begin));
      start.join();
      if (i + 1 < kStarts) go_off_air();
    }
    print("Start to the first coded picture at the server", times, "ms");
  }

  void prices() {
    std::vector<double> times;
    for (int i = 1; i <= options_.changes; ++i) {
      const int64_t price = 2000 + 7 * i;
      import(table(1, 1, price - 1));
      const Instant committed_at = system_now();
      json on;
      if (!fakes::wait_for([&] {
            on = show_.on_screen();
            const json card = e2e::layer_in(on, "card");
            return card.is_object() && card["data"]["price"]["minor"] == price;
          }))
        throw std::runtime_error("a price did not come on air");
      times.push_back(std::chrono::duration<double, std::milli>(*parse_rfc3339(on["utc"].get<std::string>()) -
                                                                committed_at)
                          .count());
    }
    print("a price in the store to its first frame", times, "ms");
  }

  /// What it costs to look, each second of a show, at everything that decides what is shown.
  void looks() {
    const auto used = [&] { return cpu_of_tree(show_.pid_of_desk()); };
    const auto before = used();
    std::this_thread::sleep_for(std::chrono::seconds(options_.seconds));
    auto after = used();
    std::printf("%-52s %7.2f ms of CPU a second; the whole desk %.2f\n",
                "the stage's looks, with nothing to do",
                (after.threads_ms["vitrine-desk stage"] - before.threads_ms.at("vitrine-desk stage")) /
                    options_.seconds,
                (after.cpu_ms - before.cpu_ms) / options_.seconds);
  }

  void load() {
    const auto late = [&] {
      const auto frames = show_.status()["programs"][0]["frames"];
      return frames["late"].get<int64_t>() + frames["skipped"].get<int64_t>();
    };
    const auto put_out = [&] { return show_.status()["programs"][0]["frames"]["put_out"].get<int64_t>(); };
    std::vector<Caller> sockets;
    for (int i = 0; i < kSockets; ++i) {
      sockets.emplace_back(socket());
      sockets.back().say(
          "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");
    }
    std::atomic<bool> is_over = false;
    std::atomic<int64_t> events_bytes = 0;
    std::thread hearing([&] {
      std::vector<pollfd> polled;
      for (const auto& socket : sockets) polled.push_back({socket.fd(), POLLIN, 0});
      while (!is_over) {
        ::poll(polled.data(), polled.size(), 50);
        for (size_t i = 0; i < polled.size(); ++i) {
          if (polled[i].revents == 0) continue;
          events_bytes += std::max<ssize_t>(0, sockets[i].take());
          sockets[i].forget();
        }
      }
    });
    const int64_t late_before = late();
    const int64_t frames_before = put_out();
    const auto cpu_before = cpu_of_tree(show_.pid_of_desk()).cpu_ms;
    std::vector<std::vector<double>> times(kReaders);
    std::vector<std::thread> readers;
    const MediaTime end = steady_now() + std::chrono::seconds(options_.seconds);
    for (auto& mine : times)
      readers.emplace_back([&] {
        Caller caller(socket());
        for (MediaTime next = steady_now(); next < end; next += kEvery) {
          std::this_thread::sleep_for(next - steady_now());
          const MediaTime asked = steady_now();
          caller.say("GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
          caller.hear();
          mine.push_back(ms(steady_now() - asked));
        }
      });
    for (auto& reader : readers) reader.join();
    const auto cpu = cpu_of_tree(show_.pid_of_desk()).cpu_ms - cpu_before;
    is_over = true;
    hearing.join();
    std::vector<double> all;
    for (const auto& mine : times) all.insert(all.end(), mine.begin(), mine.end());
    print(fmt::format("{:.0f} reads a second beside {} WebSockets",
                      static_cast<double>(all.size()) / options_.seconds, kSockets)
              .c_str(),
          all, "ms");
    std::printf("%-52s %lld of %lld; %.1f %% of a core in the desk, %lld KB of events\n",
                "late and skipped frames meanwhile", static_cast<long long>(late() - late_before),
                static_cast<long long>(put_out() - frames_before), cpu / options_.seconds / 10,
                static_cast<long long>(events_bytes / 1024));
  }

  const Options options_;
  Show show_;
};

}  // namespace
}  // namespace vitrine::bench

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  vitrine::bench::Options options;
  CLI::App app("The desk beside the studio.", "bench_desk");
  app.add_option("--footage", options.footage, "A clip for the camera")->required();
  app.add_option("--changes", options.changes)->capture_default_str();
  app.add_option("--seconds", options.seconds, "Of load")->capture_default_str();
  app.add_option("--evidence", options.evidence, "evidence/ that bench_evidence made");
  CLI11_PARSE(app, argc, argv);
  vitrine::bench::Bench(options).run();
}
