// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commerce/store.h"
#include "commerce/versioned.h"
#include "core/error.h"
#include "core/media_time.h"
#include "desk/show/show_plan.h"

namespace vitrine::desk {

struct Show {
  enum class State { kUnknown = 0, kTemplate, kPlanned, kLive, kOver };
  int64_t id = 0;
  State state = State::kUnknown;
  ShowPlan plan;
  int64_t version = 0;  // of the plan
  std::optional<Instant> started_at;
  std::optional<Instant> ended_at;
  std::string ended_why;
  std::string override_why;          // why it was started although the pre-flight said no
  std::optional<std::string> slate;  // what stands on the slate that hides everything
  commerce::Author by;

  /// What listings and orders know it by.
  [[nodiscard]] std::string key() const { return "show-" + std::to_string(id); }
};
std::string_view to_string(Show::State state);

/// Something that was on, from `began_at` to the next one's beginning.
struct ShowStep {
  int64_t step = 0;
  int64_t segment = 0;
  Segment::Kind kind = Segment::Kind::kUnknown;
  commerce::Ref item;
  std::string host;
  commerce::Author by;  // `by.at`: when it began
};

/// The shows of this box: what is planned, what is on, what was. One at most is live. Every function that
/// changes something is on the disk when it returns. Threads: any.
class ShowBook {
 public:
  explicit ShowBook(commerce::Store& store) : store_(store) {}

  /// `as`: kPlanned or kTemplate.
  Result<Show> create(const ShowPlan& plan, Show::State as, const commerce::Author& author);
  /// A template's next time; nothing where it was made already.
  Result<std::optional<Show>> create_from(const Show& origin, const ShowPlan& plan,
                                          const commerce::Author& author);
  /// Errors: kStaleRevision where `expected` is not the newest version; kInvalidInput for a show that is
  /// over, for a live one's segment that is on.
  Result<Show> put(int64_t id, const ShowPlan& plan, int64_t expected, const commerce::Author& author);
  /// Errors: kInvalidInput for one that is or was on air: that is kept.
  Status remove(int64_t id);

  [[nodiscard]] Result<Show> get(int64_t id) const;
  [[nodiscard]] Result<std::optional<Show>> live() const;
  struct Page {
    std::vector<Show> shows;
    int64_t total = 0;
  };
  /// The newest first. `state` kUnknown: all.
  [[nodiscard]] Result<Page> list(Show::State state, int64_t offset, int64_t most) const;
  [[nodiscard]] Result<std::vector<ShowStep>> steps(int64_t id) const;

  /// On air, with its first segment. One that is live already stays as it is. Errors: kInvalidInput while
  /// another one is live, and for one that is over or a template.
  /// `override_why`: for the record, where the pre-flight said no.
  Result<Show> start(int64_t id, const commerce::Author& author, const std::string& override_why = "");
  /// Off air. One that is over already stays as it is.
  Result<Show> stop(int64_t id, const std::string& why, const commerce::Author& author);
  /// The segment that is on from now. Errors: kInvalidInput unless the show is live; kNotFound.
  Result<ShowStep> go(int64_t id, int64_t segment, const commerce::Author& author);
  /// Who is on air from now.
  Result<ShowStep> hand_over(int64_t id, const std::string& host, const commerce::Author& author);
  /// Everything is hidden behind the slate, or (nullopt) shown again.
  Result<Show> set_slate(int64_t id, const std::optional<std::string>& message,
                         const commerce::Author& author);
  /// How many watched in all, by platform.
  Status put_viewers(int64_t id, const std::string& platform, int64_t viewers,
                     const commerce::Author& author);
  [[nodiscard]] Result<std::map<std::string, int64_t>> viewers(int64_t id) const;

 private:
  commerce::Store& store_;
};

/// The segment behind or before the one of `at`; nullptr at the end.
const Segment* next_of(const ShowPlan& plan, int64_t at);
const Segment* previous_of(const ShowPlan& plan, int64_t at);

}  // namespace vitrine::desk
