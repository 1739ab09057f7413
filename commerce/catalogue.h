// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commerce/adapter.h"
#include "commerce/item.h"
#include "commerce/store.h"

namespace vitrine::commerce {

/// The items of the shop as they were last taken from the backend. A bad row never replaces a good one: it is
/// kept beside it, with what is wrong about it, until a good one comes.
/// Threads: any.
class Catalogue {
 public:
  Catalogue(Store& store, std::string backend, const RowRules& rules)
      : store_(store), backend_(std::move(backend)), rules_(rules) {}

  struct Row {
    int64_t id = 0;
    CatalogueItem item;
    int64_t version = 0;  // ours; every change is one more
    Instant changed_at{};
  };
  struct Refusal {
    Ref ref;
    Problems problems;
    Instant first_at{};
    Instant last_at{};
  };
  struct Applied {
    int64_t added = 0;
    int64_t changed = 0;
    int64_t unchanged = 0;
    int64_t refused = 0;
  };

  /// All rows and the cursor behind them in one transaction; each row by itself. Rows of one batch that claim
  /// the same id and differ are all refused: nobody knows which of them is right.
  Result<Applied> apply(const ChangedItems& changes, Instant now);
  /// What `read_items` found; moves no cursor.
  Result<Applied> apply(const ReadItems& read, Instant now);

  [[nodiscard]] Result<std::string> cursor() const;
  /// The next pull reads everything.
  Status forget_cursor();

  [[nodiscard]] Result<std::vector<Row>> list() const;
  struct Page {
    std::vector<Row> rows;
    int64_t total = 0;
  };
  /// In `list`'s order, but first whose number `search` is; of those whose number, name, option or category
  /// has `search` in it, or whose name has it in pinyin, by its initials or in full. Empty: all.
  [[nodiscard]] Result<Page> page(const std::string& search, int64_t offset, int64_t most) const;
  [[nodiscard]] Result<std::optional<Row>> find(const Ref& ref) const;
  /// Whose number or `Ref::text` is `word`: one, none, or items that share a number.
  [[nodiscard]] Result<std::vector<Row>> called(const std::string& word) const;
  [[nodiscard]] Result<std::vector<Refusal>> refused() const;

 private:
  Result<Applied> apply(const std::vector<CatalogueItem>& items, const std::vector<RefusedRow>& refused,
                        const std::vector<Ref>& gone, const std::string* cursor, Instant now);

  Store& store_;
  const std::string backend_;
  const RowRules rules_;
};

}  // namespace vitrine::commerce
