// SPDX-License-Identifier: Apache-2.0
#include "cli/desk_text.h"

#include <fmt/format.h>

namespace vitrine::cli {
namespace {

using nlohmann::json;

std::string confirmed(const json& item) {
  if (!item.contains("confirmed_s_ago")) return "not confirmed";
  return fmt::format("confirmed {:.0f} s ago", item["confirmed_s_ago"].get<double>());
}

std::string stock(const json& item) {
  return item.contains("stock") ? std::to_string(item["stock"].get<int64_t>()) : "not counted";
}

/// Rows of the shop that were not taken, a paragraph.
std::string refusals(const json& rows, const char* id) {
  std::string text;
  for (const auto& row : rows) {
    text += fmt::format("  ! {} since {}\n", row.value(id, ""), row.value("since", ""));
    for (const auto& problem : row["problems"])
      text += fmt::format("      {}: found {}, allowed: {}\n", problem.value("where", ""),
                          problem.value("found", ""), problem.value("allowed", ""));
  }
  return text;
}

std::string events(const json& answer) {
  if (!answer.contains("events")) return "off: what changes in the shop is asked for";
  const json& events = answer["events"];
  const std::string listen = events.value("listen", "");
  if (!events.value("is_on", false)) return "can't be taken on " + listen;
  std::string text =
      fmt::format("on at {}, {} taken, {} repeated, {} refused", listen, events["taken"].get<int64_t>(),
                  events["repeated"].get<int64_t>(), events["refused"].get<int64_t>());
  if (events.contains("last_taken_at")) text += ", the last at " + events["last_taken_at"].get<std::string>();
  if (events.contains("last_refusal"))
    text += "\n           the last one refused: " + events["last_refusal"].get<std::string>();
  if (const auto hinted = answer.value("hinted", int64_t{0}); hinted > 0)
    text += fmt::format("\n           {} rows that they named are not read yet", hinted);
  return text;
}

}  // namespace

std::string format_items(const json& answer) {
  std::string text =
      fmt::format("{} items, backend {}\n", answer["total"].get<size_t>(), answer.value("backend", ""));
  for (const auto& item : answer["items"]) {
    text += fmt::format("  {:<14} {}  {}{}  stock {}  {}  {}\n", item.value("sku", ""),
                        item["price"].value("text", ""), item.value("title", ""),
                        item.value("option", "").empty() ? "" : " " + item.value("option", ""), stock(item),
                        item.value("availability", ""), confirmed(item));
  }
  if (answer["refused"].empty()) return text;
  text +=
      fmt::format("\n{} rows of the shop were not taken; what is shown of them is what they were before\n",
                  answer["refused"].size());
  return text + refusals(answer["refused"], "item");
}

std::string format_sync(const json& answer) {
  const auto& outbox = answer["outbox"];
  const std::string url = answer.value("url", "");
  std::string text =
      fmt::format("backend    {}{}\n", answer.value("backend", ""), url.empty() ? "" : " at " + url);
  text += fmt::format("items      {}\n",
                      answer.contains("catalogue_at")
                          ? "equal to the shop's at " + answer["catalogue_at"].get<std::string>()
                          : "not read since this start");
  text +=
      fmt::format("orders     {}\n", answer.contains("orders_at")
                                         ? "equal to the shop's at " + answer["orders_at"].get<std::string>()
                                         : "not read since this start");
  text += fmt::format(
      "changes    {} on their way ({} of them without an answer yet), {} done, {} refused by the shop\n",
      outbox["open"].get<int64_t>(), outbox["unknown"].get<int64_t>(), outbox["done"].get<int64_t>(),
      outbox["rejected"].get<int64_t>());
  text += fmt::format("events     {}\n", events(answer));
  if (answer.contains("clock_offset_ms"))
    text +=
        fmt::format("clock      the shop's is {} ms from ours\n", answer["clock_offset_ms"].get<int64_t>());
  for (const auto& repair : answer["repairs"]) text += "  ! " + repair.get<std::string>() + "\n";
  for (const auto& problem : answer["problems"]) text += "  ! " + problem.get<std::string>() + "\n";
  return answer["problems"].empty() ? text + "\nnothing is wrong\n" : text;
}

std::string format_orders(const json& answer) {
  std::string text = fmt::format("{} orders\n", answer["orders"].size());
  for (const auto& order : answer["orders"]) {
    const auto& balance = order["balance"];
    text += fmt::format("  {}  {}  {:<12} {}{}\n", order.value("placed_at", ""), order.value("number", ""),
                        order.value("state", ""), order["total"].value("text", ""),
                        balance["minor"].get<int64_t>() > 0 ? ", owes " + balance.value("text", "") : "");
    for (const auto& line : order["lines"])
      text += fmt::format("      {} × {}  {}\n", line["quantity"].get<int64_t>(), line.value("sku", ""),
                          line["unit_price"].value("text", ""));
  }
  if (answer["refused"].empty()) return text;
  text += fmt::format("\n{} orders of the shop can't be read; each may be a sale: look at it in the shop\n",
                      answer["refused"].size());
  return text + refusals(answer["refused"], "order");
}

std::string format_offers(const json& answer) {
  std::string text = fmt::format("{} offers\n", answer["offers"].size());
  for (const auto& offer : answer["offers"]) {
    const std::string why = offer.value("why", "");
    text += fmt::format(
        "  {:>4}  {:<10} {} … {}  {}{}{}\n", offer["id"].get<int64_t>(), offer.value("state", ""),
        offer.value("begin", ""), offer.value("end", ""), offer.value("name", ""),
        offer.contains("quantity") ? fmt::format("  {} pieces", offer["quantity"].get<int64_t>()) : "",
        why.empty() ? "" : "  (" + why + ")");
    for (const auto& price : offer["prices"])
      text += fmt::format("        {} instead of {}  {}/{}\n", price["price"].value("text", ""),
                          price["before"].value("text", ""), price.value("product", ""),
                          price.value("variant", ""));
  }
  return text;
}

}  // namespace vitrine::cli
