// SPDX-License-Identifier: Apache-2.0
#include "desk/desk.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <pthread.h>

#include <fmt/format.h>

#include "core/log.h"
#include "core/object_reader.h"
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
constexpr std::chrono::seconds kListenEvery{5};
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

json to_json(const Problems& problems) {
  json list = json::array();
  for (const auto& problem : problems)
    list.push_back({{"where", problem.where}, {"found", problem.found}, {"allowed", problem.allowed}});
  return list;
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

json to_json(const commerce::Offer& offer) {
  json prices = json::array();
  for (const auto& [ref, price] : offer.prices)
    prices.push_back({{"product", ref.product},
                      {"variant", ref.variant},
                      {"price", to_json(price.now)},
                      {"before", to_json(price.before)}});
  json body = {{"id", offer.id},
               {"name", offer.name},
               {"state", to_string(offer.state)},
               {"why", offer.why},
               {"begin", format_rfc3339(offer.window.begin)},
               {"end", format_rfc3339(offer.window.end)},
               {"audience", offer.audience},
               {"prices", std::move(prices)}};
  if (offer.quantity) body["quantity"] = *offer.quantity;
  return body;
}

/// {"name", "seconds", "quantity"?, "audience"?, "prices": [{"product", "variant", "amount": "29.90"}, …]};
/// from now on, by the shop's clock.
Result<commerce::OfferBook::Wish> wish_of(const json& request, std::array<char, 3> currency, Instant now) {
  commerce::OfferBook::Wish wish;
  try {
    wish.name = request.value("name", "");
    wish.audience = request.value("audience", "");
    const auto seconds = std::clamp<int64_t>(request.at("seconds").get<int64_t>(), 0, 366 * 86'400);
    wish.window = {now, now + std::chrono::seconds(seconds)};
    if (request.contains("quantity")) wish.quantity = request["quantity"].get<int64_t>();
    for (const auto& row : request.at("prices")) {
      const auto text = row.at("amount").get<std::string>();
      const auto price = parse_amount(text, currency);
      if (!price)
        return fail(ErrorCode::kInvalidInput, fmt::format("amount \"{}\"; allowed: as in 29.90", text));
      wish.prices[{row.at("product").get<std::string>(), row.at("variant").get<std::string>()}] = *price;
    }
  } catch (const json::exception& wrong) {
    return fail(ErrorCode::kInvalidInput, std::string("the offer is not complete: ") + wrong.what());
  }
  return wish;
}

std::string backend_name(const CommerceConfig& commerce) {
  constexpr std::array<const char*, 3> kNames = {"local", "vendure", "medusa"};
  return kNames.at(static_cast<size_t>(commerce.backend));
}

}  // namespace

Result<std::unique_ptr<Desk>> Desk::start(Parts parts) {
  std::unique_ptr<Desk> desk(new Desk(std::move(parts)));
  for (const auto& repair : desk->store_->repairs()) log::warning("store", "{}", repair);
  auto papers = Papers::open({desk->config_, desk->data_.backend, *desk->store_, desk->data_.catalogue,
                              [desk = desk.get()] { desk->read_catalogue(); }});
  if (!papers) return tl::unexpected(papers.error());
  desk->papers_ = std::move(*papers);
  desk->backup_ = std::jthread([desk = desk.get()](const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "backup");
    while (wait(stop, kBackupEvery)) desk->keep_house();
  });
  auto control = ControlServer::listen(
      desk->loop_, desk->config_.desk_socket(),
      [desk = desk.get()](const ControlServer::Request& request, const ControlServer::Reply& reply) {
        reply(desk->answer(request));
      });
  if (!control) return tl::unexpected(control.error());
  desk->control_ = std::move(*control);
  log::info("desk", "the shop's data is in {}, its backend is {}{}", desk->config_.state_dir.string(),
            desk->data_.backend,
            desk->config_.commerce.url.empty() ? "" : " at " + desk->config_.commerce.url);
  return desk;
}

Desk::Desk(Parts parts)
    : loop_(parts.loop),
      config_(std::move(parts.config)),
      store_(std::move(parts.store)),
      data_(*store_, backend_name(config_.commerce),
            {config_.commerce.currency, config_.commerce.highest_price_minor}) {
  opener_ = std::jthread([this, open = std::move(parts.open_adapter)](const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "open-shop");
    open_backend(stop, open);
  });
}

void Desk::keep_house() {
  if (auto done = store_->back_up(); !done)
    log::warning("store", "no backup was made: {}; tried again in an hour", done.error().message);
  if (auto done = papers_->sweep(); !done)
    log::warning("pictures", "old ones were not removed: {}; tried again in an hour", done.error().message);
}

void Desk::read_catalogue() {
  commerce::Adapter::Event event;
  event.is_catalogue = true;
  if (sync_) sync_->puller().hint(event);
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
  sync_ = std::make_unique<commerce::ShopSync>(
      data_, *adapter_, commerce::Puller::Plan{},
      commerce::ShopSync::Calls{[this] { papers_->look_for_photos(); },
                                [](const auto& operation, auto state, const auto& why) {
                                  log::info("push", "{} {} of {}: {}{}{}", to_string(operation.kind),
                                            operation.id, operation.lane, to_string(state),
                                            why.empty() ? "" : ", ", why);
                                }});
  listen_for_events();
}

void Desk::listen_for_events() {
  if (!config_.commerce.events_listen) return;
  auto opened = commerce::EventReceiver::listen(
      {*config_.commerce.events_listen, data_.backend}, {*adapter_, *store_},
      [this](const commerce::Adapter::Event& event) { sync_->puller().hint(event); });
  if (opened) {
    events_fault_.clear();
    events_ = std::move(*opened);
    log::info("events", "the shop's events are taken on {}", config_.commerce.events_listen->text());
    return;
  }
  // The address may come with the network; until then changes are asked for as without events.
  if (events_fault_.empty())
    log::warning("events", "{}; tried again every {} s", opened.error().message, kListenEvery.count());
  events_fault_ = opened.error().message;
  events_retry_ = loop_.after(kListenEvery, [this] { listen_for_events(); });
}

Desk::~Desk() = default;

ControlServer::Answer Desk::answer(const ControlServer::Request& request) {
  const json& body = request.body;
  const std::string op = body.contains("op") && body["op"].is_string() ? body["op"].get<std::string>() : "";
  if (op == "items") return {items(body), {}};
  if (op == "sync") return {sync(body), {}};
  if (op == "orders") return {orders(body), {}};
  if (op == "show_orders") return {show_orders(body), {}};
  if (op == "offers") return {offers(), {}};
  if (op == "start_offer") return {start_offer(body), {}};
  if (op == "end_offer") return {end_offer(body), {}};
  if (auto answer = papers_->answer(request)) return std::move(*answer);
  return {
      refusal({ErrorCode::kInvalidInput, fmt::format("op \"{}\" is not known; there are items, sync, orders, "
                                                     "show_orders, offers, start_offer, end_offer, {}",
                                                     op, Papers::kOps)}),
      {}};
}

json Desk::items(const json& request) {
  const auto offset = static_cast<size_t>(std::max<int64_t>(0, integer(request, "offset", 0)));
  const auto limit = static_cast<size_t>(std::clamp<int64_t>(integer(request, "limit", 500), 1, 1000));
  const auto rows = data_.catalogue.list();
  if (!rows) return refusal(rows.error());
  const auto refused = data_.catalogue.refused();
  if (!refused) return refusal(refused.error());
  const auto ours = papers_->per_item();
  if (!ours) return refusal(ours.error());
  json items = json::array();
  for (size_t i = offset; i < rows->size() && i < offset + limit; ++i) {
    const commerce::Ref& ref = (*rows)[i].item.ref;
    items.push_back(to_json((*rows)[i], data_.freshness.confirmed_at(ref)));
    ours->add_to(ref, items.back());
  }
  json refusals = json::array();
  for (const auto& row : *refused)
    refusals.push_back({{"item", row.ref.text()},
                        {"since", format_rfc3339(row.first_at)},
                        {"problems", to_json(row.problems)}});
  return {{"ok", true},
          {"backend", data_.backend},
          {"total", rows->size()},
          {"items", std::move(items)},
          {"refused", std::move(refusals)}};
}

json Desk::sync(const json& request) {
  if (sync_ && request.value("now", json(false)) == true) sync_->puller().reconcile_now();
  const auto pull = sync_ ? sync_->puller().status() : commerce::Puller::Status{};
  const auto push = sync_ ? sync_->pusher().status() : commerce::Pusher::Status{};
  const auto counts = data_.outbox.counts(data_.backend);
  if (!counts) return refusal(counts.error());
  json body = {{"ok", true},
               {"backend", data_.backend},
               {"url", config_.commerce.url},
               {"outbox",
                {{"open", counts->open},
                 {"unknown", counts->unknown},
                 {"done", counts->done},
                 {"rejected", counts->rejected}}},
               {"hinted", pull.hinted},
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
  if (sync_)
    for (auto& alarm : sync_->alarms()) problems.push_back(std::move(alarm));
  if (const auto fault = papers_->photo_fault())
    problems.push_back(
        fmt::format("photos can't be kept: {}; tried again in a minute at most", fault->message));
  if (config_.commerce.events_listen) body["events"] = events(problems);
  const auto refused = data_.orders.refused();
  if (!refused) return refusal(refused.error());
  if (!refused->empty())
    problems.push_back(
        fmt::format("{} orders of the shop can't be read, and may be sales: \"vitrinectl orders\" says which",
                    refused->size()));
  body["problems"] = std::move(problems);
  return body;
}

json Desk::offers() {
  constexpr int kMostOffers = 100;
  const auto known = data_.offers.list(kMostOffers);
  if (!known) return refusal(known.error());
  json list = json::array();
  for (const auto& offer : *known) list.push_back(to_json(offer));
  return {{"ok", true}, {"backend", data_.backend}, {"offers", std::move(list)}};
}

json Desk::start_offer(const json& request) {
  if (!adapter_)
    return refusal({ErrorCode::kConnectRefused, "the shop can't be spoken to yet: " + open_fault_});
  const auto wish =
      wish_of(request, config_.commerce.currency, system_now() + adapter_->capabilities().clock_offset);
  if (!wish) return refusal(wish.error());
  const auto offer = data_.offers.ask(*wish, adapter_->capabilities());
  if (!offer) return refusal(offer.error());
  sync_->poke();
  return {{"ok", true}, {"offer", to_json(*offer)}};
}

json Desk::end_offer(const json& request) {
  if (auto ended = data_.offers.end(integer(request, "id", 0), "ended by hand"); !ended)
    return refusal(ended.error());
  if (sync_) sync_->poke();
  return {{"ok", true}};
}

json Desk::events(json& problems) const {
  json body = {{"listen", config_.commerce.events_listen->text()}, {"is_on", events_ != nullptr}};
  if (!events_fault_.empty())
    problems.push_back(fmt::format("no events of the shop are taken: {}; tried again every {} s",
                                   events_fault_, kListenEvery.count()));
  if (!events_) return body;
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

json Desk::show_orders(const json& request) {
  Problems problems;
  ObjectReader reader(request, "", problems);
  (void)reader.any("op");
  const commerce::Window window{reader.instant("from"), reader.instant("until")};
  const std::string room = reader.text_or("room", "", {.max_bytes = 200, .may_be_empty = true});
  reader.finish();
  if (!problems.empty()) return refusal(to_error(problems));
  const auto lines = data_.orders.in_window(window, room);
  if (!lines) return refusal(lines.error());
  json list = json::array();
  for (const auto& line : *lines) {
    list.push_back({{"order", line.order},
                    {"number", line.number},
                    {"state", to_string(line.state)},
                    {"sku", line.line.sku},
                    {"quantity", line.line.quantity},
                    {"unit_price", to_json(line.line.unit_price)},
                    {"item", line.item ? json(line.item->text()) : json()}});
  }
  return {{"ok", true}, {"backend", data_.backend}, {"lines", std::move(list)}};
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
    const auto found = data_.orders.list(list, kMost);
    if (!found) return refusal(found.error());
    const auto refused = data_.orders.refused();
    if (!refused) return refusal(refused.error());
    json body = {
        {"ok", true}, {"backend", data_.backend}, {"orders", json::array()}, {"refused", json::array()}};
    for (const auto& order : *refused)
      body["refused"].push_back({{"order", order.id},
                                 {"since", format_rfc3339(order.first_at)},
                                 {"problems", to_json(order.problems)}});
    for (const auto& order : *found) body["orders"].push_back(to_json(order));
    if (request.value("csv", json(false)) == true) body["csv"] = commerce::to_csv(*found);
    return body;
  }
  return refusal({ErrorCode::kInvalidInput,
                  "which: " + which.dump() + ", allowed: all, unpaid, open_balance, unshipped"});
}

}  // namespace vitrine::desk
