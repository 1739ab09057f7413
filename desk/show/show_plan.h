// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "commerce/item.h"
#include "core/config.h"
#include "core/error.h"
#include "core/media_time.h"
#include "core/money.h"

namespace vitrine::desk {

/// One part of a show.
struct Segment {
  enum class Kind { kUnknown = 0, kWaiting, kOpening, kItem, kBreak, kRecap, kNextShow };
  int64_t id = 0;  // within its show, never used again
  Kind kind = Kind::kUnknown;
  commerce::Ref item;  // of kItem
  std::string title;   // what staff call it; an item's own name when empty
  std::optional<std::chrono::seconds> planned;
  std::optional<int64_t> quota;  // pieces the show may sell of it

  bool operator==(const Segment&) const = default;
};
std::string_view to_string(Segment::Kind kind);

/// The trade's rhythm: three minutes an item at most, three in a row, then two minutes of something else.
struct Pace {
  std::chrono::seconds item_at_most{180};
  int items_in_a_row{3};
  std::chrono::seconds pause_at_least{120};
};

/// Local civil time, as a shop says it: "every day at 20:00". What daylight saving makes of it is
/// `next_start`'s.
struct Repeats {
  std::vector<std::chrono::weekday> days;
  std::chrono::minutes at{0};  // after midnight
  std::chrono::minutes length{120};
};

/// What is decided about a show before it runs and while it runs. Staff edit it as a whole.
struct ShowPlan {
  std::string title;
  std::string host;
  std::optional<Instant> begins_at;
  std::optional<Instant> ends_at;
  bool starts_by_itself = false;
  bool stops_by_itself = false;
  std::optional<Repeats> repeats;         // of a template: each time becomes a show of its own
  std::optional<Money> target;            // sales
  std::vector<std::string> programs;      // on air with it; empty: all
  std::vector<std::string> destinations;  // published to; empty: all of its programs'
  bool is_ai = false;                     // a virtual host or generated voice: the notice stands all the time
  std::string licence;                    // id of the document; empty: none is shown
  std::chrono::seconds licence_every{900};
  std::chrono::seconds licence_for{20};
  std::string payee;  // id; must be the licence's holder
  std::string room;   // how orders name this live room; mostly empty
  std::string price_label = "直播价";
  std::string next_show_title;
  std::optional<Instant> next_show_at;
  Pace pace;
  std::vector<Segment> rundown;
  int64_t next_segment = 1;

  [[nodiscard]] const Segment* find(int64_t id) const;
  /// 1 for the first item; 0 for what is none. What viewers are told: "03".
  [[nodiscard]] int number_of(int64_t id) const;
  [[nodiscard]] bool has_program(std::string_view id) const;
  [[nodiscard]] bool has_destination(const DestinationConfig& destination) const;
};

/// As JSON from outside, whole. Segments without an id are new ones and get theirs. Errors: kInvalidInput
/// with every problem.
Result<ShowPlan> show_plan_from(const nlohmann::json& body);
nlohmann::json to_json(const ShowPlan& plan);

/// Whether every program and destination it names is there. For the door alone: one that goes from the
/// configuration later spoils no plan that is kept. Errors: kInvalidInput with every problem.
Status check_places(const ShowPlan& plan, const Config& config);

}  // namespace vitrine::desk
