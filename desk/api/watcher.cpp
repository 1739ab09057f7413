// SPDX-License-Identifier: Apache-2.0
#include "desk/api/watcher.h"

#include <fmt/format.h>

#include "core/json_text.h"
#include "core/text_rules.h"

namespace vitrine::desk {
namespace {

namespace asio = boost::asio;
using boost::beast::websocket::close_code;

constexpr size_t kMostTypes = 64;
constexpr size_t kMostCommandBytes = 4096;
constexpr int kMostCommands = 30;  // in 10 s
constexpr std::chrono::seconds kCommandWindow{10};

}  // namespace

Watcher::Watcher(asio::io_context& io, const Limits& limits, Access::Knock knock, Caller caller,
                 std::function<void()> cut)
    : limits_(limits),
      knock_(std::move(knock)),
      caller_(std::move(caller)),
      cut_(std::move(cut)),
      wake_(io.get_executor()),
      cut_timer_(io.get_executor()) {
}

bool Watcher::push(Message message) {
  if (close_ || is_forgotten_) return true;
  if (queue_.size() >= limits_.messages || queued_bytes_ + message->size() > limits_.bytes) {
    end(close_code::try_again_later,
        fmt::format("too slow: {} events were waiting; connect again and read all anew", queue_.size()));
    return false;
  }
  queued_bytes_ += message->size();
  queue_.push_back(std::move(message));
  wake_.cancel();
  return true;
}

void Watcher::end(close_code code, const std::string& reason) {
  if (close_ || is_forgotten_) return;
  queue_.clear();
  queued_bytes_ = 0;
  close_ = CloseReason(code, reason.substr(0, 120));  // a close frame holds 123 bytes
  wake_.cancel();
  cut_timer_.expires_after(limits_.last_word);
  cut_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
    if (!cancelled && self->cut_) self->cut_();
  });
}

void Watcher::forget() {
  is_forgotten_ = true;
  cut_ = nullptr;
  cut_timer_.cancel();
  wake_.cancel();
}

void Watcher::take(const std::string& text) {
  const MediaTime now = steady_now();
  if (now - taken_since_ >= kCommandWindow) {
    taken_since_ = now;
    taken_ = 0;
  }
  if (++taken_ > kMostCommands) return end(close_code::policy_error, "too many messages");
  constexpr const char* kAllowed = "only {\"subscribe\": [types]} is understood here";
  const auto command = parse_json(text, kMostCommandBytes);
  if (!command || !command->is_object() || command->size() != 1 || !command->contains("subscribe") ||
      !(*command)["subscribe"].is_array() || (*command)["subscribe"].size() > kMostTypes)
    return end(close_code::policy_error, kAllowed);
  std::set<std::string> types;
  for (const auto& type : (*command)["subscribe"]) {
    if (!type.is_string() || !is_id(type.get<std::string>())) return end(close_code::policy_error, kAllowed);
    types.insert(type.get<std::string>());
  }
  types_ = std::move(types);
  const nlohmann::json answer = {{"type", "subscribed"}, {"types", types_}};
  push(std::make_shared<const std::string>(answer.dump()));
}

Task<Watcher::Next> Watcher::next() {
  while (queue_.empty() && !close_ && !is_forgotten_) {
    wake_.expires_at(std::chrono::steady_clock::time_point::max());
    co_await wake_.async_wait(kNoThrow);
  }
  Next next;
  if (is_forgotten_) co_return next;
  if (close_) {
    next.close = close_;
    co_return next;
  }
  next.message = std::move(queue_.front());
  queue_.pop_front();
  queued_bytes_ -= next.message->size();
  co_return next;
}

}  // namespace vitrine::desk
