// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "commerce/store.h"
#include "commerce/versioned.h"
#include "core/error.h"
#include "core/media_time.h"

namespace vitrine::desk {

/// A layer that somebody has switched on: a lottery, a question, a certificate.
struct StageLayer {
  /// Where its data comes from: somebody wrote it, or the desk keeps it up to date.
  enum class Source { kGiven = 0, kOrders };
  std::string program;  // empty: every one that is on air
  std::string id;
  std::string template_name;
  nlohmann::json data;
  std::string after = "hide";
  Instant valid_from{};
  Instant valid_until{};
  commerce::Author by;
  Source source = Source::kGiven;
};
std::string_view to_string(StageLayer::Source source);

/// Cameras and microphones that somebody has chosen for a program, as they stand in the program state.
struct StageView {
  std::string program;
  nlohmann::json body;
  commerce::Author by;
};

/// What people have put on the stage beside the show's own layers. On the disk when a function returns.
/// Threads: any.
class StageBook {
 public:
  explicit StageBook(commerce::Store& store) : store_(store) {}

  /// One of this name in this program is replaced.
  Status put(const StageLayer& layer);
  /// Nothing for one that is not there.
  Status remove(const std::string& program, const std::string& id);
  [[nodiscard]] Result<std::vector<StageLayer>> layers() const;

  Status put(const StageView& view);
  [[nodiscard]] Result<std::map<std::string, StageView>> views() const;

 private:
  commerce::Store& store_;
};

}  // namespace vitrine::desk
