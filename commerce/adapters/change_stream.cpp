// SPDX-License-Identifier: Apache-2.0
#include "commerce/adapters/change_stream.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/json_text.h"

namespace vitrine::commerce {
namespace {

using nlohmann::json;

constexpr int kCursorFormat = 1;
constexpr size_t kMostCursorBytes = 4096;
constexpr int64_t kLatestMicros = 253'402'300'799'000'000;  // the year 9999

void append(std::vector<std::string>& ids, const std::vector<Change>& changes) {
  for (const auto& change : changes) ids.insert(ids.end(), change.ids.begin(), change.ids.end());
}

}  // namespace

Called<ChangeStream::Step> ChangeStream::read(const StreamPosition& position, Instant server_now) const {
  for (size_t limit = limits_.page;; limit = std::min(limit * 2, limits_.largest_page)) {
    auto page = read_page_(position.from, limit, 0);
    if (!page) return tl::unexpected(page.error());
    const Instant last = page->empty() ? position.from : std::max(page->back().at, position.from);
    Step step;
    append(step.ids, *page);
    if (page->size() < limit) {
      step.is_complete = true;
      // A row dated in the future, by a clock that was wrong once, must not hide what changes until then.
      step.next.newest = std::max(position.newest, page->empty() ? Instant{} : std::min(last, server_now));
      step.next.from = std::max(Instant{}, step.next.newest - limits_.overlap);
      return step;
    }
    step.next = {last, std::max(position.newest, std::min(last, server_now))};
    if (last > position.from) return step;
    if (limit >= limits_.largest_page)
      return read_one_moment(position);  // more rows of one moment than a page holds
  }
}

/// Rows of one moment can only be told apart by page number. Pages overlap by half: rows that are changed
/// meanwhile leave that moment and move the others forward, and nothing gets out of sight while fewer than
/// that do.
Called<ChangeStream::Step> ChangeStream::read_one_moment(const StreamPosition& position) const {
  Step step;
  for (size_t skip = 0;; skip += std::max<size_t>(1, limits_.largest_page / 2)) {
    auto page = read_page_(position.from, limits_.largest_page, skip);
    if (!page) return tl::unexpected(page.error());
    append(step.ids, *page);
    const bool is_over = page->size() < limits_.largest_page || page->back().at > position.from;
    if (!is_over) continue;
    // Not complete: the next step begins just behind that moment and sees the rest.
    step.next = {position.from + std::chrono::milliseconds(1), std::max(position.newest, position.from)};
    return step;
  }
}

Result<std::map<std::string, StreamPosition>> parse_cursor(std::string_view text, std::string_view backend) {
  std::map<std::string, StreamPosition> positions;
  if (text.empty()) return positions;
  const auto bad = [&] {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("not a cursor of {}: \"{}\"", backend, text.substr(0, 60)));
  };
  const auto value = parse_json(text, kMostCursorBytes);
  if (!value || !value->is_object()) return bad();
  const auto is = [&](const char* key, const json& wanted) {
    const auto found = value->find(key);
    return found != value->end() && *found == wanted;
  };
  if (!is("format", json(kCursorFormat)) || !is("backend", json(std::string(backend)))) return bad();
  const auto streams = value->find("streams");
  if (streams == value->end() || !streams->is_object()) return bad();
  for (const auto& [name, position] : streams->items()) {
    if (!position.is_array() || position.size() != 2 || !position[0].is_number_integer() ||
        !position[1].is_number_integer())
      return bad();
    const auto instant = [](const json& micros) {
      return Instant{std::chrono::microseconds{std::clamp<int64_t>(micros.get<int64_t>(), 0, kLatestMicros)}};
    };
    positions[name] = {instant(position[0]), instant(position[1])};
  }
  return positions;
}

std::string format_cursor(const std::map<std::string, StreamPosition>& positions, std::string_view backend) {
  json streams = json::object();
  for (const auto& [name, position] : positions)
    streams[name] = {position.from.time_since_epoch().count(), position.newest.time_since_epoch().count()};
  return json{{"format", kCursorFormat}, {"backend", std::string(backend)}, {"streams", std::move(streams)}}
      .dump();
}

}  // namespace vitrine::commerce
