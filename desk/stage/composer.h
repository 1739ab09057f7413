// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "commerce/documents.h"
#include "commerce/item.h"
#include "commerce/item_notes.h"
#include "commerce/offer.h"
#include "core/config.h"
#include "core/media_time.h"
#include "desk/show/show_book.h"
#include "desk/stage/stage_book.h"
#include "desk/stage/ticker.h"

namespace vitrine::desk {

/// How well two clocks are known to each other: an offset that differs by less is the same, since each one is
/// another state for the studio.
inline constexpr std::chrono::milliseconds kClockSlack{50};

/// The item that is on, as it is known at one moment. All times are by the backend's clock.
struct ItemSight {
  commerce::CatalogueItem item;
  int64_t version = 0;
  std::optional<Instant> price_holds_until;  // its price was confirmed, and may be shown until then
  std::optional<commerce::Offer> offer;      // the open one
  int64_t offer_sold = 0;
  std::optional<Money> reference;  // that may be struck through today
  std::optional<commerce::ItemNotes> notes;
  int64_t notes_version = 0;
  std::string photo;  // a file of the media directory; empty: none
};

/// A document that may be shown.
struct PaperSight {
  std::string id;
  int64_t version = 0;
  commerce::Document document;
  Instant holds_until{};  // the end of its last day; far away where it has none
};

/// All that decides what should be on screen, at one moment.
struct StageSight {
  Instant now{};  // by the backend's clock
  std::chrono::milliseconds clock_offset{0};
  std::chrono::seconds price_lasts{60};  // the longest lease of a price
  std::optional<Show> show;              // the live one
  std::vector<ShowStep> steps;
  std::optional<ItemSight> item;
  std::optional<PaperSight> licence;
  bool is_payee_licensed = false;  // who is paid is who holds the licence
  struct Shown {
    int number = 0;
    std::string name;
    std::optional<Money> price;  // nothing where it is not known to hold
  };
  std::vector<Shown> shown;  // items that were on, for the recap
  std::vector<StageLayer> layers;
  std::vector<TickerOrder> orders;  // the newest first; only while a layer asks for them
  std::map<std::string, StageView> views;
  std::set<std::string> refused_templates;  // the studio could not draw them with what they were given
};

/// What the studio shall show, and why.
struct Composition {
  struct Renewal {
    Instant until;
    std::chrono::seconds length;
  };
  nlohmann::json programs;  // of the program state
  nlohmann::json basis;     // what evidence joins to what was seen
  /// Leases that go on as long as somebody says so; by program and layer.
  std::map<std::string, Renewal> renewals;
  /// Equal to another's: only those leases differ.
  nlohmann::json essence;
  std::vector<std::string> remarks;  // what is not shown, and why; for people
};

/// `was_on_air`: programs that a technician has put on while no show is live, with the destinations he chose
/// (null: all). A function of its arguments.
Composition compose(const StageSight& sight, const Config& config,
                    const std::map<std::string, nlohmann::json>& was_on_air);

/// Some lease of `sent` is half over, and `now` knows a longer one.
bool is_worth_renewing(const Composition& sent, const Composition& now, Instant at);

}  // namespace vitrine::desk
