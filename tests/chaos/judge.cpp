// SPDX-License-Identifier: Apache-2.0
#include "judge.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include <fmt/format.h>

#include "commerce/operations.h"

namespace vitrine::chaos {
namespace {

using commerce::Operation;
using nlohmann::json;

/// What one thing was set to, in order. The first is what it was before.
using Values = std::vector<std::string>;
using Settings = std::map<std::string, Values>;

Settings settings_before(const std::vector<Product>& products) {
  Settings settings;
  for (const auto& product : products) {
    settings["listing " + product.id] = {product.is_listed ? "on" : "off"};
    for (const auto& variant : product.variants) {
      settings["stock " + variant.id] = {std::to_string(variant.stock)};
      settings["price " + variant.id] = {"usual"};
    }
  }
  return settings;
}

/// Appends what is another value than the one before. An empty list began with nothing there.
void set(Settings& settings, const std::string& what, const std::string& value) {
  auto& values = settings[what];
  if (values.empty() || values.back() != value) values.push_back(value);
}

bool has_lists(const ShopJournal& journal) {
  return std::ranges::any_of(
      journal, [](const json& entry) { return entry["path"].get<std::string>().starts_with("/admin/"); });
}

/// What must have been set: by what is done, in the order of the outbox.
Settings wished(Settings settings, const std::vector<Operation>& operations, bool is_by_lists) {
  std::map<std::string, std::set<std::string>> variants_of;  // by operation that put a price
  for (const auto& operation : operations) {
    if (operation.state != Operation::State::kDone) continue;
    if (const auto listing = set_listing_of(operation))
      set(settings, "listing " + listing->ref.product,
          listing->listing == commerce::Adapter::Listing::kOn ? "on" : "off");
    if (const auto stock = set_stock_of(operation))
      set(settings, "stock " + stock->ref.variant, std::to_string(stock->stock));
    if (const auto price = timed_price_of(operation)) {
      if (is_by_lists) set(settings, "list " + operation.id, "active");
      for (const auto& [ref, money] : price->prices) {
        variants_of[operation.id].insert(ref.variant);
        if (!is_by_lists) set(settings, "price " + ref.variant, operation.id);
      }
    }
    if (const auto end = end_timed_price_of(operation); end && variants_of.contains(end->put)) {
      if (is_by_lists) set(settings, "list " + end->put, "draft");
      if (!is_by_lists)
        for (const auto& variant : variants_of[end->put]) set(settings, "price " + variant, "usual");
    }
  }
  return settings;
}

/// Of Medusa's REST. `list_ids`: which operation a price list is of.
std::vector<std::pair<std::string, std::string>> medusa_settings(
    const json& entry, std::map<std::string, std::string>& list_ids,
    const std::map<std::string, std::string>& variants) {
  const std::string path =
      entry["path"].get<std::string>().substr(0, entry["path"].get<std::string>().find('?'));
  const std::string last = path.substr(path.rfind('/') + 1);
  const json& body = entry["body"];
  if (path.starts_with("/admin/products/"))
    return {{"listing " + last, body["status"] == "published" ? "on" : "off"}};
  if (path.starts_with("/admin/inventory-items/")) {
    const std::string item = path.substr(23, path.find('/', 23) - 23);
    const auto variant = variants.find(item);
    return {{"stock " + (variant == variants.end() ? item : variant->second),
             std::to_string(body["stocked_quantity"].get<int64_t>())}};
  }
  if (path == "/admin/price-lists") {
    const std::string operation =
        body["description"].get<std::string>().substr(std::string("vitrine:").size());
    list_ids[entry["answer"]["price_list"]["id"]] = operation;
    return {{"list " + operation, "active"}};
  }
  if (path.starts_with("/admin/price-lists/")) return {{"list " + list_ids[last], body["status"]}};
  return {};
}

/// Of Vendure's GraphQL.
std::vector<std::pair<std::string, std::string>> vendure_settings(const json& entry) {
  std::vector<std::pair<std::string, std::string>> found;
  const json variables = entry["body"].value("variables", json::object());
  // A login is a mutation too.
  if (entry["body"].value("query", "").find("updateProduct") == std::string::npos ||
      entry["answer"].contains("errors"))
    return found;
  for (const auto& product : variables.value("p", json::array()))
    found.emplace_back("listing " + product["id"].get<std::string>(), product["enabled"] ? "on" : "off");
  for (const auto& variant : variables.value("v", json::array())) {
    const std::string id = variant["id"];
    if (variant.contains("stockOnHand"))
      found.emplace_back("stock " + id, std::to_string(variant["stockOnHand"].get<int64_t>()));
    const json fields = variant.value("customFields", json::object());
    if (fields.contains("promoOperation"))
      found.emplace_back("price " + id, fields["promoOperation"].is_string()
                                            ? fields["promoOperation"].get<std::string>()
                                            : "usual");
  }
  return found;
}

bool takes_off(const std::string& value) {
  return value == "off" || value == "draft" || value == "usual";
}

void compare(const std::string& what, const Values& wanted, const Values& taken, Verdict& verdict) {
  if (wanted == taken) return;
  std::map<std::string, int64_t> difference;
  for (const auto& value : wanted) ++difference[value];
  for (const auto& value : taken) --difference[value];
  int64_t lost = 0;
  int64_t doubled = 0;
  for (const auto& [value, count] : difference) (count > 0 ? lost : doubled) += std::abs(count);
  verdict.lost += lost;
  verdict.doubled += doubled;
  if (lost + doubled == 0) ++verdict.out_of_order;
  if (verdict.details.size() < 20) {
    const auto tail = [](const Values& values) {
      return fmt::format(
          "{}", fmt::join(values.end() - std::min<ptrdiff_t>(12, std::ssize(values)), values.end(), " "));
    };
    verdict.details.push_back(
        fmt::format("{}: wished … {}; the shop took … {}", what, tail(wanted), tail(taken)));
  }
}

}  // namespace

ShopJournal read_journal(const std::filesystem::path& path) {
  ShopJournal journal;
  std::ifstream lines(path);
  for (std::string line; std::getline(lines, line);) journal.push_back(json::parse(line));
  return journal;
}

Verdict judge(const std::vector<Product>& before, const std::vector<Operation>& operations,
              const ShopJournal& journal, const std::map<std::string, std::string>& variants) {
  Verdict verdict;
  for (const auto& operation : operations) {
    ++verdict.added;
    verdict.attempts += operation.attempts;
    verdict.done += operation.state == Operation::State::kDone ? 1 : 0;
    verdict.rejected += operation.state == Operation::State::kRejected ? 1 : 0;
    verdict.superseded += operation.state == Operation::State::kSuperseded ? 1 : 0;
  }
  verdict.open = verdict.added - verdict.done - verdict.rejected - verdict.superseded;

  const Settings start = settings_before(before);
  const Settings wanted = wished(start, operations, has_lists(journal));
  Settings taken = start;
  std::map<std::string, std::string> list_ids;
  for (const auto& entry : journal) {
    const int status = entry["status"];
    if (status < 200 || status >= 300) continue;
    const bool is_rest = entry["path"].get<std::string>().starts_with("/admin/");
    const auto settings = is_rest ? medusa_settings(entry, list_ids, variants) : vendure_settings(entry);
    verdict.taken += settings.empty() ? 0 : 1;
    for (const auto& [what, value] : settings) {
      auto& values = taken[what];
      const bool is_again = !values.empty() && values.back() == value;
      if (is_again && takes_off(value))
        ++verdict.repeated;
      else
        values.push_back(value);
    }
  }
  for (const auto& [what, values] : wanted)
    compare(what, values, taken.contains(what) ? taken.at(what) : Values{}, verdict);
  for (const auto& [what, values] : taken)
    if (!wanted.contains(what)) compare(what, {}, values, verdict);
  return verdict;
}

}  // namespace vitrine::chaos
