// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/error.h"
#include "desk/api/route.h"

namespace vitrine::desk {

/// The stream keys of the destinations, which many platforms change with every show: they go in and are never
/// told again; and whether a destination takes them, before a show. Threads: any.
class DestinationKeys {
 public:
  explicit DestinationKeys(const Config& config) : config_(config) {}
  [[nodiscard]] std::vector<Route> routes();

 private:
  Result<ApiAnswer> list() const;
  Result<ApiAnswer> put(const ApiRequest& request) const;
  Result<ApiAnswer> try_out(const ApiRequest& request) const;
  /// Errors: kNotFound.
  Result<const DestinationConfig*> find(const std::string& id) const;

  const Config& config_;
  mutable std::mutex trial_mutex_;  // held while the studio tests
};

}  // namespace vitrine::desk
