// SPDX-License-Identifier: Apache-2.0
#include "desk/show/schedule.h"

#include <algorithm>
#include <cstdlib>
#include <exception>

#include <date/tz.h>
#include <fmt/format.h>

#include "core/rfc3339.h"

namespace vitrine::desk {
namespace {

using namespace std::chrono_literals;

constexpr auto kLookAtLeastEvery = 30s;  // a clock may be set while we wait
constexpr auto kAhead = 7 * 24h;         // a template's shows are made so early, to be prepared
constexpr int64_t kMostShows = 1000;

commerce::Author by_itself(Instant now) {
  return {"schedule", now};
}

/// `plan` of a template, for one of its times.
ShowPlan occurrence(const ShowPlan& plan, Instant begins_at) {
  ShowPlan made = plan;
  made.repeats.reset();
  made.begins_at = begins_at;
  made.ends_at = begins_at + plan.repeats->length;
  return made;
}

}  // namespace

Result<Instant> next_start(const Repeats& repeats, Instant from) try {
  // As the C library does; date asks /etc/localtime alone.
  const char* named = std::getenv("TZ");
  const auto* zone = named != nullptr && *named != '\0' ? date::locate_zone(named) : date::current_zone();
  const auto first = date::floor<date::days>(zone->to_local(from));
  for (int i = 0; i <= 8; ++i) {
    const date::local_days day = first + date::days(i);
    const bool is_one = std::ranges::any_of(repeats.days, [&](std::chrono::weekday wanted) {
      return wanted.c_encoding() == date::weekday(day).c_encoding();
    });
    if (!is_one) continue;
    const auto local = day + repeats.at;
    const auto info = zone->get_info(local);
    // In the gap of spring both offsets give a time outside of it; the gap's end is neither.
    const auto begin = info.result == date::local_info::nonexistent
                           ? Instant(info.first.end)
                           : Instant(zone->to_sys(local, date::choose::earliest));
    if (begin >= from) return begin;
  }
  return fail(ErrorCode::kInvalidInput, "a show that repeats on no day");
} catch (const std::exception& exception) {
  return fail(ErrorCode::kIo,
              fmt::format("the rules of this box's time zone can't be read: {}; is tzdata installed?",
                          exception.what()));
}

Result<Schedule::Look> Schedule::look(Instant now) {
  auto look = make_coming(now);
  if (!look) return look;
  if (auto stopped = stop_due(now, *look); !stopped) return tl::unexpected(stopped.error());
  if (auto started = start_due(now, *look); !started) return tl::unexpected(started.error());
  return look;
}

Result<Schedule::Look> Schedule::make_coming(Instant now) {
  Look look{now + kLookAtLeastEvery, {}};
  const auto templates = shows_.list(Show::State::kTemplate, 0, kMostShows);
  if (!templates) return tl::unexpected(templates.error());
  for (const auto& show : templates->shows) {
    if (!show.plan.repeats) continue;
    // One that should be on right now is made too: the box was off when its time began.
    for (Instant from = now - show.plan.repeats->length; from < now + kAhead;) {
      const auto begin = next_start(*show.plan.repeats, from);
      if (!begin) return tl::unexpected(begin.error());
      if (*begin >= now + kAhead) break;
      from = *begin + 1min;
      const auto made = shows_.create_from(show, occurrence(show.plan, *begin), by_itself(now));
      if (!made) return tl::unexpected(made.error());
      if (*made)
        look.done.push_back(fmt::format("show {} \"{}\" is planned for {}", (*made)->id, show.plan.title,
                                        format_rfc3339(*begin)));
    }
  }
  return look;
}

Status Schedule::stop_due(Instant now, Look& look) {
  const auto live = shows_.live();
  if (!live) return tl::unexpected(live.error());
  if (!*live || !(*live)->plan.stops_by_itself || !(*live)->plan.ends_at) return {};
  if (now < *(*live)->plan.ends_at) {
    look.next = std::min(look.next, *(*live)->plan.ends_at);
    return {};
  }
  const auto stopped = shows_.stop((*live)->id, "its time was over", by_itself(now));
  if (!stopped) return tl::unexpected(stopped.error());
  look.done.push_back(
      fmt::format("show {} \"{}\" was stopped: its time was over", stopped->id, stopped->plan.title));
  return {};
}

Status Schedule::start_due(Instant now, Look& look) {
  const auto live = shows_.live();
  if (!live) return tl::unexpected(live.error());
  const auto planned = shows_.list(Show::State::kPlanned, 0, kMostShows);
  if (!planned) return tl::unexpected(planned.error());
  for (const auto& show : planned->shows) {
    if (!show.plan.starts_by_itself || !show.plan.begins_at) continue;
    if (show.plan.ends_at && now >= *show.plan.ends_at) continue;  // missed
    // Without an end there is no telling when it is too late: an hour is what a shop would forgive.
    if (!show.plan.ends_at && now >= *show.plan.begins_at + 1h) continue;
    if (now < *show.plan.begins_at) {
      look.next = std::min(look.next, *show.plan.begins_at);
      continue;
    }
    if (*live) continue;  // it waits for the other's end, within its time
    const auto started = shows_.start(show.id, by_itself(now));
    if (!started) return tl::unexpected(started.error());
    look.done.push_back(
        fmt::format("show {} \"{}\" was started: it was time", started->id, started->plan.title));
    return {};
  }
  return {};
}

}  // namespace vitrine::desk
