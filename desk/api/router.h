// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "desk/api/route.h"

namespace vitrine::desk {

/// Which route a request is for. Nothing of it changes after `create`; thread: any.
class Router {
 public:
  struct Found {
    const Route* route = nullptr;
    decltype(ApiRequest::path) path;
    decltype(ApiRequest::query) query;
  };

  /// Errors: kInvalidInput for a table that says two things about one request, or that no request can match.
  static Result<Router> create(std::vector<Route> routes);

  /// Of "/api/v1/shows/7?limit=2"; a HEAD is for the GET. The error is problem details: 400, 404, 405 with
  /// `Allow`.
  [[nodiscard]] tl::expected<Found, ApiAnswer> find(std::string_view method, std::string_view target) const;

  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

 private:
  explicit Router(std::vector<Route> routes);
  struct Pattern {
    std::vector<std::string> segments;  // "{show}" is a name
    std::vector<size_t> routes;         // in routes_, one a method
  };
  std::vector<Route> routes_;
  std::vector<Pattern> patterns_;  // those with words before those with names
};

/// "{show}" → "show"; nothing for a word.
std::string_view name_of_segment(std::string_view segment);
std::vector<std::string> segments_of(std::string_view pattern);

}  // namespace vitrine::desk
