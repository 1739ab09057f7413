// SPDX-License-Identifier: Apache-2.0
#include "desk/show/show_plan.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "core/json_text.h"
#include "core/object_reader.h"
#include "core/rfc3339.h"
#include "core/text_rules.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr size_t kMostSegments = 500;
constexpr size_t kMostPrograms = 4;
constexpr int64_t kLongestSegment = 4 * 3600;
constexpr int64_t kMostMinor = 1'000'000'000'000;

constexpr std::array<std::string_view, 7> kSegmentKinds = {"unknown", "waiting", "opening",  "item",
                                                           "break",   "recap",   "next_show"};
constexpr std::array<std::string_view, 7> kDays = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

/// One line for a screen.
std::string screen_text(ObjectReader& reader, const char* key, size_t max_bytes, std::string fallback = "") {
  std::string text = reader.text_or(key, std::move(fallback), {.max_bytes = max_bytes, .may_be_empty = true});
  const auto unsafe = find_unsafe_character(text);
  if (unsafe || text.find('\n') != std::string::npos)
    reader.refuse(key, unsafe ? *unsafe : "more than one line",
                  "one line of text without control and direction characters");
  return text;
}

std::optional<Instant> instant_or_none(ObjectReader& reader, const char* key) {
  const json* value = reader.any(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  const auto instant = value->is_string() ? parse_rfc3339(value->get<std::string>()) : std::nullopt;
  if (!instant) reader.refuse(key, value->dump(), "a time like 2026-11-22T20:00:00+08:00, or nothing");
  return instant;
}

Segment segment_from(ObjectReader& reader) {
  Segment segment;
  segment.id = reader.integer_or("id", 0, 0, INT32_MAX);
  segment.kind = static_cast<Segment::Kind>(
      1 + reader.one_of("kind", {"waiting", "opening", "item", "break", "recap", "next_show"}));
  segment.title = screen_text(reader, "title", 200);
  if (const int64_t planned = reader.integer_or("planned_s", 0, 0, kLongestSegment); planned > 0)
    segment.planned = seconds(planned);
  if (const int64_t quota = reader.integer_or("quota", 0, 0, 1'000'000'000); quota > 0) segment.quota = quota;
  bool has_item = false;
  reader.object_if_present("item", [&](ObjectReader& item) {
    segment.item.product = item.text("product", {.max_bytes = 128, .may_be_empty = false});
    segment.item.variant = item.text_or("variant", "", {.max_bytes = 128, .may_be_empty = true});
    has_item = true;
  });
  if (has_item != (segment.kind == Segment::Kind::kItem))
    reader.refuse("item", has_item ? "one" : "none",
                  "an item in a segment of kind \"item\", and in no other one");
  return segment;
}

Repeats repeats_from(ObjectReader& reader) {
  Repeats repeats;
  reader.values("days", 1, 7, [&](const json& value, const std::string& where) {
    const auto found = std::ranges::find(kDays, value.is_string() ? value.get<std::string>() : "");
    if (found == kDays.end())
      reader.refuse(where, value.dump(), "mon, tue, wed, thu, fri, sat or sun");
    else
      repeats.days.emplace_back(static_cast<unsigned>(found - kDays.begin()));
  });
  const std::string at = reader.text("at", {.max_bytes = 5, .may_be_empty = false});
  const auto is_digit = [&](size_t i) { return at[i] >= '0' && at[i] <= '9'; };
  const bool is_time =
      at.size() == 5 && is_digit(0) && is_digit(1) && at[2] == ':' && is_digit(3) && is_digit(4);
  const int hours = is_time ? std::stoi(at.substr(0, 2)) : 24;
  const int minutes = is_time ? std::stoi(at.substr(3)) : 60;
  if (!at.empty() && (hours > 23 || minutes > 59)) reader.refuse("at", "\"" + at + "\"", "a time like 20:00");
  repeats.at = std::chrono::hours(hours) + std::chrono::minutes(minutes);
  repeats.length = std::chrono::minutes(reader.integer("minutes", 1, 24 * 60));
  return repeats;
}

Pace pace_from(ObjectReader& reader) {
  Pace pace;
  pace.item_at_most = seconds(reader.integer_or("item_s", 180, 10, kLongestSegment));
  pace.items_in_a_row = static_cast<int>(reader.integer_or("items_in_a_row", 3, 1, 100));
  pace.pause_at_least = seconds(reader.integer_or("break_s", 120, 0, kLongestSegment));
  return pace;
}

Money target_from(ObjectReader& reader) {
  Money money;
  money.minor = reader.integer("minor", 1, kMostMinor);
  const std::string currency = reader.text("currency", {.max_bytes = 3, .may_be_empty = false});
  if (!minor_digits(currency)) reader.refuse("currency", "\"" + currency + "\"", "an ISO 4217 code like CNY");
  currency.copy(money.currency.data(), money.currency.size());
  return money;
}

std::vector<std::string> read_ids(ObjectReader& reader, const char* key, size_t most) {
  std::vector<std::string> ids;
  reader.values(key, 0, most, [&](const json& value, const std::string& where) {
    const std::string id = value.is_string() ? value.get<std::string>() : "";
    if (is_id(id) && std::ranges::find(ids, id) == ids.end())
      ids.push_back(id);
    else
      reader.refuse(where, describe(value), "an id, once");
  });
  return ids;
}

void number_segments(ShowPlan& plan, Problems& problems) {
  std::set<int64_t> seen;
  for (size_t i = 0; i < plan.rundown.size(); ++i) {
    const int64_t id = plan.rundown[i].id;
    plan.next_segment = std::max(plan.next_segment, id + 1);
    if (id != 0 && !seen.insert(id).second)
      problems.push_back({fmt::format("rundown[{}].id", i), std::to_string(id), "an id once in a rundown"});
  }
  for (auto& segment : plan.rundown)
    if (segment.id == 0) segment.id = plan.next_segment++;
}

void read_times(ObjectReader& reader, ShowPlan& plan) {
  plan.begins_at = instant_or_none(reader, "begins_at");
  plan.ends_at = instant_or_none(reader, "ends_at");
  if (plan.begins_at && plan.ends_at && *plan.ends_at <= *plan.begins_at)
    reader.refuse("ends_at", format_rfc3339(*plan.ends_at),
                  "a time after begins_at, " + format_rfc3339(*plan.begins_at));
  plan.starts_by_itself = reader.boolean_or("starts_by_itself", false);
  plan.stops_by_itself = reader.boolean_or("stops_by_itself", false);
  if (plan.starts_by_itself && !plan.begins_at && !reader.has("repeats"))
    reader.refuse("starts_by_itself", "true", "only with begins_at");
  if (plan.stops_by_itself && !plan.ends_at && !reader.has("repeats"))
    reader.refuse("stops_by_itself", "true", "only with ends_at");
  reader.object_if_present("repeats", [&](ObjectReader& repeats) { plan.repeats = repeats_from(repeats); });
}

void read_licence(ObjectReader& reader, ShowPlan& plan) {
  plan.licence = screen_text(reader, "licence", 64);
  plan.licence_every = seconds(reader.integer_or("licence_every_s", 900, 0, 24 * 3600));
  plan.licence_for = seconds(reader.integer_or("licence_for_s", 20, 5, 24 * 3600));
  plan.payee = screen_text(reader, "payee", 64);
}

json segment_json(const Segment& segment) {
  json body = {{"id", segment.id}, {"kind", to_string(segment.kind)}, {"title", segment.title}};
  if (segment.kind == Segment::Kind::kItem)
    body["item"] = {{"product", segment.item.product}, {"variant", segment.item.variant}};
  if (segment.planned) body["planned_s"] = segment.planned->count();
  if (segment.quota) body["quota"] = *segment.quota;
  return body;
}

json repeats_json(const Repeats& repeats) {
  json days = json::array();
  for (const auto day : repeats.days) days.push_back(kDays.at(day.c_encoding()));
  return {{"days", std::move(days)},
          {"at", fmt::format("{:02}:{:02}", repeats.at.count() / 60, repeats.at.count() % 60)},
          {"minutes", repeats.length.count()}};
}

}  // namespace

std::string_view to_string(Segment::Kind kind) {
  return kSegmentKinds.at(static_cast<size_t>(kind));
}

const Segment* ShowPlan::find(int64_t id) const {
  const auto found = std::ranges::find(rundown, id, &Segment::id);
  return found == rundown.end() ? nullptr : &*found;
}

int ShowPlan::number_of(int64_t id) const {
  int number = 0;
  for (const auto& segment : rundown) {
    if (segment.kind == Segment::Kind::kItem) ++number;
    if (segment.id == id) return segment.kind == Segment::Kind::kItem ? number : 0;
  }
  return 0;
}

bool ShowPlan::has_program(std::string_view id) const {
  return programs.empty() || std::ranges::find(programs, id) != programs.end();
}

bool ShowPlan::has_destination(const DestinationConfig& destination) const {
  return has_program(destination.program) &&
         (destinations.empty() || std::ranges::find(destinations, destination.id) != destinations.end());
}

Result<ShowPlan> show_plan_from(const json& body) {
  Problems problems;
  ObjectReader reader(body, "", problems);
  ShowPlan plan;
  plan.title = screen_text(reader, "title", 120);
  plan.host = screen_text(reader, "host", 60);
  read_times(reader, plan);
  reader.object_if_present("target", [&](ObjectReader& target) { plan.target = target_from(target); });
  plan.programs = read_ids(reader, "programs", kMostPrograms);
  plan.destinations = read_ids(reader, "destinations", kMaxDestinations);
  plan.is_ai = reader.boolean_or("is_ai", false);
  read_licence(reader, plan);
  plan.room = screen_text(reader, "room", 200);
  plan.price_label = screen_text(reader, "price_label", 12, plan.price_label);
  plan.next_show_title = screen_text(reader, "next_show_title", 120);
  plan.next_show_at = instant_or_none(reader, "next_show_at");
  reader.object_if_present("pace", [&](ObjectReader& pace) { plan.pace = pace_from(pace); });
  plan.next_segment = reader.integer_or("next_segment", 1, 1, INT32_MAX);
  reader.array("rundown", 0, kMostSegments,
               [&](ObjectReader& segment) { plan.rundown.push_back(segment_from(segment)); });
  reader.finish();
  number_segments(plan, problems);
  if (!problems.empty()) return tl::unexpected(to_error(problems));
  return plan;
}

json to_json(const ShowPlan& plan) {
  json body = {{"title", plan.title},
               {"host", plan.host},
               {"starts_by_itself", plan.starts_by_itself},
               {"stops_by_itself", plan.stops_by_itself},
               {"programs", plan.programs},
               {"destinations", plan.destinations},
               {"is_ai", plan.is_ai},
               {"licence", plan.licence},
               {"licence_every_s", plan.licence_every.count()},
               {"licence_for_s", plan.licence_for.count()},
               {"payee", plan.payee},
               {"room", plan.room},
               {"price_label", plan.price_label},
               {"next_show_title", plan.next_show_title},
               {"pace",
                {{"item_s", plan.pace.item_at_most.count()},
                 {"items_in_a_row", plan.pace.items_in_a_row},
                 {"break_s", plan.pace.pause_at_least.count()}}},
               {"next_segment", plan.next_segment},
               {"rundown", json::array()}};
  if (plan.begins_at) body["begins_at"] = format_rfc3339(*plan.begins_at);
  if (plan.ends_at) body["ends_at"] = format_rfc3339(*plan.ends_at);
  if (plan.next_show_at) body["next_show_at"] = format_rfc3339(*plan.next_show_at);
  if (plan.repeats) body["repeats"] = repeats_json(*plan.repeats);
  if (plan.target)
    body["target"] = {{"minor", plan.target->minor},
                      {"currency", std::string(plan.target->currency.data(), plan.target->currency.size())}};
  for (const auto& segment : plan.rundown) body["rundown"].push_back(segment_json(segment));
  return body;
}

Status check_places(const ShowPlan& plan, const Config& config) {
  Problems problems;
  const auto check = [&](const char* key, const std::vector<std::string>& ids, const auto& known,
                         const char* allowed) {
    std::vector<std::string> names;
    for (const auto& each : known) names.push_back(each.id);
    for (size_t i = 0; i < ids.size(); ++i)
      if (std::ranges::find(names, ids[i]) == names.end())
        problems.push_back(
            {fmt::format("{}[{}]", key, i), "\"" + ids[i] + "\"",
             fmt::format("{} of vitrine.toml: {}", allowed,
                         names.empty() ? "there is none" : fmt::format("{}", fmt::join(names, ", ")))});
  };
  check("programs", plan.programs, config.programs, "the id of a [[program]]");
  std::vector<DestinationConfig> reached;
  std::ranges::copy_if(config.destinations, std::back_inserter(reached),
                       [&](const auto& destination) { return plan.has_program(destination.program); });
  check("destinations", plan.destinations, reached, "the id of a [[destination]] of the show's programs");
  if (!problems.empty()) return tl::unexpected(to_error(problems));
  return {};
}

}  // namespace vitrine::desk
