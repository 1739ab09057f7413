// SPDX-License-Identifier: Apache-2.0
#include "desk/access/accounts.h"

#include <algorithm>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "core/media_time.h"

namespace vitrine::desk {
namespace {

constexpr size_t kMostAccounts = 200;

bool is_technician(const auto& entry) {
  return entry.second.role == Role::kTechnician;
}

bool is_last_technician(const auto& accounts, const std::string& id) {
  const auto found = accounts.find(id);
  return found != accounts.end() && is_technician(*found) &&
         std::ranges::count_if(accounts, [](const auto& entry) { return is_technician(entry); }) == 1;
}

tl::unexpected<Error> no_account(std::string_view id) {
  return fail(ErrorCode::kNotFound, fmt::format("there is no account \"{}\"", id));
}

Status no_technician_left() {
  return fail(ErrorCode::kPermission,
              "this is the last technician: make another one first, or nobody could administer the box");
}

}  // namespace

Result<std::unique_ptr<Accounts>> Accounts::open(commerce::Store& store) {
  std::unique_ptr<Accounts> accounts(new Accounts(store));
  auto done = store.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement rows(database, "SELECT id, name, role, pin FROM account");
    while (rows.executeStep()) {
      Account account{rows.getColumn(0).getString(), rows.getColumn(1).getString(),
                      role_from(rows.getColumn(2).getString()).value_or(Role::kNone),
                      rows.getColumn(3).getString()};
      std::string id = account.id;
      accounts->accounts_.insert_or_assign(std::move(id), std::move(account));
    }
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return accounts;
}

std::optional<Accounts::Account> Accounts::find(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto found = accounts_.find(id);
  if (found == accounts_.end()) return std::nullopt;
  return found->second;
}

std::vector<Accounts::Account> Accounts::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<Account> list;
  for (const auto& [id, account] : accounts_) list.push_back(account);
  return list;
}

bool Accounts::has_technician() const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(accounts_, [](const auto& entry) { return is_technician(entry); });
}

/// On the disk first, then in memory.
Status Accounts::write(const std::function<Status(std::map<std::string, Account, std::less<>>&)>& change,
                       const commerce::Store::Work& work) {
  const std::lock_guard one(change_mutex_);
  std::map<std::string, Account, std::less<>> changed;
  {
    const std::lock_guard lock(mutex_);
    changed = accounts_;
  }
  if (auto done = change(changed); !done) return done;
  if (auto done = store_.write(work); !done) return done;
  const std::lock_guard lock(mutex_);
  accounts_ = std::move(changed);
  return {};
}

Status Accounts::add(const Account& account, When when) {
  return write(
      [&](auto& accounts) -> Status {
        if (when == When::kNoTechnicianYet &&
            std::ranges::any_of(accounts, [](const auto& entry) { return is_technician(entry); }))
          return fail(ErrorCode::kStaleRevision, "somebody else was faster: there is a technician now");
        if (accounts.size() >= kMostAccounts)
          return fail(
              ErrorCode::kInvalidInput,
              fmt::format("there are {} accounts, the limit; remove one that nobody uses", accounts.size()));
        if (!accounts.emplace(account.id, account).second)
          return tl::unexpected(
              to_error({{"account", fmt::format("\"{}\"", account.id), "an id that nobody has yet"}}));
        return {};
      },
      [&](SQLite::Database& database) -> Status {
        SQLite::Statement add(database,
                              "INSERT INTO account(id, name, role, pin, created_at) VALUES(?, ?, ?, ?, ?)");
        add.bind(1, account.id);
        add.bind(2, account.name);
        add.bind(3, std::string(to_string(account.role)));
        add.bind(4, account.pin_hash);
        add.bind(5, system_now().time_since_epoch().count());
        add.exec();
        return {};
      });
}

Status Accounts::change(const std::string& id, const std::string& name, Role role) {
  return write(
      [&](auto& accounts) -> Status {
        const auto found = accounts.find(id);
        if (found == accounts.end()) return no_account(id);
        if (role != Role::kTechnician && is_last_technician(accounts, id)) return no_technician_left();
        found->second.name = name;
        found->second.role = role;
        return {};
      },
      [&](SQLite::Database& database) -> Status {
        SQLite::Statement change(database, "UPDATE account SET name = ?, role = ? WHERE id = ?");
        change.bind(1, name);
        change.bind(2, std::string(to_string(role)));
        change.bind(3, id);
        change.exec();
        return {};
      });
}

Status Accounts::set_pin(const std::string& id, const std::string& pin_hash) {
  return write(
      [&](auto& accounts) -> Status {
        const auto found = accounts.find(id);
        if (found == accounts.end()) return no_account(id);
        found->second.pin_hash = pin_hash;
        return {};
      },
      [&](SQLite::Database& database) -> Status {
        SQLite::Statement change(database, "UPDATE account SET pin = ? WHERE id = ?");
        change.bind(1, pin_hash);
        change.bind(2, id);
        change.exec();
        return {};
      });
}

Status Accounts::remove(const std::string& id) {
  return write(
      [&](auto& accounts) -> Status {
        if (is_last_technician(accounts, id)) return no_technician_left();
        if (accounts.erase(id) == 0) return no_account(id);
        return {};
      },
      [&](SQLite::Database& database) -> Status {
        SQLite::Statement tokens(database, "DELETE FROM token WHERE created_by = ?");
        tokens.bind(1, id);
        tokens.exec();
        SQLite::Statement remove(database, "DELETE FROM account WHERE id = ?");
        remove.bind(1, id);
        remove.exec();
        return {};
      });
}

}  // namespace vitrine::desk
