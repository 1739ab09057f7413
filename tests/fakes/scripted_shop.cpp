// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/scripted_shop.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <optional>
#include <poll.h>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "tests/fakes/sockets.h"

namespace vitrine::fakes {
namespace {

using namespace std::chrono_literals;

constexpr int kShopTickMs = 20;

/// Waits, but not when it is time to go; false then.
bool rest(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  return !never.wait_for(lock, stop, time, [&] { return stop.stop_requested(); });
}

bool is_readable(const UniqueFd& fd) {
  pollfd waited{fd.get(), POLLIN, 0};
  return ::poll(&waited, 1, kShopTickMs) > 0;
}

struct Received {
  std::string method;
  std::string target;
  std::string body;
};
/// nullopt: the client went before it had said all.
std::optional<Received> receive(const UniqueFd& client, const std::stop_token& stop) {
  std::string bytes;
  size_t wanted = std::string::npos;
  while (bytes.size() < wanted) {
    if (stop.stop_requested()) return std::nullopt;
    if (!is_readable(client)) continue;
    std::array<char, 16384> part{};
    const ssize_t got = ::recv(client.get(), part.data(), part.size(), 0);
    if (got <= 0) return std::nullopt;
    bytes.append(part.data(), static_cast<size_t>(got));
    const size_t head = bytes.find("\r\n\r\n");
    if (head == std::string::npos || wanted != std::string::npos) continue;
    std::string names = bytes.substr(0, head);
    std::ranges::transform(names, names.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
    const size_t length = names.find("content-length: ");
    wanted = head + 4 + (length == std::string::npos ? 0 : std::stoul(names.substr(length + 16)));
  }
  const size_t first = bytes.find(' ');
  const size_t second = bytes.find(' ', first + 1);
  return Received{bytes.substr(0, first), bytes.substr(first + 1, second - first - 1),
                  bytes.substr(bytes.find("\r\n\r\n") + 4)};
}

}  // namespace

ScriptedShop::ScriptedShop(int products, int variants_of_each)
    : catalogue_(products, variants_of_each), listener_(listen_on_loopback()), port_(port_of(listener_)) {
  acceptor_ = std::jthread([this](const std::stop_token& stop) { accept_loop(stop); });
}

ScriptedShop::~ScriptedShop() {
  acceptor_.request_stop();
  acceptor_.join();
}

void ScriptedShop::script(Fault fault) {
  const std::lock_guard lock(mutex_);
  faults_.push_back(std::move(fault));
}

void ScriptedShop::break_at_random(double share, uint64_t seed) {
  const std::lock_guard lock(mutex_);
  broken_share_ = share;
  random_.seed(seed);
}

void ScriptedShop::heal() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
  broken_share_ = 0;
}

std::vector<std::string> ScriptedShop::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::string ScriptedShop::answer(int status, const std::string& headers, const std::string& body) {
  return fmt::format("HTTP/1.1 {} x\r\n{}content-length: {}\r\nconnection: close\r\n\r\n{}", status, headers,
                     body.size(), body);
}

void ScriptedShop::accept_loop(const std::stop_token& stop) {
  struct Connection {
    std::atomic<bool> is_over = false;
  };
  std::list<std::pair<std::shared_ptr<Connection>, std::jthread>> connections;
  while (!stop.stop_requested()) {
    if (!is_readable(listener_)) continue;
    UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client.is_open()) continue;
    connections.remove_if([](const auto& entry) { return entry.first->is_over.load(); });
    auto state = std::make_shared<Connection>();
    connections.emplace_back(state, [this, state, fd = std::move(client)](const std::stop_token& ending) {
      serve(fd, ending);
      state->is_over = true;
    });
  }
}

void ScriptedShop::serve(const UniqueFd& client, const std::stop_token& stop) {
  const auto request = receive(client, stop);
  if (!request) return;
  const Fault fault = fault_for(request->method, request->target);
  if (fault.delay > 0ms && !rest(fault.delay, stop)) return;
  ScriptedCatalogue::Reply reply;
  if (fault.does == Fault::Does::kActs)
    reply = catalogue_.act(request->method, request->target, request->body);
  say(client, fault, reply, stop);
}

ScriptedShop::Fault ScriptedShop::fault_for(const std::string& method, const std::string& target) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(method + " " + target);
  for (auto& fault : faults_) {
    if (fault.times == 0 || (!fault.method.empty() && fault.method != method) ||
        !target.starts_with(fault.path))
      continue;
    if (fault.times > 0) --fault.times;
    return fault;
  }
  if (std::uniform_real_distribution<>(0, 1)(random_) < broken_share_) return random_fault();
  return {.does = Fault::Does::kActs, .says = Fault::Says::kAnswer};
}

ScriptedShop::Fault ScriptedShop::random_fault() {
  using enum Fault::Does;
  using enum Fault::Says;
  const std::string refusal = R"({"type":"unknown_error","message":"injected"})";
  const std::array<Fault, 9> ways = {{
      {.bytes = answer(429, "retry-after: 0\r\n", refusal)},
      {.bytes = answer(500, "", refusal)},
      {.does = kActs, .bytes = answer(500, "", refusal)},
      {.says = kReset},
      {.does = kActs, .says = kReset},
      {.does = kActs, .says = kHalf},
      {.says = kNothing},
      {.does = kActs, .says = kNothing},
      {.does = kActs, .says = kAnswer, .delay = 3500ms},
  }};
  return ways.at(std::uniform_int_distribution<size_t>(0, ways.size() - 1)(random_));
}

std::string ScriptedShop::own_answer(const Fault& fault, const ScriptedCatalogue::Reply& reply) const {
  std::string body = reply.body.dump();
  if (fault.edit) body = fault.edit(std::move(body));
  const auto now = std::chrono::system_clock::now() + std::chrono::seconds(clock_offset_s_.load());
  const std::string date = fmt::format("date: {:%a, %d %b %Y %H:%M:%S} GMT\r\n",
                                       fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
  return answer(reply.status, date + "content-type: application/json\r\n", body);
}

void ScriptedShop::say(const UniqueFd& client, const Fault& fault, const ScriptedCatalogue::Reply& reply,
                       const std::stop_token& stop) {
  switch (fault.says) {
    case Fault::Says::kAnswer:
      (void)send(client, own_answer(fault, reply));
      return;
    case Fault::Says::kNothing:
      while (!stop.stop_requested() && !is_readable(client)) {
      }  // what can be read is the client's end
      return;
    case Fault::Says::kReset:
      reset_on_close(client.get());
      return;
    case Fault::Says::kHalf: {
      const std::string whole = own_answer(fault, reply);
      (void)send(client, std::string_view(whole).substr(0, whole.size() - reply.body.dump().size() / 2));
      return;
    }
    case Fault::Says::kDrip:
      for (const char byte : own_answer(fault, reply))
        if (!send(client, std::string_view(&byte, 1)) || !rest(20ms, stop)) return;
      return;
    case Fault::Says::kSomething: {
      if (!send(client, fault.bytes)) return;
      const std::string spaces(65536, ' ');
      for (int64_t left = fault.more_bytes; left > 0 && !stop.stop_requested(); left -= 65536)
        if (!send(client, spaces)) return;
      return;
    }
  }
}

bool ScriptedShop::send(const UniqueFd& client, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    sent_bytes_ += sent;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

}  // namespace vitrine::fakes
