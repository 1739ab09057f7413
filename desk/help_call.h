// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <optional>
#include <vector>

#include "core/media_time.h"
#include "desk/api/route.h"

namespace vitrine::desk {

/// Somebody on the set needs a colleague: all pages show it until one says that he comes. Kept in memory: a
/// call is about now. Threads: any.
class HelpCall {
 public:
  explicit HelpCall(Publish publish) : publish_(std::move(publish)) {}

  /// They live no longer than this.
  [[nodiscard]] std::vector<Route> routes();
  /// {"account", "by", "at"}; null while nobody calls.
  [[nodiscard]] nlohmann::json status() const;

 private:
  Result<ApiAnswer> call(const ApiRequest& request);
  Result<ApiAnswer> answer(const ApiRequest& request);

  struct Call {
    Caller caller;
    Instant at{};
  };
  const Publish publish_;
  mutable std::mutex mutex_;
  std::optional<Call> call_;  // guarded by mutex_
};

}  // namespace vitrine::desk
