// SPDX-License-Identifier: Apache-2.0
#include "desk/api/audience.h"

#include <boost/asio/post.hpp>

#include "core/log.h"

namespace vitrine::desk {
namespace {

using boost::beast::websocket::close_code;

constexpr std::chrono::seconds kLookAtSessions{1};
constexpr const char* kSessionIsOver = "the session is over; log in again";

}  // namespace

void Audience::join(const std::shared_ptr<Watcher>& watcher) {
  if (watchers_.insert(watcher).second) ++watching_;
}

void Audience::leave(const std::shared_ptr<Watcher>& watcher) {
  if (watchers_.erase(watcher) != 0) --watching_;
}

bool Audience::is_still_in(const Watcher& watcher) {
  const auto admission = access_.admit(watcher.knock(), Sessions::Touch::kIsLook);
  return admission && admission->caller.role == watcher.caller().role;
}

Task<void> Audience::look_at_sessions() {
  LoopTimer timer(io_.get_executor());
  while (true) {
    timer.expires_after(kLookAtSessions);
    co_await timer.async_wait(kNoThrow);
    for (const auto& watcher : watchers_)
      if (!is_still_in(*watcher)) watcher->end(close_code::policy_error, kSessionIsOver);
  }
}

void Audience::publish(const nlohmann::json& event, Roles to) {
  auto message = std::make_shared<const std::string>(
      event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  std::string type;
  if (event.is_object() && event.contains("type") && event["type"].is_string())
    type = event["type"].get<std::string>();
  boost::asio::post(io_, [this, message = std::move(message), type = std::move(type), to] {
    for (const auto& watcher : watchers_) {
      if (!to.allow(watcher->caller().role) || !watcher->wants(type)) continue;
      if (!is_still_in(*watcher)) {
        watcher->end(close_code::policy_error, kSessionIsOver);
      } else if (!watcher->push(message)) {
        ++slow_closed_;
        log::warning("api", "closed {} at {}: it reads events too slowly", watcher->caller().account,
                     watcher->knock().visitor.source);
      }
    }
  });
}

}  // namespace vitrine::desk
