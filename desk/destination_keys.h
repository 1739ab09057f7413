// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/config.h"
#include "core/error.h"
#include "desk/api/route.h"

namespace vitrine::desk {

/// The stream keys of the destinations, which many platforms change with every show: they go in and are never
/// told again. Threads: any.
class DestinationKeys {
 public:
  explicit DestinationKeys(const Config& config) : config_(config) {}
  [[nodiscard]] std::vector<Route> routes();

 private:
  Result<ApiAnswer> list() const;
  Result<ApiAnswer> put(const ApiRequest& request) const;

  const Config& config_;
};

}  // namespace vitrine::desk
