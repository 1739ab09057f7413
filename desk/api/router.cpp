// SPDX-License-Identifier: Apache-2.0
#include "desk/api/router.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "core/text_rules.h"
#include "desk/api/problem.h"

namespace vitrine::desk {
namespace {

constexpr size_t kMostTargetBytes = 2048;
constexpr size_t kMostQueryNames = 32;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Plus { kIsPlus, kIsBlank };

/// Percent-decoded; nothing where that is no clean text: half an escape, invalid UTF-8, control characters.
std::optional<std::string> decoded(std::string_view text, Plus plus) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == Plus::kIsBlank) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  if (out.find('\n') != std::string::npos || find_unsafe_character(out)) return std::nullopt;
  return out;
}

tl::unexpected<ApiAnswer> refused(int status, std::string why) {
  const auto code = status == 404 ? ErrorCode::kNotFound : ErrorCode::kInvalidInput;
  return tl::unexpected(problem(status, {code, std::move(why)}));
}

tl::expected<decltype(ApiRequest::query), ApiAnswer> parse_query(std::string_view text) {
  decltype(ApiRequest::query) query;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    const size_t equals = std::min(pair.find('='), pair.size());
    const auto name = decoded(pair.substr(0, equals), Plus::kIsBlank);
    const auto value = decoded(pair.substr(std::min(pair.size(), equals + 1)), Plus::kIsBlank);
    if (!name || !value || name->empty()) return refused(400, "the query can't be decoded");
    if (!query.emplace(*name, *value).second)
      return refused(400, fmt::format("\"{}\" stands twice in the query", *name));
    if (query.size() > kMostQueryNames)
      return refused(400, fmt::format("more than {} names in the query", kMostQueryNames));
  }
  return query;
}

}  // namespace

std::string_view name_of_segment(std::string_view segment) {
  if (segment.size() < 3 || segment.front() != '{' || segment.back() != '}') return {};
  return segment.substr(1, segment.size() - 2);
}

std::vector<std::string> segments_of(std::string_view pattern) {
  std::vector<std::string> segments;
  while (!pattern.empty()) {
    pattern.remove_prefix(1);  // the slash
    segments.emplace_back(pattern.substr(0, pattern.find('/')));
    pattern.remove_prefix(segments.back().size());
  }
  return segments;
}

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
}

Result<Router> Router::create(std::vector<Route> routes) {
  Router router(std::move(routes));
  const auto wrong = [](const Route& route, std::string_view why) {
    return fail(ErrorCode::kInvalidInput, fmt::format("route {} {}: {}", route.method, route.pattern, why));
  };
  for (size_t i = 0; i < router.routes_.size(); ++i) {
    const Route& route = router.routes_[i];
    if (!std::set<std::string>{"GET", "POST", "PUT", "DELETE"}.contains(route.method))
      return wrong(route, "the method is none of GET, POST, PUT, DELETE");
    const bool is_page = route.method == "GET" && !route.pattern.starts_with("/api/");
    if (!route.pattern.starts_with(is_page ? "/" : "/api/v1/") ||
        (route.pattern.ends_with('/') && route.pattern != "/"))
      return wrong(route, "the pattern is neither /api/v1/… nor a page's");
    if (!route.handle) return wrong(route, "nothing handles it");
    if (route.method == "GET" && (!route.takes.schema.is_null() || !route.takes.upload.empty()))
      return wrong(route, "a GET has no body");
    auto segments = segments_of(route.pattern);
    std::set<std::string, std::less<>> names;
    std::vector<std::string> shape = segments;
    for (auto& segment : shape) {
      const auto name = name_of_segment(segment);
      if (!name.empty() && !names.emplace(name).second) return wrong(route, "a name stands twice");
      if (!name.empty()) segment = "{}";
    }
    const auto same = std::ranges::find_if(router.patterns_, [&](const Pattern& pattern) {
      return std::ranges::equal(pattern.segments, shape, [](const auto& a, const auto& b) {
        return a == b || (b == "{}" && !name_of_segment(a).empty());
      });
    });
    if (same == router.patterns_.end()) {
      router.patterns_.push_back({std::move(segments), {i}});
      continue;
    }
    if (same->segments != segments) return wrong(route, "another route has other names there");
    for (const size_t other : same->routes)
      if (router.routes_[other].method == route.method) return wrong(route, "it stands twice");
    same->routes.push_back(i);
  }
  // A word is nearer than a name: /shows/next is not the show "next".
  std::ranges::stable_sort(router.patterns_, {}, [](const Pattern& pattern) {
    std::string key;
    for (const auto& segment : pattern.segments) key += name_of_segment(segment).empty() ? '0' : '1';
    return key;
  });
  return router;
}

tl::expected<Router::Found, ApiAnswer> Router::find(std::string_view method, std::string_view target) const {
  if (!target.starts_with('/') || target.size() > kMostTargetBytes ||
      target.find('#') != std::string_view::npos)
    return refused(400, fmt::format("the target is no path of at most {} bytes", kMostTargetBytes));
  const size_t path_end = std::min(target.find('?'), target.size());
  const auto raw = segments_of(target.substr(0, path_end));
  for (const auto& pattern : patterns_) {
    if (pattern.segments.size() != raw.size()) continue;
    Found found;
    bool is_match = true;
    for (size_t i = 0; i < raw.size() && is_match; ++i) {
      const auto name = name_of_segment(pattern.segments[i]);
      if (name.empty()) {
        is_match = raw[i] == pattern.segments[i];
        continue;
      }
      auto value = decoded(raw[i], Plus::kIsPlus);
      // What could climb out of where it is looked for never gets that far.
      is_match = value && !value->empty() && *value != "." && *value != ".." &&
                 value->find_first_of("/\\") == std::string::npos;
      if (is_match) found.path.emplace(name, std::move(*value));
    }
    if (!is_match) continue;
    std::string allow;
    for (const size_t index : pattern.routes) {
      const Route& route = routes_[index];
      allow += (allow.empty() ? "" : ", ") + route.method + (route.method == "GET" ? ", HEAD" : "");
      if (route.method == method || (method == "HEAD" && route.method == "GET")) found.route = &route;
    }
    if (found.route == nullptr) {
      auto answer = refused(405, fmt::format("{} is not allowed here; allowed: {}", method, allow));
      answer.value().headers["Allow"] = allow;
      return answer;
    }
    auto query = parse_query(target.substr(std::min(target.size(), path_end + 1)));
    if (!query) return tl::unexpected(std::move(query.error()));
    for (const auto& [key, value] : *query)
      if (std::ranges::find(found.route->takes.query, key) == found.route->takes.query.end())
        return refused(400, fmt::format("\"{}\" is not asked for here; there are: {}", key,
                                        fmt::join(found.route->takes.query, ", ")));
    found.query = std::move(*query);
    return found;
  }
  return refused(404, "nothing is at this address; GET /api/v1/openapi.json lists what there is");
}

}  // namespace vitrine::desk
