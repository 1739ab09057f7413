// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/error.h"
#include "core/media_time.h"
#include "desk/api/route.h"

namespace vitrine::desk {

/// What the studio's programs look like: the coded one, as it goes out, and a picture of one that is off air.
/// And what its cameras see.
class StudioRoutes {
 public:
  explicit StudioRoutes(const Config& config) : config_(config) {}
  [[nodiscard]] std::vector<Route> routes();

 private:
  Result<ApiAnswer> stream(const ApiRequest& request) const;
  Result<ApiAnswer> program_picture(const ApiRequest& request);
  Result<ApiAnswer> camera_picture(const ApiRequest& request);
  /// `what`: the control op's "program" or "camera".
  Result<ApiAnswer> picture(const char* what, const std::string& id, int most_width);

  struct Picture {
    MediaTime taken_at{};
    std::string png;
  };
  const Config& config_;
  std::mutex mutex_;                         // held while one is taken: who comes then gets the same
  std::map<std::string, Picture> pictures_;  // guarded by mutex_; the newest, by what it is of
};

}  // namespace vitrine::desk
