// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/unique_fd.h"
#include "tests/fakes/scripted_catalogue.h"

namespace vitrine::fakes {

/// A shop's server in this process, on loopback, that breaks on command: for what real servers can't be made
/// to do. A connection serves one request. Threads: one a connection; any thread may call.
class ScriptedShop {
 public:
  /// What happens to a request: the first rule that fits and is not spent.
  struct Fault {
    enum class Does { kActs, kIgnores };
    enum class Says {
      kAnswer,    // its own, after `edit`
      kNothing,   // until the client goes
      kReset,     // a reset in the place of an answer
      kHalf,      // half of its own answer, and the end of the connection
      kDrip,      // its own answer, a byte every 20 ms
      kSomething  // `bytes`, then `more_bytes` spaces
    };
    std::string method = {};  // empty: any
    std::string path = {};    // its beginning; empty: any
    int times = 1;            // -1: always
    Does does = Does::kIgnores;
    Says says = Says::kSomething;
    std::string bytes = {};  // a whole answer with its head
    int64_t more_bytes = 0;
    std::chrono::milliseconds delay{0};  // before it does anything
    std::function<std::string(std::string body)> edit = {};
  };

  explicit ScriptedShop(int products = 4, int variants_of_each = 2);
  ~ScriptedShop();
  ScriptedShop(const ScriptedShop&) = delete;
  ScriptedShop& operator=(const ScriptedShop&) = delete;

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  ScriptedCatalogue& catalogue() { return catalogue_; }

  void script(Fault fault);
  /// Breaks a share of all requests, each in one of the ways above.
  void break_at_random(double share, uint64_t seed);
  void heal();
  void set_clock_offset(std::chrono::seconds offset) { clock_offset_s_ = offset.count(); }

  /// "GET /admin/products?…", as they came.
  [[nodiscard]] std::vector<std::string> requests() const;
  [[nodiscard]] int64_t sent_bytes() const { return sent_bytes_; }

  static std::string answer(int status, const std::string& headers, const std::string& body);

 private:
  void accept_loop(const std::stop_token& stop);
  void serve(const UniqueFd& client, const std::stop_token& stop);
  Fault fault_for(const std::string& method, const std::string& target);
  Fault random_fault();
  void say(const UniqueFd& client, const Fault& fault, const ScriptedCatalogue::Reply& reply,
           const std::stop_token& stop);
  bool send(const UniqueFd& client, std::string_view bytes);
  [[nodiscard]] std::string own_answer(const Fault& fault, const ScriptedCatalogue::Reply& reply) const;

  ScriptedCatalogue catalogue_;
  UniqueFd listener_;
  int port_;
  std::atomic<int64_t> clock_offset_s_ = 0;
  std::atomic<int64_t> sent_bytes_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;  // guarded by mutex_, as all below
  std::list<Fault> faults_;
  double broken_share_ = 0;
  std::mt19937_64 random_;
  std::jthread acceptor_;
};

}  // namespace vitrine::fakes
