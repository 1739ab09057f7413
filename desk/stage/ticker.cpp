// SPDX-License-Identifier: Apache-2.0
#include "desk/stage/ticker.h"

#include <algorithm>

#include <fmt/format.h>

namespace vitrine::desk {
namespace {

using nlohmann::json;

constexpr int kRows = 3;           // the template's
constexpr size_t kMostTitle = 10;  // characters: the template has 24 for all of "拍下… 等 123456 件"
constexpr int64_t kMostPieces = 999'999;

/// Where the first `characters` of UTF-8 text end.
size_t end_of_characters(const std::string& text, size_t characters) {
  size_t end = 0;
  for (; characters > 0 && end < text.size(); --characters) {
    ++end;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) ++end;
  }
  return end;
}

std::string who(const std::string& masked_name) {
  if (masked_name.empty() || masked_name[0] == '*') return "顾客**";
  return masked_name.substr(0, end_of_characters(masked_name, 1)) + "**";
}

std::string what(const TickerOrder& order) {
  const int64_t pieces = std::min(order.pieces, kMostPieces);
  if (order.title.empty()) return fmt::format("拍下 {} 件", pieces);
  const size_t end = end_of_characters(order.title, kMostTitle);
  return fmt::format("拍下{}{} {}{} 件", order.title.substr(0, end), end < order.title.size() ? "…" : "",
                     order.has_more ? "等 " : "", pieces);
}

}  // namespace

Result<std::vector<TickerOrder>> newest_orders(const commerce::ShopData& data, Instant since,
                                               const std::string& room) {
  const auto lines = data.orders.newest(since, room, kRows);
  if (!lines) return tl::unexpected(lines.error());
  std::vector<TickerOrder> orders;
  std::string order;
  for (const auto& line : *lines) {
    const bool is_next = line.order != order;
    order = line.order;
    if (is_next) orders.push_back({line.masked_name, "", 0, false});
    auto& told = orders.back();
    told.pieces += line.line.quantity;
    told.has_more = told.has_more || !is_next;
    if (!told.title.empty() || !line.item) continue;
    const auto row = data.catalogue.find(*line.item);
    if (!row) return tl::unexpected(row.error());
    if (*row) told.title = (*row)->item.title;
  }
  std::ranges::reverse(orders);
  return orders;
}

json ticker_data(const std::vector<TickerOrder>& orders) {
  if (orders.empty()) return nullptr;
  json rows = json::array();
  for (const auto& order : orders) rows.push_back({{"who", who(order.masked_name)}, {"what", what(order)}});
  return {{"orders", std::move(rows)}};
}

}  // namespace vitrine::desk
