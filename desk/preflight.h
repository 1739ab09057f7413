// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "commerce/documents.h"
#include "commerce/item.h"
#include "commerce/item_notes.h"
#include "core/config.h"
#include "core/media_time.h"
#include "desk/show/show_plan.h"
#include "desk/uplink_book.h"

namespace vitrine::desk {

/// A sentence for the pages and one for logs and the command line.
struct Words {
  std::string zh;
  std::string en;
};

/// What stands in the way of a show, point by point.
struct Preflight {
  enum class Level { kGreen = 0, kAmber, kRed };
  struct Point {
    std::string id;  // "camera.counter", "item.3.price"
    Level level = Level::kGreen;
    Words reason;
    Words remedy;         // empty where nothing need be done
    bool blocks = false;  // the law or money is concerned: Start wants an override
  };
  std::vector<Point> points;

  [[nodiscard]] bool blocks() const;
  [[nodiscard]] Level level() const;  // the worst
};
nlohmann::json to_json(const Preflight& preflight);

/// All that it is judged by.
struct PreflightSight {
  Instant now{};
  nlohmann::json studio;        // its status; null: it does not answer
  nlohmann::json destinations;  // its check of them; null as above
  struct Item {
    int64_t segment = 0;
    int number = 0;
    std::optional<commerce::CatalogueItem> item;  // nothing: it is not in the shop
    std::optional<commerce::ItemNotes> notes;
    bool has_photo = false;
    bool is_fresh = false;                // its price was confirmed within the lease
    bool has_reference = false;           // that may be struck through
    std::vector<std::string> bad_papers;  // certificates that are not valid
  };
  std::vector<Item> items;
  std::vector<commerce::Documents::Entry<commerce::Document>> documents;  // all of the shop's
  std::optional<commerce::Document> licence;                              // the show's, of them
  std::optional<commerce::Payee> payee;
  bool is_shop_reachable = false;
  std::string shop_fault;
  std::optional<bool> is_clock_synchronised;
  std::optional<UplinkBook::Measure> uplink;  // nothing: never
};

Preflight judge(const ShowPlan& plan, const PreflightSight& sight, const Config& config);

}  // namespace vitrine::desk
