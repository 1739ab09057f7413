// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/config.h"
#include "desk/api/route.h"

namespace vitrine::desk {

/// For who has to find out what is wrong: the newest log, and all that is known in one file to hand on.
/// Nothing of it was ever read from a credential. Threads: the API's pool.
class SupportRoutes {
 public:
  using Look = std::function<Result<nlohmann::json>()>;
  struct Parts {
    const Config& config;
    std::string version;
    Look status;
    Look sync;
    Look preflight;
    std::filesystem::path journal = {};  // a directory, instead of the system's
  };
  explicit SupportRoutes(Parts parts) : parts_(std::move(parts)) {}

  /// They live no longer than this.
  [[nodiscard]] std::vector<Route> routes();

 private:
  Result<ApiAnswer> logs(const ApiRequest& request) const;
  Result<ApiAnswer> bundle(const ApiRequest& request) const;
  /// {"available", "lines"} or {"available", "why"}.
  [[nodiscard]] nlohmann::json newest_log(size_t most) const;

  const Parts parts_;
};

/// The configuration as it was understood. Of addresses only scheme, host and port: what stands behind may be
/// a key that somebody wrote there. Credentials by their names.
nlohmann::json config_without_secrets(const Config& config);

}  // namespace vitrine::desk
