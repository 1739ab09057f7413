// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "commerce/item.h"
#include "commerce/store.h"
#include "commerce/versioned.h"
#include "core/error.h"
#include "core/rfc3339.h"

namespace vitrine::commerce {

/// What the shop's staff adds to one item; the rest is the backend's.
struct ItemNotes {
  /// What it is in the show for: brings viewers (引流款), earns (利润款), belongs to another (组合款), lifts
  /// the shop (形象款).
  enum class Role { kNone = 0, kTraffic, kProfit, kBundle, kImage };
  struct Reference {
    std::string basis;     // as a card shows it: "门店价"
    std::string evidence;  // the id of a document that proves it
  };
  struct Deposit {
    Money pay;    // now
    Money worth;  // what it counts for, at least as much
    Instant balance_until{};
  };
  struct Producer {
    std::string name;
    std::string address;
    std::string licence_number;
  };

  Role role = Role::kNone;
  std::optional<Reference> reference;
  std::optional<Deposit> deposit;
  std::vector<std::string> talking_points;
  std::vector<std::string> certificates;  // ids of documents
  std::optional<Producer> producer;
  std::string payee;  // its id; empty: the shop's
};

/// The notes of one backend's items; every version of each for ever. Threads: any.
class NoteBook {
 public:
  NoteBook(Store& store, std::string backend) : store_(store), backend_(std::move(backend)) {}

  struct Entry {
    Ref ref;
    Versioned<ItemNotes> notes;
  };

  /// As JSON from outside, whole; its new version. `expected`: the version it changes, 0 where there is none.
  /// What it names must be there and not withdrawn. Errors: kNotFound for an item that is not in the shop,
  /// kInvalidInput with every problem, kStaleRevision.
  Result<int64_t> put(const Ref& ref, const nlohmann::json& body, int64_t expected, const Author& author);
  [[nodiscard]] Result<std::vector<Entry>> list() const;
  /// Every version, the newest first; empty where there is none.
  [[nodiscard]] Result<std::vector<Entry>> history(const Ref& ref) const;

  /// The struck-through price of `item` as it may be shown on `today`: nothing where the notes give no basis,
  /// or its evidence is not valid, or it is not above the price (明码标价和禁止价格欺诈规定).
  [[nodiscard]] Result<std::optional<Money>> reference_price(const CatalogueItem& item, Day today) const;

 private:
  [[nodiscard]] std::string key_of(const Ref& ref) const;

  Store& store_;
  const std::string backend_;
};

nlohmann::json to_json(const ItemNotes& notes);
std::string_view to_string(ItemNotes::Role role);

}  // namespace vitrine::commerce
