// SPDX-License-Identifier: Apache-2.0
#include "desk/api/pages.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <sodium.h>
#include <string_view>

#include <fmt/format.h>

namespace vitrine::desk {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kTypes = {
    {{".css", "text/css; charset=utf-8"},
     {".html", "text/html; charset=utf-8"},
     {".js", "text/javascript; charset=utf-8"},
     {".svg", "image/svg+xml"}}};

struct PageFile {
  std::string bytes;
  std::string content_type;
  std::string etag;
  std::string cache_control;
};

std::string etag_of(const std::string& bytes) {
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                     bytes.size(), nullptr, 0);
  return fmt::format("\"{:02x}\"", fmt::join(hash, ""));
}

Result<PageFile> read_page_file(const fs::path& path) {
  const auto* const type = std::ranges::find(kTypes, std::string_view(path.extension().c_str()),
                                             &decltype(kTypes)::value_type::first);
  if (type == kTypes.end())
    return fail(ErrorCode::kUnsupportedFormat, fmt::format("{} is no part of a page", path.string()));
  std::ifstream file(path, std::ios::binary);
  PageFile page;
  page.bytes.assign(std::istreambuf_iterator<char>(file), {});
  if (!file) return fail(ErrorCode::kIo, fmt::format("{} can't be read", path.string()));
  page.content_type = type->second;
  page.etag = etag_of(page.bytes);
  return page;
}

Route route_of(const std::string& pattern, PageFile page) {
  return {"GET", pattern, kAnybody, "A page",
          [page = std::move(page)](const ApiRequest& request) -> Result<ApiAnswer> {
            ApiAnswer answer;
            answer.headers = {{"ETag", page.etag}, {"Cache-Control", page.cache_control}};
            if (request.if_none_match == page.etag) {
              answer.status = 304;
              return answer;
            }
            answer.bytes = page.bytes;
            answer.content_type = page.content_type;
            return answer;
          }};
}

}  // namespace

Result<std::vector<Route>> page_routes(const fs::path& directory) {
  std::vector<Route> routes;
  const auto add_files = [&](const fs::path& place, const auto& pattern_of,
                             const char* cache_control) -> Status {
    std::error_code error;
    for (fs::directory_iterator entry(place, error), end; !error && entry != end; entry.increment(error)) {
      if (!entry->is_regular_file(error)) continue;
      auto page = read_page_file(entry->path());
      if (!page) return tl::unexpected(page.error());
      page->cache_control = cache_control;
      routes.push_back(route_of(pattern_of(entry->path()), std::move(*page)));
    }
    if (error) return fail(ErrorCode::kNotFound, fmt::format("{}: {}", place.string(), error.message()));
    return {};
  };
  // A page is asked for each time whether it is a new one; what it is made of has its hash in its name.
  if (auto added = add_files(
          directory, [](const fs::path& path) { return "/" + path.stem().string(); }, "no-cache");
      !added)
    return tl::unexpected(added.error());
  if (std::ranges::find(routes, "/kiosk", &Route::pattern) == routes.end())
    return fail(ErrorCode::kNotFound, fmt::format("{} has no kiosk.html", directory.string()));
  if (auto added = add_files(
          directory / "assets", [](const fs::path& path) { return "/assets/" + path.filename().string(); },
          "public, max-age=31536000, immutable");
      !added)
    return tl::unexpected(added.error());
  routes.push_back(
      {"GET", "/", kAnybody, "The first page", [](const ApiRequest& /*request*/) -> Result<ApiAnswer> {
         return ApiAnswer{.status = 302, .headers = {{"Location", "/kiosk"}}};
       }});
  return routes;
}

}  // namespace vitrine::desk
