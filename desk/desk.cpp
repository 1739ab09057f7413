// SPDX-License-Identifier: Apache-2.0
#include "desk/desk.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <pthread.h>

#include <fmt/format.h>

#include "core/log.h"
#include "core/rfc3339.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;

json to_json(const Money& money) {
  return {{"minor", money.minor},
          {"currency", std::string(money.currency.data(), money.currency.size())},
          {"text", currency_symbol(money) + format_amount(money, Cents::kTrim)}};
}

constexpr std::chrono::seconds kOpenEvery{5};
constexpr std::chrono::hours kBackupEvery{1};

/// False when it was told to stop.
bool wait(const std::stop_token& stop, std::chrono::seconds time) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

int64_t integer(const json& request, const char* key, int64_t fallback) {
  const auto found = request.find(key);
  return found != request.end() && found->is_number_integer() ? found->get<int64_t>() : fallback;
}

json refusal(const Error& error) {
  return {{"ok", false}, {"error", {{"code", to_string(error.code)}, {"message", error.message}}}};
}

json to_json(const commerce::Catalogue::Row& row, std::optional<MediaTime> confirmed_at) {
  const auto& item = row.item;
  json body = {{"id", row.id},
               {"product", item.ref.product},
               {"variant", item.ref.variant},
               {"sku", item.sku},
               {"title", item.title},
               {"option", item.option},
               {"category", item.category},
               {"availability", to_string(item.availability)},
               {"price", to_json(item.price)},
               {"version", row.version},
               {"changed_at", format_rfc3339(row.changed_at)}};
  if (item.reference_price) body["reference_price"] = to_json(*item.reference_price);
  if (item.stock) body["stock"] = *item.stock;
  if (confirmed_at)
    body["confirmed_s_ago"] = std::chrono::duration<double>(steady_now() - *confirmed_at).count();
  return body;
}

json to_json(const commerce::Order& order) {
  json lines = json::array();
  for (const auto& line : order.lines)
    lines.push_back(
        {{"sku", line.sku}, {"quantity", line.quantity}, {"unit_price", to_json(line.unit_price)}});
  return {{"id", order.id},
          {"number", order.number},
          {"state", to_string(order.state)},
          {"total", to_json(order.total)},
          {"balance", to_json(order.balance())},
          {"name", order.masked_name},
          {"placed_at", format_rfc3339(order.placed_at)},
          {"lines", std::move(lines)}};
}

std::string backend_name(const CommerceConfig& commerce) {
  constexpr std::array<const char*, 3> kNames = {"local", "vendure", "medusa"};
  return kNames.at(static_cast<size_t>(commerce.backend));
}

}  // namespace

Result<std::unique_ptr<Desk>> Desk::start(Parts parts) {
  std::unique_ptr<Desk> desk(new Desk(std::move(parts)));
  for (const auto& repair : desk->store_->repairs()) log::warning("store", "{}", repair);
  auto control = ControlServer::listen(
      desk->loop_, desk->config_.desk_socket(),
      [desk = desk.get()](const auto& /*caller*/, const json& request, const ControlServer::Reply& reply) {
        reply({desk->answer(request), {}});
      });
  if (!control) return tl::unexpected(control.error());
  desk->control_ = std::move(*control);
  log::info("desk", "the shop's data is in {}, its backend is {}{}", desk->config_.state_dir.string(),
            desk->backend_, desk->config_.commerce.url.empty() ? "" : " at " + desk->config_.commerce.url);
  return desk;
}

Desk::Desk(Parts parts)
    : loop_(parts.loop),
      config_(std::move(parts.config)),
      backend_(backend_name(config_.commerce)),
      store_(std::move(parts.store)),
      catalogue_(*store_, backend_, {config_.commerce.currency, config_.commerce.highest_price_minor}),
      orders_(*store_, backend_),
      outbox_(*store_) {
  backup_ = std::jthread([this](const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "backup");
    while (wait(stop, kBackupEvery))
      if (auto done = store_->back_up(); !done)
        log::warning("store", "no backup was made: {}; tried again in an hour", done.error().message);
  });
  opener_ = std::jthread([this, open = std::move(parts.open_adapter)](const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "open-shop");
    open_backend(stop, open);
  });
}

void Desk::open_backend(const std::stop_token& stop, const decltype(Parts::open_adapter)& open) {
  bool is_open = false;
  do {
    auto adapter = open(*store_);
    is_open = adapter.has_value();
    loop_.post([this, alive = std::weak_ptr(alive_),
                opened = std::make_shared<decltype(adapter)>(std::move(adapter))] {
      if (alive.expired()) return;
      if (*opened)
        take(std::move(**opened));
      else
        open_fault_ = opened->error().message;
    });
  } while (!is_open && wait(stop, kOpenEvery));
}

void Desk::take(std::unique_ptr<commerce::Adapter> adapter) {
  open_fault_.clear();
  adapter_ = std::move(adapter);
  puller_ = std::make_unique<commerce::Puller>(
      commerce::Puller::Parts{*adapter_, catalogue_, orders_, freshness_}, commerce::Puller::Plan{}, [] {});
  pusher_ = std::make_unique<commerce::Pusher>(
      commerce::Pusher::Parts{*adapter_, outbox_, freshness_, backend_}, commerce::Pusher::Config{},
      [](const auto& operation, auto state, const auto& why) {
        log::info("push", "{} {} of {}: {}{}{}", to_string(operation.kind), operation.id, operation.lane,
                  to_string(state), why.empty() ? "" : ", ", why);
      });
}

Desk::~Desk() = default;

json Desk::answer(const json& request) {
  const std::string op = request.is_object() && request.contains("op") && request["op"].is_string()
                             ? request["op"].get<std::string>()
                             : "";
  if (op == "items") return items(request);
  if (op == "sync") return sync(request);
  if (op == "orders") return orders(request);
  return refusal({ErrorCode::kInvalidInput,
                  fmt::format("op \"{}\" is not known; there are items, sync and orders", op)});
}

json Desk::items(const json& request) {
  const auto offset = static_cast<size_t>(std::max<int64_t>(0, integer(request, "offset", 0)));
  const auto limit = static_cast<size_t>(std::clamp<int64_t>(integer(request, "limit", 500), 1, 1000));
  const auto rows = catalogue_.list();
  if (!rows) return refusal(rows.error());
  const auto refused = catalogue_.refused();
  if (!refused) return refusal(refused.error());
  json items = json::array();
  for (size_t i = offset; i < rows->size() && i < offset + limit; ++i)
    items.push_back(to_json((*rows)[i], freshness_.confirmed_at((*rows)[i].item.ref)));
  json refusals = json::array();
  for (const auto& row : *refused) {
    json problems = json::array();
    for (const auto& problem : row.problems)
      problems.push_back({{"where", problem.where}, {"found", problem.found}, {"allowed", problem.allowed}});
    refusals.push_back(
        {{"item", row.ref.text()}, {"since", format_rfc3339(row.first_at)}, {"problems", problems}});
  }
  return {{"ok", true},
          {"backend", backend_},
          {"total", rows->size()},
          {"items", std::move(items)},
          {"refused", std::move(refusals)}};
}

json Desk::sync(const json& request) {
  if (puller_ && request.value("now", json(false)) == true) puller_->reconcile_now();
  const auto pull = puller_ ? puller_->status() : commerce::Puller::Status{};
  const auto push = pusher_ ? pusher_->status() : commerce::Pusher::Status{};
  const auto counts = outbox_.counts(backend_);
  if (!counts) return refusal(counts.error());
  json body = {{"ok", true},
               {"backend", backend_},
               {"url", config_.commerce.url},
               {"outbox",
                {{"open", counts->open},
                 {"unknown", counts->unknown},
                 {"done", counts->done},
                 {"rejected", counts->rejected}}},
               {"repairs", store_->repairs()}};
  if (pull.catalogue_at) body["catalogue_at"] = format_rfc3339(*pull.catalogue_at);
  if (pull.orders_at) body["orders_at"] = format_rfc3339(*pull.orders_at);
  if (adapter_) body["clock_offset_ms"] = adapter_->capabilities().clock_offset.count();
  json problems = json::array();
  if (!open_fault_.empty())
    problems.push_back(fmt::format("the shop can't be spoken to: {}; tried again every {} s", open_fault_,
                                   kOpenEvery.count()));
  if (pull.fault)
    problems.push_back(fmt::format("the shop can't be read: {}; tried again in {:.0f} s", pull.fault->message,
                                   std::chrono::duration<double>(pull.next_attempt_in).count()));
  if (push.fault) problems.push_back("a change is not in the shop yet: " + *push.fault);
  body["problems"] = std::move(problems);
  return body;
}

json Desk::orders(const json& request) {
  using Which = commerce::OrderBook::Which;
  constexpr std::array<std::pair<const char*, Which>, 4> kLists = {{{"all", Which::kAll},
                                                                    {"unpaid", Which::kUnpaid},
                                                                    {"open_balance", Which::kOpenBalance},
                                                                    {"unshipped", Which::kUnshipped}}};
  const json which = request.value("which", json("all"));
  for (const auto& [name, list] : kLists) {
    if (which != name) continue;
    constexpr int kMost = 1000;
    const auto found = orders_.list(list, kMost);
    if (!found) return refusal(found.error());
    json body = {{"ok", true}, {"backend", backend_}, {"orders", json::array()}};
    for (const auto& order : *found) body["orders"].push_back(to_json(order));
    if (request.value("csv", json(false)) == true) body["csv"] = commerce::to_csv(*found);
    return body;
  }
  return refusal({ErrorCode::kInvalidInput,
                  "which: " + which.dump() + ", allowed: all, unpaid, open_balance, unshipped"});
}

}  // namespace vitrine::desk
