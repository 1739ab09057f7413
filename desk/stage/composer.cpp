// SPDX-License-Identifier: Apache-2.0
#include "desk/stage/composer.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/program_state.h"
#include "core/rfc3339.h"
#include "desk/evidence/evidence_book.h"

namespace vitrine::desk {
namespace {

using namespace std::chrono_literals;
using commerce::OfferState;
using nlohmann::json;
using std::chrono::seconds;

constexpr seconds kStanding{24h};    // of layers that nothing ends
constexpr seconds kAfterglow{5};     // an offer's ended form stays so long
constexpr seconds kLicenceFirst{4};  // who asks for a deposit says who he is before that
constexpr auto kEarly = 2s;  // what begins with a step must not wait for a clock that is a moment behind
constexpr size_t kMostRecapRows = 6;

/// How long a layer holds.
struct Lease {
  Instant from;
  Instant until;
  const char* after = "hide";
  std::optional<seconds> renewed;  // its length, where it goes on as long as somebody says so
};

json money_json(const Money& money) {
  return {{"minor", money.minor}, {"currency", std::string(money.currency.data(), money.currency.size())}};
}

/// One program's layers as they come.
class LayerList {
 public:
  LayerList(std::string program, const StageSight& sight, Composition& out)
      : program_(std::move(program)), sight_(sight), out_(out) {}

  void add(const std::string& id, const std::string& template_name, json data, const Lease& lease,
           json basis = json::object()) {
    if (sight_.refused_templates.contains(template_name)) return;
    json layer = {{"id", id},
                  {"template", template_name},
                  {"data", std::move(data)},
                  {"valid_from", format_rfc3339(lease.from)},
                  {"after", lease.after}};
    essence_.push_back(layer);
    if (lease.renewed)
      out_.renewals[program_ + "/" + id] = {lease.until, *lease.renewed};
    else
      essence_.back()["valid_until"] = format_rfc3339(lease.until);
    layer["valid_until"] = format_rfc3339(lease.until);
    basis["digest"] = EvidenceBook::layer_digest(template_name, layer["data"]);
    layers_.push_back(std::move(layer));
    out_.basis["programs"][program_]["layers"][id] = std::move(basis);
  }

  [[nodiscard]] const json& layers() const { return layers_; }
  [[nodiscard]] const json& essence() const { return essence_; }

 private:
  const std::string program_;
  const StageSight& sight_;
  Composition& out_;
  json layers_ = json::array();
  json essence_ = json::array();
};

Lease standing(const StageSight& sight) {
  return {Instant{}, sight.now + kStanding, "hide", kStanding};
}

/// Of the step that is on, by the backend's clock.
Instant step_began(const StageSight& sight) {
  return sight.steps.back().by.at + sight.clock_offset - kEarly;
}

bool is_sold_out(const ItemSight& sight) {
  return sight.item.stock == 0 || sight.item.availability != commerce::Availability::kListed;
}

/// The offer, while its price is on air.
const commerce::Offer* running_offer(const ItemSight& sight, Instant now) {
  return sight.offer && sight.offer->state == OfferState::kConfirmed && sight.offer->window.holds(now)
             ? &*sight.offer
             : nullptr;
}

/// When an offer that is off the air went there. One that was ended early did when it last changed; who ended
/// it at its end may have done so by an offset that is a little newer than ours.
Instant end_of(const commerce::Offer& offer, const StageSight& sight) {
  const Instant changed = offer.changed_at + sight.clock_offset;
  return offer.state == OfferState::kConfirmed || changed + kClockSlack >= offer.window.end ? offer.window.end
                                                                                            : changed;
}

/// The offer, when it has just ended, or the price behind it is not known yet: the shop may still charge it.
const commerce::Offer* ended_offer(const StageSight& sight, const ItemSight& on) {
  if (!on.offer) return nullptr;
  const auto& offer = *on.offer;
  const bool is_off = offer.state == OfferState::kEnding || offer.state == OfferState::kEnded ||
                      (offer.state == OfferState::kConfirmed && sight.now >= offer.window.end);
  if (!is_off) return nullptr;
  if (sight.now < end_of(offer, sight) + kAfterglow) return &offer;
  const auto price = offer.prices.find(on.item.ref);
  const bool is_still_charged = price != offer.prices.end() && on.item.price == price->second.now;
  return offer.state != OfferState::kEnded && (is_still_charged || !on.price_holds_until) ? &offer : nullptr;
}

/// A price is shown for as long as it is known to be charged, and never beyond its offer.
Lease price_lease(const StageSight& sight, const ItemSight& on) {
  const Instant from = step_began(sight);
  if (const auto* ended = ended_offer(sight, on)) {
    const Instant end = end_of(*ended, sight);
    return {std::min(from, end - 1ms), end, "ended", std::nullopt};
  }
  if (!on.price_holds_until || *on.price_holds_until <= sight.now)
    return {from, from + 1ms, "neutral", std::nullopt};
  const auto* offer = running_offer(on, sight.now);
  if (offer != nullptr && offer->window.end <= *on.price_holds_until)
    return {from, offer->window.end, "ended", std::nullopt};
  return {from, *on.price_holds_until, "neutral", sight.price_lasts};
}

std::optional<json> deposit_data(const StageSight& sight, const ItemSight& on, Composition& out) {
  if (!on.notes || !on.notes->deposit) return std::nullopt;
  const auto& deposit = *on.notes->deposit;
  const int64_t balance = on.item.price.minor - deposit.worth.minor;
  const auto& currency = on.item.price.currency;
  if (deposit.balance_until <= sight.now || balance < 0 || deposit.pay.currency != currency) {
    out.remarks.push_back(fmt::format(
        "{}: no deposit is asked for: its balance was due, or the price is below it", on.item.title));
    return std::nullopt;
  }
  if (!sight.licence) {
    out.remarks.push_back(fmt::format(
        "{}: no deposit is asked for: the show has no valid licence to show before it", on.item.title));
    return std::nullopt;
  }
  json data = {{"deposit", money_json(deposit.pay)},
               {"balance", money_json({balance, currency})},
               {"balance_until", format_rfc3339(deposit.balance_until)}};
  if (deposit.worth.minor > deposit.pay.minor) data["deposit_worth"] = money_json(deposit.worth);
  return data;
}

json card_data(const StageSight& sight, const ItemSight& on, Composition& out) {
  const auto& item = on.item;
  const auto& plan = sight.show->plan;
  const int number = plan.number_of(sight.steps.back().segment);
  json data = {{"name", item.title},
               {"price", money_json(item.price)},
               {"price_label", running_offer(on, sight.now) != nullptr ? plan.price_label : "售价"}};
  if (number > 0) data["number"] = fmt::format("{:02}", number);
  if (!item.option.empty()) data["unit"] = item.option;
  if (!on.photo.empty()) data["photo"] = on.photo;
  if (is_sold_out(on)) {
    data["stock"] = 0;
    data["count_unit"] = "件";
    return data;
  }
  if (on.reference && on.notes && on.notes->reference) {
    data["reference_price"] = money_json(*on.reference);
    data["reference_basis"] = on.notes->reference->basis;
  }
  if (const auto deposit = deposit_data(sight, on, out)) {
    data.update(*deposit);
  } else if (item.stock) {
    data["stock"] = *item.stock;
    data["count_unit"] = "件";
  }
  return data;
}

json item_basis(const ItemSight& on) {
  json basis = {
      {"item",
       {{"product", on.item.ref.product},
        {"variant", on.item.ref.variant},
        {"sku", on.item.sku},
        {"title", on.item.title},
        {"version", on.version}}},
      {"price", money_json(on.item.price)},
      {"price_holds_until", on.price_holds_until ? json(format_rfc3339(*on.price_holds_until)) : json()}};
  if (on.item.stock) basis["stock"] = *on.item.stock;
  if (on.offer)
    basis["offer"] = {{"id", on.offer->id},
                      {"state", to_string(on.offer->state)},
                      {"begin", format_rfc3339(on.offer->window.begin)},
                      {"end", format_rfc3339(on.offer->window.end)}};
  if (on.notes) basis["notes_version"] = on.notes_version;
  if (on.notes && on.notes->reference) basis["reference_evidence"] = on.notes->reference->evidence;
  return basis;
}

/// With the card's lease, and a moment longer where the offer's end is it: its ended form is news too.
void add_countdown(const StageSight& sight, const ItemSight& on, LayerList& layers, const json& basis) {
  const auto* ended = ended_offer(sight, on);
  const auto* offer = ended != nullptr ? ended : running_offer(on, sight.now);
  if (offer == nullptr || sight.now >= offer->window.end + kAfterglow) return;
  // One that was ended early would count on.
  if (ended != nullptr && end_of(*ended, sight) < ended->window.end) return;
  if (ended == nullptr && !on.price_holds_until) return;
  json data = {{"title", "距本场价结束"}, {"ends_at", format_rfc3339(offer->window.end)}};
  if (offer->quantity) {
    data["stock"] = std::max<int64_t>(0, *offer->quantity - on.offer_sold);
    data["stock_total"] = *offer->quantity;
    data["count_unit"] = "件";
  }
  const Instant last = offer->window.end + kAfterglow;
  const Instant until = ended != nullptr ? last : std::min(*on.price_holds_until, last);
  const Instant from = std::max(offer->window.begin, step_began(sight));
  if (until <= from) return;
  layers.add("countdown", "countdown", std::move(data),
             {from, until, "hide", until == last ? std::nullopt : std::optional(sight.price_lasts)}, basis);
}

void add_item(const StageSight& sight, LayerList& layers, Composition& out) {
  if (!sight.item) return;
  const auto& on = *sight.item;
  Lease lease = price_lease(sight, on);
  json data = card_data(sight, on, out);
  if (data.contains("deposit")) lease.from = std::max(lease.from, step_began(sight) + kEarly + kLicenceFirst);
  if (lease.until <= lease.from) lease = {lease.from, lease.from + 1ms, lease.after, std::nullopt};
  const json basis = item_basis(on);
  layers.add("card", "product_card", std::move(data), lease, basis);
  if (!is_sold_out(on)) add_countdown(sight, on, layers, basis);
}

/// Who sells: on schedule, and with everything that asks for a deposit.
void add_licence(const StageSight& sight, LayerList& layers) {
  if (!sight.licence || sight.licence->holds_until <= sight.now) return;
  const auto& plan = sight.show->plan;
  json data = {{"seller", sight.licence->document.holder}, {"credit_code", sight.licence->document.number}};
  if (sight.is_payee_licensed) data["note"] = "收款账户与执照同名";
  const json basis = {{"document", {{"id", sight.licence->id}, {"version", sight.licence->version}}}};
  const bool asks_deposit = sight.item && sight.item->notes && sight.item->notes->deposit;
  if (asks_deposit || plan.licence_every.count() == 0) {
    const Instant until = std::min(sight.now + kStanding, sight.licence->holds_until);
    layers.add("licence", "licence", std::move(data), {Instant{}, until, "hide", kStanding}, basis);
    return;
  }
  const Instant began = *sight.show->started_at + sight.clock_offset;
  const auto turn = std::max<int64_t>(0, (sight.now - began) / plan.licence_every);
  const Instant from = began + turn * plan.licence_every;
  const Instant until = std::min(from + plan.licence_for, sight.licence->holds_until);
  if (sight.now < until && from < until)
    layers.add("licence", "licence", std::move(data), {from, until, "hide", std::nullopt}, basis);
}

void add_recap(const StageSight& sight, LayerList& layers) {
  json rows = json::array();
  for (size_t i = sight.shown.size() - std::min(sight.shown.size(), kMostRecapRows); i < sight.shown.size();
       ++i) {
    json row = {{"number", fmt::format("{:02}", sight.shown[i].number)}, {"name", sight.shown[i].name}};
    if (sight.shown[i].price) row["price"] = money_json(*sight.shown[i].price);
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return;
  layers.add("recap", "recap", {{"title", "本场商品"}, {"items", std::move(rows)}},
             {step_began(sight), sight.now + sight.price_lasts, "hide", sight.price_lasts});
}

void add_next_show(const StageSight& sight, LayerList& layers) {
  const auto& plan = sight.show->plan;
  if (!plan.next_show_at) return;
  json data = {{"title", plan.next_show_title.empty() ? "下场直播" : plan.next_show_title},
               {"starts_at", format_rfc3339(*plan.next_show_at)}};
  layers.add("next_show", "next_show", std::move(data), standing(sight));
}

void add_waiting(const StageSight& sight, LayerList& layers) {
  const auto& plan = sight.show->plan;
  if (!plan.begins_at) return;
  layers.add("starting_soon", "starting_soon",
             {{"title", plan.title.empty() ? "直播即将开始" : plan.title},
              {"starts_at", format_rfc3339(*plan.begins_at)}},
             standing(sight));
}

void add_segment(const StageSight& sight, LayerList& layers, Composition& out) {
  switch (sight.steps.back().kind) {
    case Segment::Kind::kItem:
      return add_item(sight, layers, out);
    case Segment::Kind::kRecap:
      return add_recap(sight, layers);
    case Segment::Kind::kNextShow:
      return add_next_show(sight, layers);
    case Segment::Kind::kWaiting:
      return add_waiting(sight, layers);
    case Segment::Kind::kUnknown:
    case Segment::Kind::kOpening:
    case Segment::Kind::kBreak:
      return;
  }
}

void add_switched(const std::string& program, const StageSight& sight, LayerList& layers) {
  for (const auto& layer : sight.layers) {
    if (!layer.program.empty() && layer.program != program) continue;
    if (layer.after == "hide" && layer.valid_until <= sight.now) continue;
    const std::string after = layer.after;
    json data = layer.source == StageLayer::Source::kOrders ? ticker_data(sight.orders) : layer.data;
    if (data.is_null()) continue;  // nothing was ordered yet
    layers.add("on-" + layer.id, layer.template_name, std::move(data),
               {layer.valid_from, layer.valid_until,
                after == "ended"     ? "ended"
                : after == "neutral" ? "neutral"
                                     : "hide",
                std::nullopt},
               {{"switched_on_by", layer.by.name}, {"switched_on_at", format_rfc3339(layer.by.at)}});
  }
}

/// The show's destinations of `program`, where it does not have all of them. One that is not configured any
/// more is none: the studio would refuse the whole.
json destinations_of(const ShowPlan& plan, const Config& config, const std::string& program) {
  if (plan.destinations.empty()) return nullptr;
  json ids = json::array();
  for (const auto& destination : config.destinations)
    if (destination.program == program && plan.has_destination(destination)) ids.push_back(destination.id);
  return ids;
}

/// `scene` as it comes from the configuration, with what somebody chose.
void set_view(json& scene, const StageSight& sight, const std::string& program,
              const std::string& studio_name) {
  if (const auto view = sight.views.find(program); view != sight.views.end())
    for (const char* key : {"pictures", "fallback_cameras", "sounds", "fade_ms"})
      if (view->second.body.contains(key)) scene[key] = view->second.body[key];
  if (!sight.show || !sight.show->slate) return;
  // A shop that hides the picture wants nobody to hear what goes on either.
  scene["pictures"] = json::array();
  scene["fallback_cameras"] = json::array();
  scene["sounds"] = json::array();
  scene["slate"] = {{"data", {{"shop", studio_name}}}};
  if (!sight.show->slate->empty()) scene["slate"]["data"]["message"] = *sight.show->slate;
}

}  // namespace

Composition compose(const StageSight& sight, const Config& config,
                    const std::map<std::string, json>& was_on_air) {
  Composition out;
  out.basis = json::object();
  if (sight.show) {
    out.basis["show"] = sight.show->id;
    out.basis["segment"] = sight.steps.back().segment;
    out.basis["step"] = sight.steps.back().step;
    out.basis["host"] = sight.steps.back().host;
    out.basis["operator"] = sight.steps.back().by.name;
    for (const auto& id : sight.show->plan.destinations)
      if (std::ranges::find(config.destinations, id, &DestinationConfig::id) == config.destinations.end())
        out.remarks.push_back(fmt::format(
            "the show's destination \"{}\" is not in vitrine.toml any more: nothing is sent to it", id));
  }
  out.programs = default_program_state(config)["programs"];
  out.essence = out.programs;
  for (size_t i = 0; i < out.programs.size(); ++i) {
    auto& program = out.programs[i];
    const std::string id = program["id"];
    const bool is_on = sight.show ? sight.show->plan.has_program(id) : was_on_air.contains(id);
    program["on_air"] = is_on;
    const json destinations = !is_on       ? json()
                              : sight.show ? destinations_of(sight.show->plan, config, id)
                                           : was_on_air.at(id);
    if (!destinations.is_null()) program["destinations"] = destinations;
    LayerList layers(id, sight, out);
    if (sight.show && is_on) {
      if (!sight.show->slate) {
        layers.add("shop", "shop_name", {{"name", config.studio_name}}, standing(sight));
        add_segment(sight, layers, out);
        add_licence(sight, layers);
        add_switched(id, sight, layers);
      }
      if (sight.show->plan.is_ai) layers.add("ai", "ai_notice", json::object(), standing(sight));
      program["scene"]["id"] = fmt::format("show-{}-{}", sight.show->id, sight.steps.back().step);
    }
    set_view(program["scene"], sight, id, config.studio_name);
    out.essence[i] = program;
    out.essence[i]["scene"]["layers"] = layers.essence();
    program["scene"]["layers"] = layers.layers();
  }
  out.essence.push_back(sight.clock_offset.count());
  return out;
}

bool is_worth_renewing(const Composition& sent, const Composition& now, Instant at) {
  return std::ranges::any_of(sent.renewals, [&](const auto& entry) {
    const auto& [key, lease] = entry;
    const auto found = now.renewals.find(key);
    return found != now.renewals.end() && lease.until - at < lease.length / 2 &&
           found->second.until > lease.until + 1s;
  });
}

}  // namespace vitrine::desk
