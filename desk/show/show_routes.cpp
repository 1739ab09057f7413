// SPDX-License-Identifier: Apache-2.0
#include "desk/show/show_routes.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/log.h"
#include "core/program_state.h"
#include "core/rfc3339.h"
#include "core/text_rules.h"
#include "desk/api/answers.h"
#include "desk/shop_routes.h"
#include "desk/show/figures.h"
#include "desk/show/pace_clock.h"

namespace vitrine::desk {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kPatience = 4s;  // until somebody who pressed a button is told that it takes longer
constexpr int64_t kLongestLayer = 24 * 3600;

json show_json(const Show& show) {
  json body = {{"id", show.id},
               {"key", show.key()},
               {"state", to_string(show.state)},
               {"version", show.version},
               {"changed_by", show.by.name},
               {"changed_at", format_rfc3339(show.by.at)},
               {"plan", to_json(show.plan)}};
  if (show.started_at) body["started_at"] = format_rfc3339(*show.started_at);
  if (show.ended_at) body["ended_at"] = format_rfc3339(*show.ended_at);
  if (!show.ended_why.empty()) body["ended_why"] = show.ended_why;
  if (!show.override_why.empty()) body["override_why"] = show.override_why;
  if (show.slate) body["slate"] = *show.slate;
  return body;
}

json step_json(const ShowStep& step) {
  json body = {{"step", step.step}, {"segment", step.segment}, {"kind", to_string(step.kind)},
               {"host", step.host}, {"by", step.by.name},      {"began_at", format_rfc3339(step.by.at)}};
  if (step.kind == Segment::Kind::kItem) body["item"] = ref_json(step.item);
  return body;
}

json pace_json(const PaceSight& pace) {
  json body = {{"on_for_s", pace.on_for.count()},
               {"items_in_a_row", pace.items_in_a_row},
               {"hint", to_string(pace.hint)}};
  if (pace.left) body["left_s"] = pace.left->count();
  if (pace.show_left) body["show_left_s"] = pace.show_left->count();
  return body;
}

json tally_json(const Tally& tally, const std::array<char, 3>& currency) {
  return {{"orders", tally.orders},
          {"deposits", tally.deposits},
          {"pieces", tally.pieces},
          {"sales", money_json({tally.sales_minor, currency})}};
}

json cue_json(const Cue& cue) {
  return {{"id", cue.id}, {"text", cue.text}, {"by", cue.by.name}, {"at", format_rfc3339(cue.by.at)}};
}

json layer_json(const StageLayer& layer) {
  return {{"layer", layer.id},
          {"program", layer.program},
          {"template", layer.template_name},
          {"source", to_string(layer.source)},
          {"data", layer.data},
          {"after", layer.after},
          {"valid_from", format_rfc3339(layer.valid_from)},
          {"valid_until", format_rfc3339(layer.valid_until)},
          {"changed_by", layer.by.name},
          {"changed_at", format_rfc3339(layer.by.at)}};
}

/// {"plan": {…}, "version"?}; what else is a mistake.
struct PlanWish {
  ShowPlan plan;
  int64_t version = 0;
  Show::State as = Show::State::kPlanned;
};
Result<PlanWish> plan_wish(const ApiRequest& request, const Config& config) {
  PlanWish wish;
  const json* plan = nullptr;
  auto read = read_body(request, [&](ObjectReader& reader) {
    plan = reader.any("plan");
    if (plan == nullptr || !plan->is_object()) reader.refuse("plan", "none", "an object");
    wish.version = reader.integer_or("version", 0, 0, INT64_MAX);
    if (reader.one_of_or_first("as", {"planned", "template"}) == 1) wish.as = Show::State::kTemplate;
  });
  if (!read) return tl::unexpected(read.error());
  auto made = show_plan_from(*plan);
  if (!made) return tl::unexpected(made.error());
  if (auto checked = check_places(*made, config); !checked) return tl::unexpected(checked.error());
  wish.plan = std::move(*made);
  return wish;
}

}  // namespace

std::vector<Route> ShowRoutes::routes() {
  const auto on = [this](auto method) {
    return [this, method](const ApiRequest& request) { return (this->*method)(request); };
  };
  const Route::Takes form = {.schema = {{"type", "object"}}};
  const Roles readers = kStaff;
  std::vector<std::string> list_query = kPageQuery;
  list_query.emplace_back("state");
  const std::string show = "/api/v1/shows/{show}";
  return {
      {"GET",
       "/api/v1/shows",
       readers,
       "Shows, the newest first",
       on(&ShowRoutes::list),
       {.query = list_query}},
      {"POST", "/api/v1/shows", kOperators, "A new show, or a template of shows", on(&ShowRoutes::create),
       form},
      {"GET", show, readers, "A show, with what was on when", on(&ShowRoutes::get)},
      {"PUT", show, kOperators, "A show's plan, whole", on(&ShowRoutes::put), form},
      {"DELETE", show, kOperators, "Removes a show that was never on air", on(&ShowRoutes::remove)},
      {"POST", show + "/copy", kOperators, "A new show with this one's plan", on(&ShowRoutes::copy), form},
      {"GET",
       show + "/figures",
       {Role::kHost, Role::kOperator, Role::kService},
       "What was sold in a show",
       on(&ShowRoutes::figures)},
      {"PUT", show + "/viewers/{platform}", kOperators,
       "How many watched, as somebody read it off a platform", on(&ShowRoutes::put_viewers), form},
      {"GET", show + "/preflight", kOnTheSet, "What stands in the way of a show", on(&ShowRoutes::check)},
      {"GET", "/api/v1/preflight", kOnTheSet, "What stands in the way of a show that nobody planned",
       on(&ShowRoutes::check_unplanned)},
      {"GET", "/api/v1/live", readers, "What is on now", on(&ShowRoutes::live)},
      {"POST", "/api/v1/live/start", kOnTheSet, "Goes on air: with a show, or with an unplanned one",
       on(&ShowRoutes::start), form},
      {"POST", "/api/v1/live/stop", kOnTheSet, "Goes off air", on(&ShowRoutes::stop), form},
      {"POST", "/api/v1/live/go", kOnTheSet, "Another segment is on from now", on(&ShowRoutes::go), form},
      {"POST", "/api/v1/live/insert", kOperators, "A new segment behind the one that is on",
       on(&ShowRoutes::insert), form},
      {"POST", "/api/v1/live/host", kOnTheSet, "Somebody else is on air from now", on(&ShowRoutes::hand_over),
       form},
      {"POST", "/api/v1/live/slate", kOnTheSet, "Hides everything behind the slate, or shows it again",
       on(&ShowRoutes::slate), form},
      {"POST", "/api/v1/live/cues", kOnTheSet, "Tells the host something", on(&ShowRoutes::cue), form},
      {"DELETE", "/api/v1/live/cues/{cue}", kOnTheSet, "It was read, or is not needed any more",
       on(&ShowRoutes::remove_cue)},
      {"GET", "/api/v1/live/layers", readers, "Layers that somebody switched on", on(&ShowRoutes::layers)},
      {"PUT", "/api/v1/live/layers/{layer}", kOperators, "Switches a layer on", on(&ShowRoutes::put_layer),
       form},
      {"DELETE",
       "/api/v1/live/layers/{layer}",
       kOperators,
       "Switches a layer off",
       on(&ShowRoutes::remove_layer),
       {.query = {"program"}}},
      {"GET", "/api/v1/programs/{program}/view", readers, "Which cameras and microphones somebody chose",
       on(&ShowRoutes::view)},
      {"PUT", "/api/v1/programs/{program}/view", kOperators, "Chooses cameras and microphones",
       on(&ShowRoutes::put_view), form},
  };
}

Result<Show> ShowRoutes::show_of(const ApiRequest& request) const {
  const auto id = number_of(request, "show");
  if (!id) return tl::unexpected(id.error());
  return parts_.shows.get(*id);
}

Result<Show> ShowRoutes::live_show() const {
  auto live = parts_.shows.live();
  if (!live) return tl::unexpected(live.error());
  if (!*live) return fail(ErrorCode::kNotFound, "no show is on air; start one first");
  return std::move(**live);
}

Result<ApiAnswer> ShowRoutes::show_answer(const Result<Show>& show, int status) {
  if (!show) return tl::unexpected(show.error());
  parts_.stage.poke();
  parts_.publish(
      {{"type", "show"}, {"show", show->id}, {"state", to_string(show->state)}, {"version", show->version}});
  return ApiAnswer{.status = status, .body = show_json(*show)};
}

/// What was asked for is on the disk. Whether it is seen yet is said beside it.
Result<ApiAnswer> ShowRoutes::shown_answer() {
  const auto shown = parts_.stage.wait_until_shown(kPatience);
  parts_.publish({{"type", "live"}});
  auto answer = live({});
  if (!answer) return answer;
  answer->body["is_shown"] = shown.has_value();
  if (!shown) answer->body["not_shown_because"] = shown.error().message;
  return answer;
}

Result<ApiAnswer> ShowRoutes::list(const ApiRequest& request) {
  const auto page = page_of(request);
  if (!page) return tl::unexpected(page.error());
  auto wanted = Show::State::kUnknown;
  const std::string state = text_or(request, "state", "");
  for (auto each : {Show::State::kTemplate, Show::State::kPlanned, Show::State::kLive, Show::State::kOver})
    if (to_string(each) == state) wanted = each;
  if (!state.empty() && wanted == Show::State::kUnknown)
    return tl::unexpected(
        to_error(Problems{{"state", "\"" + state + "\"", "template, planned, live, over"}}));
  const auto found = parts_.shows.list(wanted, page->offset, page->limit);
  if (!found) return tl::unexpected(found.error());
  json shows = json::array();
  for (const auto& show : found->shows) shows.push_back(show_json(show));
  return ApiAnswer{.body = {{"total", found->total}, {"shows", std::move(shows)}}};
}

Result<ApiAnswer> ShowRoutes::create(const ApiRequest& request) {
  const auto wish = plan_wish(request, parts_.config);
  if (!wish) return tl::unexpected(wish.error());
  return show_answer(parts_.shows.create(wish->plan, wish->as, author_of(request)), 201);
}

Result<ApiAnswer> ShowRoutes::get(const ApiRequest& request) {
  const auto show = show_of(request);
  if (!show) return tl::unexpected(show.error());
  const auto steps = parts_.shows.steps(show->id);
  if (!steps) return tl::unexpected(steps.error());
  json body = show_json(*show);
  body["steps"] = json::array();
  for (const auto& step : *steps) body["steps"].push_back(step_json(step));
  return ApiAnswer{.body = std::move(body)};
}

Result<ApiAnswer> ShowRoutes::put(const ApiRequest& request) {
  const auto id = number_of(request, "show");
  if (!id) return tl::unexpected(id.error());
  const auto wish = plan_wish(request, parts_.config);
  if (!wish) return tl::unexpected(wish.error());
  return show_answer(parts_.shows.put(*id, wish->plan, wish->version, author_of(request)));
}

Result<ApiAnswer> ShowRoutes::remove(const ApiRequest& request) {
  const auto id = number_of(request, "show");
  if (!id) return tl::unexpected(id.error());
  if (auto removed = parts_.shows.remove(*id); !removed) return tl::unexpected(removed.error());
  parts_.publish({{"type", "show"}, {"show", *id}, {"state", "removed"}});
  return ApiAnswer{.body = {{"id", *id}}};
}

Result<ApiAnswer> ShowRoutes::copy(const ApiRequest& request) {
  const auto show = show_of(request);
  if (!show) return tl::unexpected(show.error());
  ShowPlan plan = show->plan;
  plan.repeats.reset();
  plan.begins_at.reset();
  plan.ends_at.reset();
  plan.starts_by_itself = plan.stops_by_itself = false;
  auto as = Show::State::kPlanned;
  auto read = read_body(request, [&](ObjectReader& reader) {
    plan.title = reader.text_or("title", plan.title, {.max_bytes = 120, .may_be_empty = true});
    if (reader.one_of_or_first("as", {"planned", "template"}) == 1) as = Show::State::kTemplate;
  });
  if (!read) return tl::unexpected(read.error());
  return show_answer(parts_.shows.create(plan, as, author_of(request)), 201);
}

Result<ApiAnswer> ShowRoutes::figures(const ApiRequest& request) {
  const auto show = show_of(request);
  if (!show) return tl::unexpected(show.error());
  const auto steps = parts_.shows.steps(show->id);
  if (!steps) return tl::unexpected(steps.error());
  const auto viewers = parts_.shows.viewers(show->id);
  if (!viewers) return tl::unexpected(viewers.error());
  const auto& currency = parts_.config.commerce.currency;
  const Instant now = system_now();
  std::vector<commerce::OrderBook::ShowLine> lines;
  if (show->started_at) {
    auto found =
        parts_.data.orders.in_window({*show->started_at, show->ended_at.value_or(now)}, show->plan.room);
    if (!found) return tl::unexpected(found.error());
    lines = std::move(*found);
  }
  const Figures figures = count(*show, *steps, lines, *viewers, now);
  json body = {{"show", show->id},
               {"all", tally_json(figures.all, currency)},
               {"cancelled", figures.cancelled},
               {"others", tally_json(figures.others, currency)},
               {"items", json::array()},
               {"hosts", json::array()},
               {"newest", json::array()},
               {"viewers", *viewers}};
  if (figures.conversion_permille) body["conversion_permille"] = *figures.conversion_permille;
  if (figures.target_permille) body["target_permille"] = *figures.target_permille;
  if (show->plan.target) body["target"] = money_json(*show->plan.target);
  for (const auto& segment : show->plan.rundown) {
    if (segment.kind != Segment::Kind::kItem) continue;
    const auto row = parts_.data.catalogue.find(segment.item);
    if (!row) return tl::unexpected(row.error());
    const auto sold = figures.items.find(segment.item);
    json item = tally_json(sold == figures.items.end() ? Tally{} : sold->second, currency);
    item["segment"] = segment.id;
    item["number"] = show->plan.number_of(segment.id);
    item["item"] = ref_json(segment.item);
    if (*row) item["title"] = (*row)->item.title;
    if (*row && (*row)->item.stock) item["stock"] = *(*row)->item.stock;
    if (const auto time = figures.on_air.find(segment.item); time != figures.on_air.end())
      item["on_air_s"] = time->second.count();
    body["items"].push_back(std::move(item));
  }
  for (const auto& [host, tally] : figures.hosts) {
    json sold = tally_json(tally, currency);
    sold["host"] = host;
    body["hosts"].push_back(std::move(sold));
  }
  for (const auto& order : figures.newest)
    body["newest"].push_back({{"name", order.name},
                              {"item", ref_json(order.item)},
                              {"sku", order.sku},
                              {"quantity", order.quantity},
                              {"placed_at", format_rfc3339(order.placed_at)}});
  return ApiAnswer{.body = std::move(body)};
}

Result<ApiAnswer> ShowRoutes::put_viewers(const ApiRequest& request) {
  const auto id = number_of(request, "show");
  if (!id) return tl::unexpected(id.error());
  const std::string& platform = request.path.at("platform");
  int64_t viewers = 0;
  auto read = read_body(request, [&](ObjectReader& reader) {
    viewers = reader.integer("viewers", 0, 1'000'000'000);
    if (!is_id(platform)) reader.refuse("platform", "\"" + platform + "\"", "1 to 64 of a-z A-Z 0-9 - _ .");
  });
  if (!read) return tl::unexpected(read.error());
  if (auto put = parts_.shows.put_viewers(*id, platform, viewers, author_of(request)); !put)
    return tl::unexpected(put.error());
  return ApiAnswer{.body = {{"platform", platform}, {"viewers", viewers}}};
}

Result<ApiAnswer> ShowRoutes::check(const ApiRequest& request) {
  const auto show = show_of(request);
  if (!show) return tl::unexpected(show.error());
  return ApiAnswer{.body = to_json(parts_.preflight(*show))};
}

Result<ApiAnswer> ShowRoutes::check_unplanned(const ApiRequest& /*request*/) {
  return ApiAnswer{.body = to_json(parts_.preflight(Show{}))};
}

/// What staff read of a segment: of an item also what it costs in the shop now, and until when.
Result<json> ShowRoutes::segment_of(const ShowPlan& plan, const Segment& segment) const {
  json body = {{"segment", segment.id}, {"kind", to_string(segment.kind)}, {"title", segment.title}};
  if (segment.kind != Segment::Kind::kItem) return body;
  body["number"] = plan.number_of(segment.id);
  body["item"] = ref_json(segment.item);
  const auto row = parts_.data.catalogue.find(segment.item);
  if (!row) return tl::unexpected(row.error());
  if (!*row) return body;
  const auto& item = (*row)->item;
  if (segment.title.empty()) body["title"] = item.title;
  body["option"] = item.option;
  body["availability"] = to_string(item.availability);
  body["price"] = money_json(item.price);
  if (item.stock) body["stock"] = *item.stock;
  const auto photo = parts_.photos.find(segment.item);
  if (!photo) return tl::unexpected(photo.error());
  if (*photo) body["photo"] = (*photo)->blob;
  const auto offers = parts_.data.offers.open();
  if (!offers) return tl::unexpected(offers.error());
  for (const auto& offer : *offers)
    if (offer.prices.contains(segment.item)) body["offer"] = to_json(offer);
  return body;
}

Result<ApiAnswer> ShowRoutes::live(const ApiRequest& /*request*/) {
  const auto found = parts_.shows.live();
  if (!found) return tl::unexpected(found.error());
  const auto look = parts_.stage.last();
  json body = {{"is_live", found->has_value()},
               {"revision", look.revision},
               {"remarks", look.remarks},
               {"now", format_rfc3339(system_now())}};
  if (look.fault) body["fault"] = look.fault->message;
  for (const auto& [name, why] : look.refused) body["refused"][name] = why;
  if (!*found) return ApiAnswer{.body = std::move(body)};
  const auto& show = **found;
  const auto steps = parts_.shows.steps(show.id);
  if (!steps) return tl::unexpected(steps.error());
  body["show"] = show_json(show);
  body["on"] = step_json(steps->back());
  body["pace"] = pace_json(judge_pace(show, *steps, system_now()));
  const auto* on = show.plan.find(steps->back().segment);
  const auto* next = next_of(show.plan, steps->back().segment);
  const auto* previous = previous_of(show.plan, steps->back().segment);
  if (next != nullptr) body["next"] = next->id;
  if (previous != nullptr) body["previous"] = previous->id;
  body["segments"] = json::array();
  for (const auto* segment : {previous, on, next}) {
    if (segment == nullptr) continue;
    auto told = segment_of(show.plan, *segment);
    if (!told) return tl::unexpected(told.error());
    body["segments"].push_back(std::move(*told));
  }
  const auto cues = parts_.cues.list(show.id);
  if (!cues) return tl::unexpected(cues.error());
  body["cues"] = json::array();
  for (const auto& cue : *cues) body["cues"].push_back(cue_json(cue));
  return ApiAnswer{.body = std::move(body)};
}

Result<ApiAnswer> ShowRoutes::start(const ApiRequest& request) {
  int64_t id = 0;
  std::string override_why;
  auto read = read_body(request, [&](ObjectReader& reader) {
    id = reader.integer_or("show", 0, 0, INT64_MAX);
    override_why = reader.text_or("override", "", {.max_bytes = 300, .may_be_empty = true});
  });
  if (!read) return tl::unexpected(read.error());
  const auto author = author_of(request);
  if (id == 0) {
    // Somebody pressed Start twice, or a show is on already: that is what they wanted.
    const auto on = parts_.shows.live();
    if (!on) return tl::unexpected(on.error());
    if (*on) return shown_answer();
  }
  auto show = id != 0 ? parts_.shows.get(id) : parts_.shows.create(ShowPlan{}, Show::State::kPlanned, author);
  if (!show) return tl::unexpected(show.error());
  if (show->state == Show::State::kPlanned) {
    const Preflight preflight = parts_.preflight(*show);
    if (preflight.blocks() && override_why.empty()) {
      Problems problems;
      for (const auto& point : preflight.points)
        if (point.blocks) problems.push_back({point.id, point.reason.en, point.remedy.en});
      Error refused = to_error(problems);
      refused.message =
          "the pre-flight says no; mend it, or start with \"override\" and the reason: " + refused.message;
      return tl::unexpected(std::move(refused));
    }
    if (preflight.blocks())
      log::warning("show", "{}: started by {} although {}", show->key(), author.name, override_why);
  }
  const auto started = parts_.shows.start(show->id, author, override_why);
  if (!started) return tl::unexpected(started.error());
  log::info("show", "{} \"{}\" is started by {}", started->key(), started->plan.title, author.name);
  auto answer = shown_answer();
  list_items_of(parts_.data, parts_.link, *started);
  return answer;
}

Result<ApiAnswer> ShowRoutes::stop(const ApiRequest& request) {
  std::string why;
  auto read = read_body(request, [&](ObjectReader& reader) {
    why = reader.text_or("why", "stopped by hand", {.max_bytes = 300, .may_be_empty = true});
  });
  if (!read) return tl::unexpected(read.error());
  const auto show = live_show();
  if (!show) return tl::unexpected(show.error());
  const auto author = author_of(request);
  const auto stopped = parts_.shows.stop(show->id, why, author);
  if (!stopped) return tl::unexpected(stopped.error());
  log::info("show", "{} \"{}\" is stopped by {}", stopped->key(), stopped->plan.title, author.name);
  return shown_answer();
}

/// {"segment": 7}, or {"to": "next"|"previous", "from": 6}: who pressed twice, or behind somebody else, skips
/// nothing.
Result<ApiAnswer> ShowRoutes::go(const ApiRequest& request) {
  const auto show = live_show();
  if (!show) return tl::unexpected(show.error());
  const auto steps = parts_.shows.steps(show->id);
  if (!steps) return tl::unexpected(steps.error());
  const int64_t on = steps->back().segment;
  int64_t segment = 0;
  bool is_behind = false;
  auto read = read_body(request, [&](ObjectReader& reader) {
    if (reader.has("segment")) {
      segment = reader.integer("segment", 1, INT32_MAX);
      return;
    }
    const bool is_next = reader.one_of("to", {"next", "previous"}) == 0;
    is_behind = reader.integer_or("from", on, 0, INT32_MAX) != on;
    const auto* wanted = is_next ? next_of(show->plan, on) : previous_of(show->plan, on);
    if (wanted == nullptr)
      reader.refuse("to", is_next ? "next" : "previous",
                    "nothing: there is no segment behind or before this one");
    else
      segment = wanted->id;
  });
  if (!read) return tl::unexpected(read.error());
  if (!is_behind)
    if (const auto gone = parts_.shows.go(show->id, segment, author_of(request)); !gone)
      return tl::unexpected(gone.error());
  return shown_answer();
}

Result<ApiAnswer> ShowRoutes::insert(const ApiRequest& request) {
  const auto show = live_show();
  if (!show) return tl::unexpected(show.error());
  const auto steps = parts_.shows.steps(show->id);
  if (!steps) return tl::unexpected(steps.error());
  // As a part of the plan, so that it is read by what reads a plan.
  json plan = to_json(show->plan);
  json segment = request.body.is_object() ? request.body.value("segment", json()) : json();
  if (segment.is_object()) segment.erase("id");
  auto& rundown = plan["rundown"];
  const auto behind =
      std::ranges::find_if(rundown, [&](const json& each) { return each["id"] == steps->back().segment; });
  rundown.insert(behind == rundown.end() ? rundown.begin() : behind + 1, segment);
  const auto wanted = show_plan_from(plan);
  if (!wanted) return tl::unexpected(wanted.error());
  return show_answer(parts_.shows.put(show->id, *wanted, show->version, author_of(request)));
}

Result<ApiAnswer> ShowRoutes::hand_over(const ApiRequest& request) {
  const auto show = live_show();
  if (!show) return tl::unexpected(show.error());
  std::string host;
  auto read = read_body(request, [&](ObjectReader& reader) {
    host = reader.text("host", {.max_bytes = 60, .may_be_empty = false});
    if (const auto unsafe = find_unsafe_character(host)) reader.refuse("host", *unsafe, "a name");
  });
  if (!read) return tl::unexpected(read.error());
  if (const auto done = parts_.shows.hand_over(show->id, host, author_of(request)); !done)
    return tl::unexpected(done.error());
  return shown_answer();
}

Result<ApiAnswer> ShowRoutes::slate(const ApiRequest& request) {
  const auto show = live_show();
  if (!show) return tl::unexpected(show.error());
  bool is_on = false;
  std::string message;
  auto read = read_body(request, [&](ObjectReader& reader) {
    is_on = reader.boolean_or("on", true);
    message = reader.text_or("message", "马上回来", {.max_bytes = 72, .may_be_empty = true});
    if (const auto unsafe = find_unsafe_character(message))
      reader.refuse("message", *unsafe, "a line of text");
  });
  if (!read) return tl::unexpected(read.error());
  const auto done =
      parts_.shows.set_slate(show->id, is_on ? std::optional(message) : std::nullopt, author_of(request));
  if (!done) return tl::unexpected(done.error());
  return shown_answer();
}

Result<ApiAnswer> ShowRoutes::cue(const ApiRequest& request) {
  const auto show = live_show();
  if (!show) return tl::unexpected(show.error());
  std::string text;
  auto read = read_body(request, [&](ObjectReader& reader) {
    text = reader.text("text", {.max_bytes = 600, .may_be_empty = false});
  });
  if (!read) return tl::unexpected(read.error());
  const auto cue = parts_.cues.add(show->id, text, author_of(request));
  if (!cue) return tl::unexpected(cue.error());
  parts_.publish({{"type", "live"}});
  return ApiAnswer{.status = 201, .body = cue_json(*cue)};
}

Result<ApiAnswer> ShowRoutes::remove_cue(const ApiRequest& request) {
  const auto id = number_of(request, "cue");
  if (!id) return tl::unexpected(id.error());
  const auto show = live_show();
  if (!show) return tl::unexpected(show.error());
  if (auto removed = parts_.cues.remove(show->id, *id); !removed) return tl::unexpected(removed.error());
  parts_.publish({{"type", "live"}});
  return ApiAnswer{.body = {{"id", *id}}};
}

Result<ApiAnswer> ShowRoutes::layers(const ApiRequest& /*request*/) {
  const auto layers = parts_.book.layers();
  if (!layers) return tl::unexpected(layers.error());
  json list = json::array();
  for (const auto& layer : *layers) list.push_back(layer_json(layer));
  return ApiAnswer{.body = {{"layers", std::move(list)}}};
}

Result<ApiAnswer> ShowRoutes::put_layer(const ApiRequest& request) {
  if (const auto show = live_show(); !show) return tl::unexpected(show.error());
  StageLayer layer;
  layer.id = request.path.at("layer");
  layer.by = author_of(request);
  auto read = read_body(request, [&](ObjectReader& reader) {
    if (!is_id(layer.id)) reader.refuse("layer", "\"" + layer.id + "\"", "1 to 64 of a-z A-Z 0-9 - _ .");
    layer.program = reader.has("program") ? reader.id("program") : "";
    if (!layer.program.empty() && parts_.config.find_program(layer.program) == nullptr)
      reader.refuse("program", "\"" + layer.program + "\"", "a program of this box, or none for all");
    layer.template_name = reader.id("template");
    const json* data = reader.any("data");
    layer.data = data == nullptr ? json::object() : *data;
    if (reader.one_of_or_first("source", {"given", "orders"}) == 1) {
      layer.source = StageLayer::Source::kOrders;
      if (layer.template_name != "ticker")
        reader.refuse("template", "\"" + layer.template_name + "\"", "\"ticker\": orders fill no other one");
      if (data != nullptr) reader.refuse("data", "some", "none: the desk fills it with the newest orders");
    }
    constexpr std::array<const char*, 3> kAfter = {"hide", "ended", "neutral"};
    layer.after = kAfter.at(reader.one_of_or_first("after", {"hide", "ended", "neutral"}));
    const Instant now = system_now() + parts_.stage.last().clock_offset;
    layer.valid_from = reader.has("valid_from") ? reader.instant("valid_from") : now - 1s;
    layer.valid_until =
        reader.has("valid_until")
            ? reader.instant("valid_until")
            : now + std::chrono::seconds(reader.integer_or("seconds", kLongestLayer, 1, kLongestLayer));
    if (layer.valid_until <= layer.valid_from)
      reader.refuse("valid_until", format_rfc3339(layer.valid_until), "after valid_from");
  });
  if (!read) return tl::unexpected(read.error());
  const auto before = parts_.book.layers();
  if (!before) return tl::unexpected(before.error());
  if (auto put = parts_.book.put(layer); !put) return tl::unexpected(put.error());
  auto answer = shown_answer();
  const auto look = parts_.stage.last();
  const auto refused = look.refused.find(layer.template_name);
  if (refused == look.refused.end()) return answer;
  // What was there before is shown again; nothing was lost by asking for what can't be drawn.
  const auto old = std::ranges::find_if(
      *before, [&](const StageLayer& each) { return each.program == layer.program && each.id == layer.id; });
  const auto undone =
      old == before->end() ? parts_.book.remove(layer.program, layer.id) : parts_.book.put(*old);
  if (!undone) return tl::unexpected(undone.error());
  parts_.stage.poke();
  return fail(ErrorCode::kInvalidInput, refused->second);
}

Result<ApiAnswer> ShowRoutes::remove_layer(const ApiRequest& request) {
  if (auto removed = parts_.book.remove(text_or(request, "program", ""), request.path.at("layer")); !removed)
    return tl::unexpected(removed.error());
  return shown_answer();
}

Result<ApiAnswer> ShowRoutes::view(const ApiRequest& request) {
  const std::string& program = request.path.at("program");
  if (parts_.config.find_program(program) == nullptr)
    return fail(ErrorCode::kNotFound, fmt::format("there is no program \"{}\"", program));
  const auto views = parts_.book.views();
  if (!views) return tl::unexpected(views.error());
  const auto found = views->find(program);
  const json chosen = found == views->end() ? json::object() : found->second.body;
  const json state = default_program_state(parts_.config);
  json shown;
  for (const auto& each : state["programs"])
    if (each["id"] == program) shown = each["scene"];
  shown.update(chosen);
  for (const char* key : {"id", "layers", "slate"}) shown.erase(key);
  return ApiAnswer{.body = {{"program", program}, {"view", chosen}, {"shown", std::move(shown)}}};
}

Result<ApiAnswer> ShowRoutes::put_view(const ApiRequest& request) {
  StageView view{request.path.at("program"), json::object(), author_of(request)};
  if (parts_.config.find_program(view.program) == nullptr)
    return fail(ErrorCode::kNotFound, fmt::format("there is no program \"{}\"", view.program));
  auto read = read_body(request, [&](ObjectReader& reader) {
    for (const char* key : {"pictures", "fallback_cameras", "sounds", "fade_ms"})
      if (const json* value = reader.any(key)) view.body[key] = *value;
  });
  if (!read) return tl::unexpected(read.error());
  // Held against the same rules as the studio's.
  json state = default_program_state(parts_.config);
  for (auto& program : state["programs"])
    if (program["id"] == view.program) program["scene"].update(view.body);
  if (const auto decoded = decode_program_state(state, parts_.config); !decoded)
    return tl::unexpected(to_error(decoded.error()));
  if (auto put = parts_.book.put(view); !put) return tl::unexpected(put.error());
  return shown_answer();
}

void list_items_of(commerce::ShopData& data, ShopLink& link, const Show& show) {
  for (const auto& segment : show.plan.rundown) {
    if (segment.kind != Segment::Kind::kItem) continue;
    const auto listing = data.listings.queue(show.key(), segment.item, segment.quota);
    const auto listed = listing ? data.listings.list(listing->id) : tl::unexpected(listing.error());
    if (!listed)
      log::warning("show", "{}: {} is not listed: {}", show.key(), segment.item.text(),
                   listed.error().message);
  }
  link.poke();
}

}  // namespace vitrine::desk
