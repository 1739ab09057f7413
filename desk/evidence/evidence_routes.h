// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "desk/api/route.h"
#include "desk/evidence/clips.h"
#include "desk/evidence/evidence_lookup.h"

namespace vitrine::desk {

/// The evidence over HTTP. Threads: the API's pool. Exports come to be in `<evidence>/exports/` on the box.
class EvidenceRoutes {
 public:
  /// `book` must outlive it.
  explicit EvidenceRoutes(EvidenceBook& book) : book_(book), lookup_(book) {}
  /// The routes hold on to this object.
  [[nodiscard]] std::vector<Route> routes();

 private:
  Result<ApiAnswer> verify();
  Result<ApiAnswer> make_export(const ApiRequest& request);
  Result<ApiAnswer> clip(const ApiRequest& request);

  EvidenceBook& book_;
  const EvidenceLookup lookup_;
  Clips clips_;
  std::mutex long_work_;  // one verification or export at a time
};

}  // namespace vitrine::desk
