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

/// "      where: found x, allowed: y", a line each.
std::string problem_lines(const json& problems) {
  std::string text;
  for (const auto& problem : problems)
    text += fmt::format("      {}: found {}, allowed: {}\n", problem.value("where", ""),
                        problem.value("found", ""), problem.value("allowed", ""));
  return text;
}

/// Rows of the shop that were not taken, a paragraph.
std::string refusals(const json& rows, const char* id) {
  std::string text;
  for (const auto& row : rows) {
    text += fmt::format("  ! {} since {}\n", row.value(id, ""), row.value("since", ""));
    text += problem_lines(row["problems"]);
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
    if (item.contains("photo") && item["photo"].contains("problem"))
      text += fmt::format("      photo {}: {}\n", item["photo"].contains("blob") ? "not renewed" : "missing",
                          item["photo"].value("problem", ""));
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

std::string format_show_orders(const json& answer) {
  std::string text = fmt::format("{} lines of orders\n", answer["lines"].size());
  for (const auto& line : answer["lines"]) {
    text += fmt::format("  {}  {:<12} {} × {}  {}  {}\n", line.value("number", ""), line.value("state", ""),
                        line["quantity"].get<int64_t>(), line.value("sku", ""),
                        line["unit_price"].value("text", ""),
                        line["item"].is_null() ? "! no item of this shop" : line["item"].get<std::string>());
  }
  return text;
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

std::string format_import(const json& answer) {
  const bool is_trial = answer.value("trial", false);
  std::string text = fmt::format(
      "{}{} added, {} changed, {} as they were, {} rows refused; {} items of the shop are not in the table "
      "and stay as "
      "they are\n",
      is_trial ? "only tried, nothing is changed: " : "", answer["added"].get<int64_t>(),
      answer["changed"].get<int64_t>(), answer["unchanged"].get<int64_t>(),
      answer["refused_rows"].get<int64_t>(), answer["missing"].get<int64_t>());
  if (is_trial)
    text += fmt::format("{} photos of the folder would be brought in\n", answer["photos"].size());
  else if (answer["photos_brought"] != 0 || !answer["photo_problems"].empty())
    text += fmt::format("{} photos brought in, {} refused\n", answer["photos_brought"].get<int64_t>(),
                        answer["photo_problems"].size());
  for (const auto& title : answer["ignored_columns"])
    text += fmt::format("  column left out: {}\n", title.get<std::string>());
  if (!answer["remarks"].empty()) text += "taken, but:\n" + problem_lines(answer["remarks"]);
  if (!answer["refused"].empty()) text += "refused; mend these and bring the same table in again:\n";
  for (const auto& row : answer["refused"]) text += problem_lines(row["problems"]);
  if (answer["refused"].size() < answer["refused_rows"].get<size_t>())
    text +=
        fmt::format("      … and {} more\n", answer["refused_rows"].get<size_t>() - answer["refused"].size());
  for (const auto& problem : answer["photo_problems"])
    text += "  ! photo " + problem.get<std::string>() + "\n";
  return text;
}

std::string format_documents(const json& answer) {
  std::string text = fmt::format("{} documents\n", answer["documents"].size());
  for (const auto& entry : answer["documents"]) {
    const auto& document = entry["document"];
    text += fmt::format("  {:<20} {:<17} {}  {}  until {}  {}{}\n", entry.value("id", ""),
                        document.value("kind", ""), document.value("holder", ""),
                        document.value("number", "no number"), document.value("valid_until", "ever"),
                        entry.value("state", ""), document.contains("picture") ? "" : "  no picture");
  }
  text += fmt::format("{} payees\n", answer["payees"].size());
  for (const auto& entry : answer["payees"]) {
    const auto& payee = entry["payee"];
    const bool is_same = payee["name"] == payee["licence_holder"];
    text += fmt::format("  {:<20} {}  {} {}  licence: {}{}{}\n", entry.value("id", ""),
                        payee.value("name", ""), payee.value("account", ""), payee.value("masked_number", ""),
                        payee.value("licence_holder", ""), is_same ? "" : ", another company",
                        payee.value("withdrawn", false) ? ", withdrawn" : "");
  }
  return text;
}

std::string format_shows(const json& answer) {
  std::string text = fmt::format("{} shows\n", answer["total"].get<int64_t>());
  for (const auto& show : answer["shows"]) {
    const auto& plan = show["plan"];
    text += fmt::format("  {:>4}  {:<8}  {}  {}{}\n", show["id"].get<int64_t>(), show.value("state", ""),
                        show.value("started_at", plan.value("begins_at", "at any time            ")),
                        plan.value("title", ""),
                        plan.value("host", "").empty() ? "" : ", " + plan.value("host", ""));
  }
  return text;
}

std::string format_preflight(const json& answer) {
  std::string text;
  for (const auto& point : answer["points"]) {
    text += fmt::format("  {:<6} {:<24} {}{}\n", point.value("level", ""), point.value("id", ""),
                        point["reason"].value("en", ""),
                        point.value("blocks", false) ? "  (Start waits for this)" : "");
    if (point.contains("remedy"))
      text += fmt::format("         {:<24} → {}\n", "", point["remedy"].value("en", ""));
  }
  return text + (answer.value("blocks", false) ? "\nStart says no; --override starts it all the same\n" : "");
}

std::string format_live(const json& answer) {
  std::string text;
  if (!answer.value("is_live", false)) {
    text = "no show is on\n";
  } else {
    const auto& on = answer["on"];
    text = fmt::format("show {} is on since {}: segment {}, {}\n", answer["show"]["id"].get<int64_t>(),
                       answer["show"].value("started_at", ""), on["segment"].get<int64_t>(),
                       on.value("kind", ""));
  }
  for (const auto& remark : answer["remarks"]) text += "  ! " + remark.get<std::string>() + "\n";
  if (answer.contains("not_shown_because"))
    text += "  ! not on screen yet: " + answer["not_shown_because"].get<std::string>() + "\n";
  return text;
}

}  // namespace vitrine::cli
