// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>

#include <nlohmann/json.hpp>

#include "core/error.h"

namespace vitrine::studio {

/// The last program state that was acknowledged, on disk: the old one or the new one, never half of one.
/// After save() returned, a power cut does not lose it.
class StateStore {
 public:
  explicit StateStore(const std::filesystem::path& state_dir) : file_(state_dir / "program-state.json") {}

  /// nullopt when there is none. A file that can't be read as JSON is set aside beside it, named in the error
  /// (kIo), and the box starts with its default: a studio that won't start is worse than one that forgot its
  /// scene.
  [[nodiscard]] Result<std::optional<nlohmann::json>> load() const;

  /// Blocks for the disk. Errors: kDiskFull, kIo; the old state is then still there.
  Status save(const nlohmann::json& state) const;

 private:
  const std::filesystem::path file_;
};

}  // namespace vitrine::studio
