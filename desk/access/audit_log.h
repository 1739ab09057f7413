// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "commerce/store.h"
#include "core/error.h"
#include "core/media_time.h"

namespace vitrine::desk {

/// Who changed what, from where, and how it ended. Rows are added and never touched again: the table refuses.
/// What was in the requests is not kept. Threads: any.
class AuditLog {
 public:
  struct Entry {
    int64_t id = 0;  // given when it is added
    Instant at{};
    std::string account;  // empty: nobody was logged in
    std::string role;
    std::string source;
    std::string method;
    std::string route;  // the pattern
    std::string path;   // what stood for its names: a JSON object
    int status = 0;
  };

  explicit AuditLog(commerce::Store& store) : store_(store) {}
  Status add(const Entry& entry);
  /// The newest first, at most `limit`, of those before `before` (0: all).
  [[nodiscard]] Result<std::vector<Entry>> list(int64_t before, int limit) const;

 private:
  commerce::Store& store_;
};

}  // namespace vitrine::desk
