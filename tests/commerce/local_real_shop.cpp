// SPDX-License-Identifier: Apache-2.0
#include "local_real_shop.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "commerce/adapters/local.h"
#include "commerce/csv_import.h"
#include "commerce/local_shop.h"
#include "test_items.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::commerce {
namespace {

using nlohmann::json;

const RowRules kShopRules{kYuan, 10'000'000};

/// As its owner would save it from a spreadsheet program.
std::string table_of(const std::vector<ShopRow>& rows) {
  const auto yuan = [](int64_t fen) { return fmt::format("{}.{:02}", fen / 100, fen % 100); };
  std::string table = "编号,SKU,商品名称,规格,类目,售价,划线价,划线价依据,库存,图片,状态\r\n";
  for (const auto& row : rows) {
    const std::string number = row.sku.substr(0, row.sku.rfind('-'));
    table += fmt::format("{},{},{},{},{},{},{},{},{},{}.jpg,{}\r\n", number, row.sku, row.title, row.option,
                         row.category, yuan(row.price), row.struck ? yuan(*row.struck) : "",
                         row.struck ? "门店价" : "", row.stock, number,
                         !row.is_listed   ? "下架"
                         : row.is_presale ? "预售"
                                          : "上架");
  }
  return table;
}

class LocalRealShop : public RealShop {
 public:
  LocalRealShop() : RealShop("local", "", "") {
    auto opened = Store::open({directory_.path(), 3});
    EXPECT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    shop_ = std::make_unique<LocalShop>(*store_, kShopRules);
    fill();
  }
  Result<std::unique_ptr<Adapter>> open_at(const std::string& /*url*/,
                                           const std::string& /*credential*/) const override {
    return std::make_unique<LocalAdapter>(*store_);
  }
  [[nodiscard]] CatalogueItem expected(const ShopRow& row) const override {
    CatalogueItem item;
    item.price = {row.timed.value_or(row.price), kYuan};
    item.base_price = Money{row.price, kYuan};  // always known here
    if (row.struck) item.reference_price = Money{*row.struck, kYuan};
    return item;
  }
  void rename(const Ref& ref, const std::string& title) override {
    edit(ref, [&](LocalItem& local) { local.item.title = title; });
  }
  void set_price(const Ref& ref, int64_t fen) override {
    edit(ref, [&](LocalItem& local) { local.item.price.minor = fen; });
  }
  size_t timed_prices(const std::string& operation) override {
    int64_t found = -1;
    const auto read = store_->read([&](SQLite::Database& database) -> Status {
      SQLite::Statement count(database, "SELECT count(*) FROM local_timed_price WHERE operation = ?");
      count.bind(1, operation);
      if (count.executeStep()) found = count.getColumn(0).getInt64();
      return {};
    });
    EXPECT_TRUE(read) << read.error().message;
    return static_cast<size_t>(found);
  }
  json sell(const std::string& sku, int quantity, const std::string& how) override {
    const Ref ref{sku.substr(0, sku.rfind('-')), sku};
    const std::string form = fmt::format("form-{}", ++forms_);
    const auto order = shop_->reserve({form, {{ref, quantity, std::nullopt}}, "王*", ""});
    EXPECT_TRUE(order) << order.error().message;
    if (!order) return {};
    Money amount = order->total;
    if (how == "deposit") amount.minor /= 2;
    const auto paid = shop_->pay(order->id, {form + "-pay", amount, system_now()});
    EXPECT_TRUE(paid) << paid.error().message;
    return {{"number", order->number}, {"total_minor", order->total.minor}, {"paid_minor", amount.minor}};
  }
  [[nodiscard]] bool has_server() const override { return false; }
  [[nodiscard]] std::string photo_prefix() const override { return "photo:LS-"; }
  // No path to it breaks.
  [[nodiscard]] json on_writes(json fault) const override { return fault; }
  [[nodiscard]] json refuse_token_once() const override { return {}; }

 protected:
  void log_in() override {}

 private:
  void fill() {
    const auto rows = shop_catalogue();
    std::vector<std::string> files;
    for (const auto& row : rows) files.push_back(row.sku.substr(0, row.sku.rfind('-')) + ".jpg");
    const auto table = read_item_table(table_of(rows), {kShopRules, photo_names(files)});
    ASSERT_TRUE(table) << table.error().message;
    const auto imported = shop_->import_table(*table, LocalShop::Trial::kApply);
    ASSERT_TRUE(imported) << imported.error().message;
    for (const auto& refused : imported->refused) ADD_FAILURE() << refused.problems.front().text();
    LocalAdapter adapter(*store_);
    const Instant now = system_now();
    for (const auto& row : rows) {
      if (!row.timed) continue;
      const Ref ref{row.sku.substr(0, row.sku.rfind('-')), row.sku};
      const auto put = adapter.put_timed_price({"seed-" + row.sku,
                                                "限时价",
                                                {{ref, {*row.timed, kYuan}}},
                                                {now - std::chrono::hours(1), now + std::chrono::hours(720)}},
                                               in_a_minute());
      EXPECT_EQ(put.result, WriteResult::kDone) << row.sku << ": " << put.text;
    }
  }
  template <typename Change>
  void edit(const Ref& ref, const Change& change) {
    auto local = shop_->find(ref);
    ASSERT_TRUE(local && *local) << ref.text();
    change(**local);
    const auto put = shop_->put_item(**local);
    ASSERT_TRUE(put) << put.error().message;
  }

  fakes::TempDir directory_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<LocalShop> shop_;
  int forms_ = 0;
};

}  // namespace

std::unique_ptr<RealShop> make_local_shop() {
  return std::make_unique<LocalRealShop>();
}

}  // namespace vitrine::commerce
