// SPDX-License-Identifier: Apache-2.0
#include "desk/shop_link.h"

#include <pthread.h>

#include <fmt/format.h>

#include "core/log.h"
#include "core/pause.h"
#include "core/rfc3339.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kOpenEvery{5};
constexpr std::chrono::seconds kListenEvery{5};

}  // namespace

ShopLink::~ShopLink() {
  stop();
}

void ShopLink::start(Open open, Calls calls) {
  calls_ = std::move(calls);
  thread_ = std::jthread([this, open = std::move(open)](const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "open-shop");
    open_shop(stop, open);
  });
}

void ShopLink::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  {
    const std::lock_guard lock(mutex_);
    is_open_ = is_listening_ = false;
  }
  events_.reset();
  sync_.reset();
}

void ShopLink::open_shop(const std::stop_token& stop, const Open& open) {
  for (;;) {
    auto adapter = open(data_.store);
    if (adapter) {
      adapter_ = std::move(*adapter);
      break;
    }
    {
      const std::lock_guard lock(mutex_);
      open_fault_ = adapter.error().message;
    }
    if (!pause(stop, kOpenEvery)) return;
  }
  sync_ = std::make_unique<commerce::ShopSync>(
      data_, *adapter_, commerce::Puller::Plan{},
      commerce::ShopSync::Calls{calls_.changed, [](const auto& operation, auto state, const auto& why) {
                                  log::info("push", "{} {} of {}: {}{}{}", to_string(operation.kind),
                                            operation.id, operation.lane, to_string(state),
                                            why.empty() ? "" : ", ", why);
                                }});
  {
    const std::lock_guard lock(mutex_);
    open_fault_.clear();
    is_open_ = true;
    sync_->watch(watched_);
  }
  if (config_.commerce.events_listen) listen_for_events(stop);
}

/// The address may come with the network; until then changes are asked for as without events.
void ShopLink::listen_for_events(const std::stop_token& stop) {
  for (;;) {
    auto opened = commerce::EventReceiver::listen(
        {*config_.commerce.events_listen, data_.backend}, {*adapter_, data_.store},
        [this](const commerce::Adapter::Event& event) { sync_->puller().hint(event); });
    {
      const std::lock_guard lock(mutex_);
      if (opened) {
        events_fault_.clear();
        events_ = std::move(*opened);
        is_listening_ = true;
        log::info("events", "the shop's events are taken on {}", config_.commerce.events_listen->text());
        return;
      }
      if (events_fault_.empty())
        log::warning("events", "{}; tried again every {} s", opened.error().message, kListenEvery.count());
      events_fault_ = opened.error().message;
    }
    if (!pause(stop, kListenEvery)) return;
  }
}

Result<commerce::Capabilities> ShopLink::capabilities() const {
  if (is_open_) return adapter_->capabilities();
  const std::lock_guard lock(mutex_);
  return fail(ErrorCode::kConnectRefused, "the shop can't be spoken to yet: " +
                                              (open_fault_.empty() ? "it is being dialled" : open_fault_));
}

std::chrono::milliseconds ShopLink::clock_offset() const {
  return is_open_ ? adapter_->capabilities().clock_offset : std::chrono::milliseconds(0);
}

void ShopLink::watch(std::vector<commerce::Ref> refs) {
  const std::lock_guard lock(mutex_);
  watched_ = std::move(refs);
  if (is_open_) sync_->watch(watched_);
}

void ShopLink::poke() {
  if (auto* sync = this->sync()) sync->poke();
}

void ShopLink::read_all() {
  if (auto* sync = this->sync()) sync->puller().reconcile_now();
}

void ShopLink::read_catalogue() {
  commerce::Adapter::Event event;
  event.is_catalogue = true;
  if (auto* sync = this->sync()) sync->puller().hint(event);
}

json ShopLink::status(std::vector<std::string>& problems) const {
  json body = json::object();
  {
    const std::lock_guard lock(mutex_);
    if (!open_fault_.empty())
      problems.push_back(fmt::format("the shop can't be spoken to: {}; tried again every {} s", open_fault_,
                                     kOpenEvery.count()));
  }
  body["is_open"] = is_open_.load();
  body["is_reachable"] = false;
  if (auto* sync = this->sync()) {
    const auto pull = sync->puller().status();
    const auto push = sync->pusher().status();
    if (pull.catalogue_at) body["catalogue_at"] = format_rfc3339(*pull.catalogue_at);
    if (pull.orders_at) body["orders_at"] = format_rfc3339(*pull.orders_at);
    body["hinted"] = pull.hinted;
    body["is_reachable"] = !pull.fault;
    if (pull.fault)
      problems.push_back(fmt::format("the shop can't be read: {}; tried again in {:.0f} s",
                                     pull.fault->message,
                                     std::chrono::duration<double>(pull.next_attempt_in).count()));
    if (push.fault) problems.push_back("a change is not in the shop yet: " + *push.fault);
    for (auto& alarm : sync->alarms()) problems.push_back(std::move(alarm));
    body["clock_offset_ms"] = clock_offset().count();
  }
  if (config_.commerce.events_listen) body["events"] = events(problems);
  return body;
}

json ShopLink::events(std::vector<std::string>& problems) const {
  const std::lock_guard lock(mutex_);
  json body = {{"listen", config_.commerce.events_listen->text()}, {"is_on", is_listening_.load()}};
  if (!events_fault_.empty())
    problems.push_back(fmt::format("no events of the shop are taken: {}; tried again every {} s",
                                   events_fault_, kListenEvery.count()));
  if (!is_listening_) return body;
  const auto status = events_->status();
  body["taken"] = status.taken;
  body["repeated"] = status.repeated;
  body["refused"] = status.refused;
  if (status.last_taken_at) body["last_taken_at"] = format_rfc3339(*status.last_taken_at);
  if (!status.last_refusal.empty()) body["last_refusal"] = status.last_refusal;
  // Later it is a stranger who knocks; nobody needs to do anything about that.
  if (status.taken == 0 && status.refused > 0)
    problems.push_back(fmt::format("no event was taken yet, {} requests were refused: {}", status.refused,
                                   status.last_refusal));
  if (!status.store_fault.empty())
    problems.push_back("events that come twice can't be told: " + status.store_fault);
  return body;
}

}  // namespace vitrine::desk
