// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "commerce/outbox.h"
#include "plan.h"

namespace vitrine::chaos {

/// A request that the shop answered, and that was to change something: {method, path, body, status, answer},
/// in the order of the answers.
using ShopJournal = std::vector<nlohmann::json>;
/// One object a line.
ShopJournal read_journal(const std::filesystem::path& path);

struct Verdict {
  int64_t added = 0;
  int64_t done = 0;
  int64_t rejected = 0;
  int64_t superseded = 0;
  int64_t attempts = 0;
  int64_t open = 0;
  int64_t taken = 0;     // writes that the shop took
  int64_t repeated = 0;  // of them: took off again what was off
  int64_t lost = 0;
  int64_t doubled = 0;  // or never wished for
  int64_t out_of_order = 0;
  std::vector<std::string> details;  // the first of each

  [[nodiscard]] bool is_clean() const { return open + lost + doubled + out_of_order == 0; }
};

/// Holds what the outbox says was done against what the shop took, for each thing that can be set (a
/// product's listing, a variant's stock, a timed price): the same values in the same order, each once.
/// `variants`: by the inventory item that Medusa's stock is set by.
Verdict judge(const std::vector<Product>& before, const std::vector<commerce::Operation>& operations,
              const ShopJournal& journal, const std::map<std::string, std::string>& variants);

}  // namespace vitrine::chaos
