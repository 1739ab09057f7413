// SPDX-License-Identifier: Apache-2.0
#include "desk/show/show_book.h"

#include <algorithm>
#include <array>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "commerce/table_access.h"

namespace vitrine::desk {
namespace {

using commerce::Author;
using commerce::bind_optional;
using commerce::instant_of;
using commerce::integer_or_null;
using commerce::micros;
using commerce::read_from;
using commerce::written_to;
using nlohmann::json;

constexpr std::array<std::string_view, 5> kShowStates = {"unknown", "template", "planned", "live", "over"};
constexpr const char* kShowColumns =
    "SELECT id, state, plan, version, started_at, ended_at, ended_why, slate, changed_by, changed_at, "
    "override_why "
    "FROM show ";

std::optional<int64_t> micros_or_none(const std::optional<Instant>& instant) {
  return instant ? std::optional(micros(*instant)) : std::nullopt;
}

std::optional<Instant> instant_at(const SQLite::Column& column) {
  const auto value = integer_or_null(column);
  return value ? std::optional(instant_of(*value)) : std::nullopt;
}

Result<Show> show_of(SQLite::Statement& row) {
  Show show;
  show.id = row.getColumn(0).getInt64();
  const auto state = std::ranges::find(kShowStates, row.getColumn(1).getString());
  show.state = static_cast<Show::State>(state == kShowStates.end() ? 0 : state - kShowStates.begin());
  auto plan = show_plan_from(json::parse(row.getColumn(2).getString(), nullptr, false));
  if (!plan)
    return tl::unexpected(plan.error().with_context(fmt::format("show {}, as it is stored", show.id)));
  show.plan = std::move(*plan);
  show.version = row.getColumn(3).getInt64();
  show.started_at = instant_at(row.getColumn(4));
  show.ended_at = instant_at(row.getColumn(5));
  show.ended_why = row.getColumn(6).getString();
  if (!row.getColumn(7).isNull()) show.slate = row.getColumn(7).getString();
  show.by = {row.getColumn(8).getString(), instant_of(row.getColumn(9).getInt64())};
  show.override_why = row.getColumn(10).getString();
  return show;
}

Result<Show> find_show(SQLite::Database& database, int64_t id) {
  SQLite::Statement row(database, std::string(kShowColumns) + "WHERE id = ?");
  row.bind(1, id);
  if (!row.executeStep()) return fail(ErrorCode::kNotFound, fmt::format("there is no show {}", id));
  return show_of(row);
}

/// A change's author; the rest of the show is the caller's.
void sign(SQLite::Database& database, int64_t id, const Author& author) {
  SQLite::Statement update(database, "UPDATE show SET changed_by = ?, changed_at = ? WHERE id = ?");
  update.bind(1, author.name);
  update.bind(2, micros(author.at));
  update.bind(3, id);
  update.exec();
}

Result<Show> insert_show(SQLite::Database& database, const ShowPlan& plan, Show::State as,
                         std::optional<int64_t> origin, const Author& author) {
  SQLite::Statement insert(
      database,
      "INSERT INTO show(state, plan, version, origin, begins_at, changed_by, changed_at) "
      "VALUES(?, ?, 1, ?, ?, ?, ?)");
  insert.bind(1, std::string(to_string(as)));
  insert.bind(2, to_json(plan).dump());
  bind_optional(insert, 3, origin);
  bind_optional(insert, 4, micros_or_none(plan.begins_at));
  insert.bind(5, author.name);
  insert.bind(6, micros(author.at));
  insert.exec();
  return find_show(database, database.getLastInsertRowid());
}

ShowStep step_of(SQLite::Statement& row) {
  ShowStep step;
  step.step = row.getColumn(0).getInt64();
  step.segment = row.getColumn(1).getInt64();
  const std::string kind = row.getColumn(2).getString();
  for (auto each : {Segment::Kind::kWaiting, Segment::Kind::kOpening, Segment::Kind::kItem,
                    Segment::Kind::kBreak, Segment::Kind::kRecap, Segment::Kind::kNextShow})
    if (to_string(each) == kind) step.kind = each;
  step.item = {row.getColumn(3).getString(), row.getColumn(4).getString()};
  step.host = row.getColumn(5).getString();
  step.by = {row.getColumn(6).getString(), instant_of(row.getColumn(7).getInt64())};
  return step;
}

std::vector<ShowStep> steps_of(SQLite::Database& database, int64_t show) {
  SQLite::Statement row(
      database,
      "SELECT step, segment, kind, product, variant, host, changed_by, began_at FROM show_step "
      "WHERE show = ? ORDER BY step");
  row.bind(1, show);
  std::vector<ShowStep> steps;
  while (row.executeStep()) steps.push_back(step_of(row));
  return steps;
}

ShowStep add_step(SQLite::Database& database, int64_t show, const Segment& segment, const std::string& host,
                  const Author& author) {
  SQLite::Statement insert(
      database,
      "INSERT INTO show_step(show, step, segment, kind, product, variant, host, changed_by, began_at) "
      "SELECT ?1, coalesce(max(step), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7, max(?8, coalesce(max(began_at), 0)) "
      "FROM show_step WHERE show = ?1");  // a clock set back moves no step before the one that it followed
  insert.bind(1, show);
  insert.bind(2, segment.id);
  insert.bind(3, std::string(to_string(segment.kind)));
  insert.bind(4, segment.item.product);
  insert.bind(5, segment.item.variant);
  insert.bind(6, host);
  insert.bind(7, author.name);
  insert.bind(8, micros(author.at));
  insert.exec();
  return steps_of(database, show).back();
}

Result<Show> live_show(SQLite::Database& database, int64_t id) {
  auto show = find_show(database, id);
  if (show && show->state != Show::State::kLive)
    return fail(ErrorCode::kInvalidInput,
                fmt::format("show {} is {}; it must be live for that", id, to_string(show->state)));
  return show;
}

}  // namespace

std::string_view to_string(Show::State state) {
  return kShowStates.at(static_cast<size_t>(state));
}

Result<Show> ShowBook::create(const ShowPlan& plan, Show::State as, const Author& author) {
  return written_to<Show>(store_, [&](SQLite::Database& database) {
    return insert_show(database, plan, as, std::nullopt, author);
  });
}

Result<std::optional<Show>> ShowBook::create_from(const Show& origin, const ShowPlan& plan,
                                                  const Author& author) {
  return written_to<std::optional<Show>>(
      store_, [&](SQLite::Database& database) -> Result<std::optional<Show>> {
        SQLite::Statement known(database, "SELECT 1 FROM show WHERE origin = ? AND begins_at = ?");
        known.bind(1, origin.id);
        bind_optional(known, 2, micros_or_none(plan.begins_at));
        if (known.executeStep()) return std::nullopt;
        auto made = insert_show(database, plan, Show::State::kPlanned, origin.id, author);
        if (!made) return tl::unexpected(made.error());
        return std::optional(std::move(*made));
      });
}

Result<Show> ShowBook::put(int64_t id, const ShowPlan& plan, int64_t expected, const Author& author) {
  return written_to<Show>(store_, [&](SQLite::Database& database) -> Result<Show> {
    auto show = find_show(database, id);
    if (!show) return show;
    if (show->version != expected)
      return fail(
          ErrorCode::kStaleRevision,
          fmt::format(
              "show {} has version {}, changed by {}; what was sent changes version {}. Read it again", id,
              show->version, show->by.name, expected));
    if (show->state == Show::State::kOver)
      return fail(ErrorCode::kInvalidInput, fmt::format("show {} is over: what it was is kept; copy it", id));
    if (show->state == Show::State::kLive) {
      const auto on = steps_of(database, id).back();
      const auto* kept = plan.find(on.segment);
      if (on.segment != 0 && (kept == nullptr || kept->kind != on.kind || kept->item != on.item))
        return fail(ErrorCode::kInvalidInput,
                    fmt::format("segment {} is on air: go to another one before it is removed or becomes "
                                "something else",
                                on.segment));
    }
    ShowPlan next = plan;
    next.next_segment = std::max(next.next_segment, show->plan.next_segment);
    SQLite::Statement update(database,
                             "UPDATE show SET plan = ?, version = version + 1, begins_at = ? WHERE id = ?");
    update.bind(1, to_json(next).dump());
    bind_optional(update, 2, micros_or_none(next.begins_at));
    update.bind(3, id);
    update.exec();
    sign(database, id, author);
    return find_show(database, id);
  });
}

Status ShowBook::remove(int64_t id) {
  return store_.write([&](SQLite::Database& database) -> Status {
    const auto show = find_show(database, id);
    if (!show) return tl::unexpected(show.error());
    if (show->started_at)
      return fail(ErrorCode::kInvalidInput, fmt::format("show {} was on air: what it was is kept", id));
    SQLite::Statement remove(database, "DELETE FROM show WHERE id = ?");
    remove.bind(1, id);
    remove.exec();
    return {};
  });
}

Result<Show> ShowBook::get(int64_t id) const {
  return read_from<Show>(store_, [&](SQLite::Database& database) { return find_show(database, id); });
}

Result<std::optional<Show>> ShowBook::live() const {
  return read_from<std::optional<Show>>(
      store_, [&](SQLite::Database& database) -> Result<std::optional<Show>> {
        SQLite::Statement row(database, std::string(kShowColumns) + "WHERE state = 'live'");
        if (!row.executeStep()) return std::nullopt;
        auto show = show_of(row);
        if (!show) return tl::unexpected(show.error());
        return std::optional(std::move(*show));
      });
}

Result<ShowBook::Page> ShowBook::list(Show::State state, int64_t offset, int64_t most) const {
  return read_from<Page>(store_, [&](SQLite::Database& database) -> Result<Page> {
    const std::string condition = "WHERE (?1 = 'unknown' OR state = ?1) ";
    Page page;
    SQLite::Statement count(database, "SELECT count(*) FROM show " + condition);
    count.bind(1, std::string(to_string(state)));
    count.executeStep();
    page.total = count.getColumn(0).getInt64();
    SQLite::Statement row(database, kShowColumns + condition +
                                        "ORDER BY coalesce(started_at, begins_at, changed_at) DESC, id DESC "
                                        "LIMIT ?2 OFFSET ?3");
    row.bind(1, std::string(to_string(state)));
    row.bind(2, most);
    row.bind(3, offset);
    while (row.executeStep()) {
      auto show = show_of(row);
      if (!show) return tl::unexpected(show.error());
      page.shows.push_back(std::move(*show));
    }
    return page;
  });
}

Result<std::vector<ShowStep>> ShowBook::steps(int64_t id) const {
  return read_from<std::vector<ShowStep>>(
      store_,
      [&](SQLite::Database& database) -> Result<std::vector<ShowStep>> { return steps_of(database, id); });
}

Result<Show> ShowBook::start(int64_t id, const Author& author, const std::string& override_why) {
  return written_to<Show>(store_, [&](SQLite::Database& database) -> Result<Show> {
    auto show = find_show(database, id);
    if (!show || show->state == Show::State::kLive) return show;
    if (show->state != Show::State::kPlanned)
      return fail(ErrorCode::kInvalidInput,
                  fmt::format("show {} is {}: copy it, and start the copy", id, to_string(show->state)));
    SQLite::Statement other(database, "SELECT id FROM show WHERE state = 'live'");
    if (other.executeStep())
      return fail(ErrorCode::kInvalidInput,
                  fmt::format("show {} is on air; stop it first", other.getColumn(0).getInt64()));
    SQLite::Statement update(database,
                             "UPDATE show SET state = 'live', started_at = ?, slate = NULL, override_why = ? "
                             "WHERE id = ?");
    update.bind(1, micros(author.at));
    update.bind(2, override_why);
    update.bind(3, id);
    update.exec();
    sign(database, id, author);
    const Segment first = show->plan.rundown.empty() ? Segment{0, Segment::Kind::kOpening, {}, "", {}, {}}
                                                     : show->plan.rundown.front();
    add_step(database, id, first, show->plan.host, author);
    return find_show(database, id);
  });
}

Result<Show> ShowBook::stop(int64_t id, const std::string& why, const Author& author) {
  return written_to<Show>(store_, [&](SQLite::Database& database) -> Result<Show> {
    auto show = find_show(database, id);
    if (!show || show->state == Show::State::kOver) return show;
    if (show->state != Show::State::kLive)
      return fail(ErrorCode::kInvalidInput,
                  fmt::format("show {} is {}, not on air", id, to_string(show->state)));
    SQLite::Statement update(database,
                             "UPDATE show SET state = 'over', ended_at = ?, ended_why = ? WHERE id = ?");
    update.bind(1, micros(std::max(author.at, *show->started_at)));
    update.bind(2, why);
    update.bind(3, id);
    update.exec();
    sign(database, id, author);
    // What was switched on was for this show.
    database.exec("DELETE FROM stage_layer");
    return find_show(database, id);
  });
}

Result<ShowStep> ShowBook::go(int64_t id, int64_t segment, const Author& author) {
  return written_to<ShowStep>(store_, [&](SQLite::Database& database) -> Result<ShowStep> {
    const auto show = live_show(database, id);
    if (!show) return tl::unexpected(show.error());
    const auto* wanted = show->plan.find(segment);
    if (wanted == nullptr)
      return fail(ErrorCode::kNotFound, fmt::format("show {} has no segment {}", id, segment));
    const auto on = steps_of(database, id).back();
    if (on.segment == segment) return on;  // a button that was pressed twice
    return add_step(database, id, *wanted, on.host, author);
  });
}

Result<ShowStep> ShowBook::hand_over(int64_t id, const std::string& host, const Author& author) {
  return written_to<ShowStep>(store_, [&](SQLite::Database& database) -> Result<ShowStep> {
    const auto show = live_show(database, id);
    if (!show) return tl::unexpected(show.error());
    const auto on = steps_of(database, id).back();
    if (on.host == host) return on;
    return add_step(database, id, {on.segment, on.kind, on.item, "", {}, {}}, host, author);
  });
}

Result<Show> ShowBook::set_slate(int64_t id, const std::optional<std::string>& message,
                                 const Author& author) {
  return written_to<Show>(store_, [&](SQLite::Database& database) -> Result<Show> {
    auto show = live_show(database, id);
    if (!show) return show;
    SQLite::Statement update(database, "UPDATE show SET slate = ? WHERE id = ?");
    if (message)
      update.bind(1, *message);
    else
      update.bind(1);
    update.bind(2, id);
    update.exec();
    sign(database, id, author);
    return find_show(database, id);
  });
}

Status ShowBook::put_viewers(int64_t id, const std::string& platform, int64_t viewers, const Author& author) {
  return store_.write([&](SQLite::Database& database) -> Status {
    if (const auto show = find_show(database, id); !show) return tl::unexpected(show.error());
    SQLite::Statement put(
        database,
        "INSERT OR REPLACE INTO show_viewers(show, platform, viewers, changed_by, changed_at) "
        "VALUES(?, ?, ?, ?, ?)");
    put.bind(1, id);
    put.bind(2, platform);
    put.bind(3, viewers);
    put.bind(4, author.name);
    put.bind(5, micros(author.at));
    put.exec();
    return {};
  });
}

Result<std::map<std::string, int64_t>> ShowBook::viewers(int64_t id) const {
  using Viewers = std::map<std::string, int64_t>;
  return read_from<Viewers>(store_, [&](SQLite::Database& database) -> Result<Viewers> {
    SQLite::Statement row(database, "SELECT platform, viewers FROM show_viewers WHERE show = ?");
    row.bind(1, id);
    Viewers viewers;
    while (row.executeStep()) viewers[row.getColumn(0).getString()] = row.getColumn(1).getInt64();
    return viewers;
  });
}

const Segment* next_of(const ShowPlan& plan, int64_t at) {
  const auto found = std::ranges::find(plan.rundown, at, &Segment::id);
  if (found == plan.rundown.end()) return plan.rundown.empty() ? nullptr : &plan.rundown.front();
  return found + 1 == plan.rundown.end() ? nullptr : &*(found + 1);
}

const Segment* previous_of(const ShowPlan& plan, int64_t at) {
  const auto found = std::ranges::find(plan.rundown, at, &Segment::id);
  return found == plan.rundown.begin() || found == plan.rundown.end() ? nullptr : &*(found - 1);
}

}  // namespace vitrine::desk
