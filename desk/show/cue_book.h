// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "commerce/store.h"
#include "commerce/versioned.h"
#include "core/error.h"

namespace vitrine::desk {

struct Cue {
  int64_t id = 0;
  std::string text;
  commerce::Author by;
};

/// What colleagues tell the host of a show, until it was read. What changes something is on the disk when it
/// returns. Threads: any.
class CueBook {
 public:
  explicit CueBook(commerce::Store& store) : store_(store) {}

  /// Errors: kInvalidInput when too many were not read yet.
  Result<Cue> add(int64_t show, const std::string& text, const commerce::Author& author);
  /// It was read, or is not needed any more. One that is gone already is no error: two people may touch it.
  Status remove(int64_t show, int64_t id);
  /// The oldest first.
  [[nodiscard]] Result<std::vector<Cue>> list(int64_t show) const;

 private:
  commerce::Store& store_;
};

}  // namespace vitrine::desk
