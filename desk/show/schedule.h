// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/media_time.h"
#include "desk/show/show_book.h"

namespace vitrine::desk {

/// The first begin of `repeats` at or after `from`, in the box's time zone (TZ, /etc/localtime). A time that
/// the zone skips (spring) is the first moment after the gap; one that it has twice (autumn) is the first.
/// Errors: kIo where the zone's rules can't be read.
Result<Instant> next_start(const Repeats& repeats, Instant from);

/// Lets shows begin and end by themselves. Nothing is remembered between two looks but what is in the book,
/// so that a clock that was set, a box that was off and a process that was killed all come to the same: a
/// show is started while its time is, never after it, and a live one is stopped once its time is over.
class Schedule {
 public:
  explicit Schedule(ShowBook& shows) : shows_(shows) {}

  struct Look {
    Instant next;                   // nothing happens by itself before then
    std::vector<std::string> done;  // for the log
  };
  Result<Look> look(Instant now);

 private:
  Result<Look> make_coming(Instant now);
  Status start_due(Instant now, Look& look);
  Status stop_due(Instant now, Look& look);

  ShowBook& shows_;
};

}  // namespace vitrine::desk
