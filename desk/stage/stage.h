// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "commerce/blob_store.h"
#include "commerce/documents.h"
#include "commerce/item_notes.h"
#include "commerce/photo_book.h"
#include "commerce/shop_data.h"
#include "core/config.h"
#include "core/error.h"
#include "desk/show/show_book.h"
#include "desk/stage/composer.h"
#include "desk/stage/stage_book.h"

namespace vitrine::desk {

/// Keeps the studio showing what should be shown, in one thread: looks at everything that decides it,
/// composes the program state, and sends it whole when it is another one or a lease is half over. What it
/// knows is in the stores and in the studio; either side may be killed at any time, and the next look brings
/// them together.
class Stage {
 public:
  struct Parts {
    const Config& config;
    commerce::ShopData& data;
    const commerce::NoteBook& notes;
    const commerce::Documents& documents;
    const commerce::PhotoBook& photos;
    const commerce::BlobStore& blobs;
    ShowBook& shows;
    const StageBook& book;
  };
  /// Called on its thread.
  struct Calls {
    std::function<std::chrono::milliseconds()> clock_offset;  // backend's clock minus ours
    std::function<void(std::vector<commerce::Ref>)> watch;    // their prices are needed
    std::function<Result<uint64_t>()> newest_noted;           // revision
    std::function<Status(uint64_t revision, const nlohmann::json& basis)>
        note_sent;                  // durable before it is sent
    std::function<void()> changed;  // something else is shown, or a show has ended
  };

  Stage(const Parts& parts, Calls calls);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  /// Something that decides what is shown has changed. Thread: any; never blocks.
  void poke();
  /// The studio says that it shows this revision; one that is not ours was made by somebody else. Thread:
  /// one, which asks the studio again and again.
  void studio_shows(uint64_t revision);
  /// Waits until what was in the stores when this was called is shown, for a lease of it or longer than any
  /// studio needs. Errors: what keeps it from being shown; kTimeout. Thread: any but its own.
  Status wait_until_shown(std::chrono::milliseconds patience);

  struct Look {
    uint64_t revision = 0;                       // acknowledged by the studio; 0: none of ours
    std::vector<std::string> remarks;            // what is not shown, and why
    std::map<std::string, std::string> refused;  // templates the studio can't draw with their data, and why
    std::optional<Error> fault;                  // what keeps it from being shown
    Composition composition;                     // as it was sent last
    std::chrono::milliseconds clock_offset{0};   // the backend's clock minus ours
  };
  [[nodiscard]] Look last() const;

 private:
  struct Studio {
    uint64_t revision = 0;
    std::map<std::string, nlohmann::json> on_air;  // its destinations by program; null: all
    std::map<std::string, std::string> scenes;     // id by program
  };

  void run(const std::stop_token& stop);
  Status look();
  Result<StageSight> see();
  Result<std::optional<ItemSight>> see_item(const StageSight& sight, const commerce::Ref& ref);
  Result<std::optional<PaperSight>> see_licence(const StageSight& sight);
  Status see_paper(StageSight& sight);
  Status see_recap(StageSight& sight);
  [[nodiscard]] std::optional<Instant> price_holds_until(const StageSight& sight,
                                                         const commerce::Ref& ref) const;
  void watch(const StageSight& sight);
  void set_air(const StageSight& sight);
  Status read_studio();
  [[nodiscard]] std::map<std::string, nlohmann::json> by_hand() const;
  [[nodiscard]] std::set<std::string> stopped_by_hand(const Show& show) const;
  Status obey_hand(const Show& show, const std::set<std::string>& stopped);
  Status send(const Composition& wanted, std::chrono::milliseconds clock_offset);
  bool refuse_templates(const nlohmann::json& problems);
  Result<nlohmann::json> ask(const nlohmann::json& request, std::chrono::milliseconds patience) const;

  const Parts parts_;
  const Calls calls_;

  // The thread's own.
  std::optional<Studio> studio_;
  std::optional<Composition> sent_;
  std::chrono::milliseconds clock_offset_{0};
  std::map<std::string, std::string> refused_;  // templates that the studio could not draw, and why
  nlohmann::json refused_of_;                   // the whole of which they were a part
  bool is_refused_ = false;                     // what was sent last, for a reason that was not known before
  std::vector<commerce::Ref> watched_;
  std::string air_;  // for which step listings were set on and off air

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::condition_variable settled_;
  uint64_t pokes_ = 0;             // guarded by mutex_
  uint64_t settled_pokes_ = 0;     // guarded by mutex_
  uint64_t foreign_revision_ = 0;  // guarded by mutex_
  uint64_t older_revision_ = 0;    // guarded by mutex_; that the studio said last, if it was older than ours
  Look last_;                      // guarded by mutex_
  std::jthread thread_;            // last: it ends before the rest goes
};

}  // namespace vitrine::desk
