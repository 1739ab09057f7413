// SPDX-License-Identifier: Apache-2.0
#include "desk/access/sessions.h"

#include <algorithm>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "desk/access/bearer.h"

namespace vitrine::desk {
namespace {

constexpr size_t kMostSessions = 20;  // of one account
constexpr std::chrono::minutes kWriteEvery{10};

int64_t micros(Instant instant) {
  return instant.time_since_epoch().count();
}

}  // namespace

Result<std::unique_ptr<Sessions>> Sessions::open(commerce::Store& store, Clock clock) {
  std::unique_ptr<Sessions> sessions(new Sessions(store, std::move(clock)));
  sessions->written_at_ = sessions->clock_();
  auto done = store.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement rows(database, "SELECT hash, id, account, source, created_at, used_at FROM session");
    while (rows.executeStep()) {
      Session session{rows.getColumn(1).getInt64(), rows.getColumn(2).getString(),
                      rows.getColumn(3).getString(),
                      Instant(std::chrono::microseconds(rows.getColumn(4).getInt64())),
                      Instant(std::chrono::microseconds(rows.getColumn(5).getInt64()))};
      sessions->sessions_.insert_or_assign(rows.getColumn(0).getString(), std::move(session));
    }
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return sessions;
}

bool Sessions::is_over(const Session& session, Instant now) {
  return now >= session.created_at + kLongest || now >= session.used_at + kIdle;
}

Result<Sessions::Begun> Sessions::begin(const std::string& account, const std::string& source) {
  const Instant now = clock_();
  Begun begun{new_bearer(), {0, account, source, now, now}};
  const std::string hash = hash_of_bearer(begun.bearer.reveal());
  auto written = store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement add(
        database, "INSERT INTO session(hash, account, source, created_at, used_at) VALUES(?, ?, ?, ?, ?)");
    add.bind(1, hash.data(), static_cast<int>(hash.size()));
    add.bind(2, account);
    add.bind(3, source);
    add.bind(4, micros(now));
    add.bind(5, micros(now));
    add.exec();
    begun.session.id = database.getLastInsertRowid();
    return {};
  });
  if (!written) return tl::unexpected(written.error());
  int64_t least_used = 0;
  {
    const std::lock_guard lock(mutex_);
    sessions_.insert_or_assign(hash, begun.session);
    std::vector<const Session*> own;
    for (const auto& [key, session] : sessions_)
      if (session.account == account) own.push_back(&session);
    if (own.size() > kMostSessions)
      least_used = (*std::ranges::min_element(own, {}, [](const auto* each) { return each->used_at; }))->id;
  }
  if (least_used != 0) {
    if (auto ended = end(least_used); !ended) return tl::unexpected(ended.error());
  }
  return begun;
}

std::optional<Sessions::Session> Sessions::find(std::string_view bearer, Touch touch) {
  const std::string hash = hash_of_bearer(bearer);
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(hash);
  const Instant now = clock_();
  if (found == sessions_.end() || is_over(found->second, now)) return std::nullopt;
  if (touch == Touch::kIsUse) found->second.used_at = now;
  return found->second;
}

std::vector<Sessions::Session> Sessions::list() const {
  const std::lock_guard lock(mutex_);
  const Instant now = clock_();
  std::vector<Session> list;
  for (const auto& [hash, session] : sessions_)
    if (!is_over(session, now)) list.push_back(session);
  std::ranges::sort(list, {}, &Session::id);
  return list;
}

bool Sessions::has(const std::string& account, const std::string& source) const {
  const std::lock_guard lock(mutex_);
  const Instant now = clock_();
  return std::ranges::any_of(sessions_, [&](const auto& entry) {
    return entry.second.account == account && entry.second.source == source && !is_over(entry.second, now);
  });
}

/// From memory first: who is revoked is out, whatever the disk says.
Status Sessions::remove(const std::function<bool(const Session&)>& goes) {
  std::vector<int64_t> ids;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(sessions_, [&](const auto& entry) {
      if (!goes(entry.second)) return false;
      ids.push_back(entry.second.id);
      return true;
    });
  }
  if (ids.empty()) return {};
  return store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement remove(database, "DELETE FROM session WHERE id = ?");
    for (const int64_t id : ids) {
      remove.reset();
      remove.bind(1, id);
      remove.exec();
    }
    return {};
  });
}

Status Sessions::end(int64_t id) {
  bool is_there = false;
  auto done = remove([&](const Session& session) {
    is_there = is_there || session.id == id;
    return session.id == id;
  });
  if (!is_there) return fail(ErrorCode::kNotFound, fmt::format("there is no session {}", id));
  return done;
}

Status Sessions::end_all(const std::string& account, int64_t keep) {
  return remove([&](const Session& session) { return session.account == account && session.id != keep; });
}

void Sessions::forget(const std::string& account) {
  const std::lock_guard lock(mutex_);
  std::erase_if(sessions_, [&](const auto& entry) { return entry.second.account == account; });
}

Status Sessions::keep_house() {
  const Instant now = clock_();
  std::vector<Session> used;
  {
    const std::lock_guard lock(mutex_);
    // Before as well: a clock that was set back must not stop it.
    if (now >= written_at_ && now < written_at_ + kWriteEvery) return {};
    for (const auto& [hash, session] : sessions_)
      if (session.used_at >= written_at_ && !is_over(session, now)) used.push_back(session);
    written_at_ = now;
  }
  if (auto done = remove([&](const Session& session) { return is_over(session, now); }); !done) return done;
  if (used.empty()) return {};
  return store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement change(database, "UPDATE session SET used_at = ? WHERE id = ?");
    for (const auto& session : used) {
      change.reset();
      change.bind(1, micros(session.used_at));
      change.bind(2, session.id);
      change.exec();
    }
    return {};
  });
}

}  // namespace vitrine::desk
