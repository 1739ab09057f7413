// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "commerce/store.h"
#include "core/error.h"
#include "desk/api/route.h"

namespace vitrine::desk {

/// Who may log in. There is none until the first technician was made with a pairing code.
/// Threads: any; reads are of memory only. PINs come and go as their hashes (`PinHasher`).
class Accounts {
 public:
  struct Account {
    std::string id;
    std::string name;
    Role role = Role::kNone;
    std::string pin_hash;
  };
  /// `store` must outlive it. Errors: the store's.
  static Result<std::unique_ptr<Accounts>> open(commerce::Store& store);

  [[nodiscard]] std::optional<Account> find(std::string_view id) const;
  [[nodiscard]] std::vector<Account> list() const;  // by id
  [[nodiscard]] bool has_technician() const;

  enum class When { kAlways, kNoTechnicianYet };
  /// Errors: kInvalidInput for an id that somebody has, or too many accounts; kStaleRevision when there is a
  /// technician and `when` forbids it.
  Status add(const Account& account, When when = When::kAlways);
  /// Name and role. Errors: kNotFound; kPermission when no technician would be left.
  Status change(const std::string& id, const std::string& name, Role role);
  Status set_pin(const std::string& id, const std::string& pin_hash);
  Status remove(const std::string& id);

 private:
  explicit Accounts(commerce::Store& store) : store_(store) {}
  Status write(const std::function<Status(std::map<std::string, Account, std::less<>>&)>& change,
               const commerce::Store::Work& work);

  commerce::Store& store_;
  std::mutex change_mutex_;  // one change at a time; taken before mutex_
  mutable std::mutex mutex_;
  std::map<std::string, Account, std::less<>> accounts_;  // guarded by mutex_
};

}  // namespace vitrine::desk
