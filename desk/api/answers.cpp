// SPDX-License-Identifier: Apache-2.0
#include "desk/api/answers.h"

#include <charconv>

#include <fmt/format.h>

#include "core/rfc3339.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;

const std::string* parameter(const ApiRequest& request, const char* name) {
  if (const auto found = request.path.find(name); found != request.path.end()) return &found->second;
  if (const auto found = request.query.find(name); found != request.query.end()) return &found->second;
  return nullptr;
}

Result<int64_t> whole_number(const char* name, const std::string& text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0)
    return tl::unexpected(to_error(Problems{{name, "\"" + text + "\"", "a whole number, 0 or more"}}));
  return number;
}

}  // namespace

json money_json(const Money& money) {
  return {{"minor", money.minor},
          {"currency", std::string(money.currency.data(), money.currency.size())},
          {"text", currency_symbol(money) + format_amount(money, Cents::kTrim)}};
}

json problems_json(const Problems& problems) {
  json list = json::array();
  for (const auto& problem : problems)
    list.push_back({{"where", problem.where}, {"found", problem.found}, {"allowed", problem.allowed}});
  return list;
}

json ref_json(const commerce::Ref& ref) {
  return {{"product", ref.product}, {"variant", ref.variant}};
}

Result<PageWish> page_of(const ApiRequest& request) {
  constexpr int64_t kMostRows = 1000;
  const auto offset = number_or(request, "offset", 0);
  if (!offset) return tl::unexpected(offset.error());
  const auto limit = number_or(request, "limit", PageWish{}.limit);
  if (!limit) return tl::unexpected(limit.error());
  if (*limit < 1 || *limit > kMostRows)
    return tl::unexpected(
        to_error(Problems{{"limit", std::to_string(*limit), fmt::format("1 to {}", kMostRows)}}));
  return PageWish{*offset, *limit};
}

Result<int64_t> number_of(const ApiRequest& request, const char* name) {
  const auto* text = parameter(request, name);
  return whole_number(name, text != nullptr ? *text : "");
}

Result<int64_t> number_or(const ApiRequest& request, const char* name, int64_t fallback) {
  const auto* text = parameter(request, name);
  if (text == nullptr) return fallback;
  return whole_number(name, *text);
}

std::string text_or(const ApiRequest& request, const char* name, const std::string& fallback) {
  const auto* text = parameter(request, name);
  return text != nullptr ? *text : fallback;
}

Result<Instant> instant_of(const ApiRequest& request, const char* name) {
  const auto* text = parameter(request, name);
  const auto instant = text != nullptr ? parse_rfc3339(*text) : std::nullopt;
  if (!instant)
    return tl::unexpected(to_error(Problems{
        {name, text != nullptr ? "\"" + *text + "\"" : "nothing", "a time like 2026-11-22T20:00:00+08:00"}}));
  return *instant;
}

commerce::Author author_of(const ApiRequest& request) {
  return {request.caller.account, system_now()};
}

Status read_body(const ApiRequest& request, const std::function<void(ObjectReader&)>& read) {
  Problems problems;
  const json nothing = json::object();
  ObjectReader reader(request.body.is_null() ? nothing : request.body, "", problems);
  read(reader);
  reader.finish();
  if (!problems.empty()) return tl::unexpected(to_error(problems));
  return {};
}

}  // namespace vitrine::desk
