// SPDX-License-Identifier: Apache-2.0
#include "desk/access/tokens.h"

#include <algorithm>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "desk/access/bearer.h"

namespace vitrine::desk {
namespace {

constexpr size_t kMostTokens = 100;

}  // namespace

std::string_view to_string(Tokens::Scope scope) {
  return scope == Tokens::Scope::kAll ? "all" : "read";
}

Result<std::unique_ptr<Tokens>> Tokens::open(commerce::Store& store, Clock clock) {
  std::unique_ptr<Tokens> tokens(new Tokens(store, std::move(clock)));
  auto done = store.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement rows(
        database, "SELECT hash, id, name, role, scope, created_by, created_at, expires_at FROM token");
    while (rows.executeStep()) {
      Token token{rows.getColumn(1).getInt64(),
                  rows.getColumn(2).getString(),
                  role_from(rows.getColumn(3).getString()).value_or(Role::kNone),
                  rows.getColumn(4).getString() == "all" ? Scope::kAll : Scope::kRead,
                  rows.getColumn(5).getString(),
                  Instant(std::chrono::microseconds(rows.getColumn(6).getInt64())),
                  Instant(std::chrono::microseconds(rows.getColumn(7).getInt64()))};
      tokens->tokens_.insert_or_assign(rows.getColumn(0).getString(), std::move(token));
    }
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return tokens;
}

Result<Tokens::Made> Tokens::make(Token wish) {
  {
    const std::lock_guard lock(mutex_);
    if (tokens_.size() >= kMostTokens)
      return fail(
          ErrorCode::kInvalidInput,
          fmt::format("there are {} tokens, the limit; revoke one that nothing uses", tokens_.size()));
  }
  wish.created_at = clock_();
  Made made{new_bearer(), std::move(wish)};
  const std::string hash = hash_of_bearer(made.bearer.reveal());
  auto written = store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement add(database,
                          "INSERT INTO token(hash, name, role, scope, created_by, created_at, expires_at) "
                          "VALUES(?, ?, ?, ?, ?, ?, ?)");
    add.bind(1, hash.data(), static_cast<int>(hash.size()));
    add.bind(2, made.token.name);
    add.bind(3, std::string(to_string(made.token.role)));
    add.bind(4, std::string(to_string(made.token.scope)));
    add.bind(5, made.token.created_by);
    add.bind(6, made.token.created_at.time_since_epoch().count());
    add.bind(7, made.token.expires_at.time_since_epoch().count());
    add.exec();
    made.token.id = database.getLastInsertRowid();
    return {};
  });
  if (!written) return tl::unexpected(written.error());
  const std::lock_guard lock(mutex_);
  tokens_.insert_or_assign(hash, made.token);
  return made;
}

std::optional<Tokens::Token> Tokens::find(std::string_view bearer) const {
  const std::string hash = hash_of_bearer(bearer);
  const std::lock_guard lock(mutex_);
  const auto found = tokens_.find(hash);
  if (found == tokens_.end() || clock_() >= found->second.expires_at) return std::nullopt;
  return found->second;
}

std::vector<Tokens::Token> Tokens::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<Token> list;
  for (const auto& [hash, token] : tokens_) list.push_back(token);
  std::ranges::sort(list, {}, &Token::id);
  return list;
}

Status Tokens::revoke(int64_t id) {
  {
    const std::lock_guard lock(mutex_);
    if (std::erase_if(tokens_, [&](const auto& entry) { return entry.second.id == id; }) == 0)
      return fail(ErrorCode::kNotFound, fmt::format("there is no token {}", id));
  }
  return store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement remove(database, "DELETE FROM token WHERE id = ?");
    remove.bind(1, id);
    remove.exec();
    return {};
  });
}

void Tokens::forget(const std::string& created_by) {
  const std::lock_guard lock(mutex_);
  std::erase_if(tokens_, [&](const auto& entry) { return entry.second.created_by == created_by; });
}

}  // namespace vitrine::desk
