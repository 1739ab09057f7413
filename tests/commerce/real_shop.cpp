// SPDX-License-Identifier: Apache-2.0
#include "real_shop.h"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "commerce/adapters/json_at.h"
#include "commerce/adapters/medusa.h"
#include "commerce/adapters/vendure.h"
#include "local_real_shop.h"
#include "test_items.h"
#include "tests/fakes/child_process.h"
#include "tests/fakes/sockets.h"
#include "tests/fakes/temp_dir.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::commerce {
namespace {

using nlohmann::json;

std::string environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}
std::string shops_directory() {
  const std::string other = environment("VITRINE_SHOPS_DIR");
  return other.empty() ? VITRINE_SOURCE_DIR "/tests/peers/shops" : other;
}

HttpRequest post_to(const std::string& url) {
  HttpRequest request;
  request.method = "POST";
  request.url = url;
  request.headers = {"content-type: application/json"};
  return request;
}

class VendureShop : public RealShop {
 public:
  VendureShop(const std::string& url, const std::string& file) : RealShop("vendure", url, file) {
    if (user_.empty()) user_ = "superadmin";
  }
  Result<std::unique_ptr<Adapter>> open_at(const std::string& url,
                                           const std::string& credential) const override {
    VendureAdapter::Config config;
    config.url = url;
    config.fields = {.presale = "presale",
                     .reference_price = "compareAtPrice",
                     .timed_price = "promoPrice",
                     .timed_from = "promoStartsAt",
                     .timed_until = "promoEndsAt",
                     .timed_operation = has_operation_field_ ? "promoOperation" : ""};
    config.events.secret = Secret(events_secret_);
    return VendureAdapter::open(std::move(config), Secret(credential), in_a_minute());
  }
  [[nodiscard]] CatalogueItem expected(const ShopRow& row) const override {
    CatalogueItem item;
    const bool is_timed = row.timed && row.is_timed_in_fields;
    item.price = {is_timed ? *row.timed : row.price, kYuan};
    if (is_timed) item.base_price = Money{row.price, kYuan};
    if (row.struck) item.reference_price = Money{*row.struck, kYuan};
    return item;
  }
  void rename(const Ref& ref, const std::string& title) override {
    ask("mutation($i:UpdateProductInput!){updateProduct(input:$i){id}}",
        json{{"i", json{{"id", ref.product},
                        {"translations", json::array({json{{"languageCode", "zh"}, {"name", title}}})}}}});
  }
  void set_price(const Ref& ref, int64_t fen) override {
    ask("mutation($i:[UpdateProductVariantInput!]!){updateProductVariants(input:$i){id}}",
        json{{"i", json::array({json{{"id", ref.variant}, {"price", fen}}})}});
  }
  size_t timed_prices(const std::string& operation) override {
    const auto answer =
        ask("query($o:String!){productVariants(options:{filter:{promoOperation:{eq:$o}}}){totalItems}}",
            json{{"o", operation}});
    return json_at(answer, {"data", "productVariants", "totalItems"}).get<size_t>();
  }

  [[nodiscard]] json on_writes(json fault) const override {
    fault["body"] = "updateProduct";
    return fault;
  }
  [[nodiscard]] json refuse_token_once() const override {
    return json{{"times", 1},
                {"action", "status"},
                {"status", 200},
                {"reply", R"({"errors":[{"message":"no","extensions":{"code":"FORBIDDEN"}}],"data":null})"}};
  }

 protected:
  void log_in() override {
    HttpRequest request = post_to(url_ + "/admin-api");
    request.body =
        to_text(json{{"query", "mutation($u:String!,$p:String!){login(username:$u,password:$p){__typename}}"},
                     {"variables", json{{"u", user_}, {"p", password_}}}});
    const auto answer = http_.send(request, in_a_minute().at);
    ASSERT_TRUE(answer) << answer.error().error.message;
    token_ = Secret(answer->headers.at("vendure-auth-token"));
    request.body =
        to_text(json{{"query", "{productVariants(options:{take:1}){items{customFields{promoOperation}}}}"}});
    request.bearer = &token_;
    const auto probed = http_.send(request, in_a_minute().at);
    has_operation_field_ = probed && probed->body.find("\"errors\"") == std::string::npos;
  }

 private:
  json ask(const std::string& query, const json& variables) {
    const json answer = call("POST", "/admin-api", json{{"query", query}, {"variables", variables}});
    EXPECT_FALSE(answer.contains("errors")) << answer.dump();
    return answer;
  }

  bool has_operation_field_ = false;  // without it nothing of ours can be told from others' timed prices
};

class MedusaShop : public RealShop {
 public:
  MedusaShop(const std::string& url, const std::string& file) : RealShop("medusa", url, file) {
    if (user_.empty()) user_ = "studio@example.com";
  }
  Result<std::unique_ptr<Adapter>> open_at(const std::string& url,
                                           const std::string& credential) const override {
    MedusaAdapter::Config config;
    config.url = url;
    config.presale_metadata = "presale";
    config.events.secret = Secret(events_secret_);
    return MedusaAdapter::open(std::move(config), Secret(credential), in_a_minute());
  }
  /// The struck price is the base price there, and price lists make it cheaper: for what is listed.
  [[nodiscard]] CatalogueItem expected(const ShopRow& row) const override {
    CatalogueItem item;
    const int64_t base = row.struck.value_or(row.price);
    item.price = {row.is_listed ? row.timed.value_or(row.price) : base, kYuan};
    if (base > item.price.minor) item.reference_price = Money{base, kYuan};
    return item;
  }
  void rename(const Ref& ref, const std::string& title) override {
    call("POST", "/admin/products/" + ref.product, json{{"title", title}});
  }
  void set_price(const Ref& ref, int64_t fen) override {
    call("POST", fmt::format("/admin/products/{}/variants/{}", ref.product, ref.variant),
         json{{"prices",
               json::array({json{{"currency_code", "cny"}, {"amount", static_cast<double>(fen) / 100}}})}});
  }
  size_t timed_prices(const std::string& operation) override {
    const json answer = call("GET", "/admin/price-lists?limit=1000&fields=id,description", json());
    size_t found = 0;
    for (const auto& list : list_at(answer, {"price_lists"}))
      found += text_at(list, {"description"}).find(operation) == std::string::npos ? 0 : 1;
    return found;
  }

  [[nodiscard]] json on_writes(json fault) const override {
    fault["method"] = "POST";
    fault["path"] = "^/admin/";
    return fault;
  }
  [[nodiscard]] json refuse_token_once() const override {
    return json{{"times", 1}, {"path", "^/admin/"}, {"action", "status"}, {"status", 401}, {"reply", "{}"}};
  }

 protected:
  void log_in() override {
    HttpRequest request = post_to(url_ + "/auth/user/emailpass");
    request.body = to_text(json{{"email", user_}, {"password", password_}});
    const auto answer = http_.send(request, in_a_minute().at);
    ASSERT_TRUE(answer) << answer.error().error.message;
    token_ = Secret(text_at(json::parse(answer->body), {"token"}));
  }
};

/// Shops started by us, ended at the end.
class Shops : public testing::Environment {
 public:
  void TearDown() override {
    shops.clear();
    while (!children.empty()) stop(children.begin()->first);
  }
  void stop(const std::string& name) {
    auto& child = children.at(name);
    child.signal(SIGTERM);
    child.wait();
    children.erase(name);
  }
  /// "url,credentials file", empty when it does not come up.
  std::string start(const std::string& name, const std::string& events_url = "") {
    std::vector<std::string> command = {shops_directory() + "/ready", name,
                                        (directory.path() / name).string(),
                                        std::to_string(fakes::free_port())};
    if (!events_url.empty()) command.push_back(events_url);
    commands[name] = command;
    return start_again(name);
  }
  std::string start_again(const std::string& name) {
    const auto log = directory.path() / (name + ".log");
    std::filesystem::remove(log);  // of the last time
    children.emplace(name, fakes::ChildProcess(commands.at(name), log));
    std::string found;
    const auto is_ready = [&] {
      std::ifstream lines(log);
      for (std::string line; std::getline(lines, line);) {
        const json said = json::parse(line, nullptr, false);
        if (said.is_object() && said.contains("url"))
          found = text_at(said, {"url"}) + "," + text_at(said, {"credentials"});
      }
      return !found.empty() || !children.at(name).is_running();
    };
    fakes::wait_for(is_ready, std::chrono::seconds(900));  // the first time it comes from npm
    EXPECT_FALSE(found.empty()) << fakes::read_file(log);
    return found;
  }

  std::map<std::string, std::unique_ptr<RealShop>> shops;

 private:
  fakes::TempDir directory;
  std::map<std::string, std::vector<std::string>> commands;
  std::map<std::string, fakes::ChildProcess> children;
};

Shops& all_shops() {
  static auto* const shops = static_cast<Shops*>(testing::AddGlobalTestEnvironment(new Shops));
  return *shops;
}
Shops& registered = all_shops();  // before main: environments are set up there

}  // namespace

RealShop::RealShop(std::string name, std::string url, std::string credentials_file)
    : name_(std::move(name)), url_(std::move(url)), credentials_file_(std::move(credentials_file)) {
  std::ifstream file(credentials_file_);
  const json known = json::parse(file, nullptr, false);
  user_ = text_at(known, {"adminUser"});
  password_ = text_at(known, {"adminPassword"});
  if (password_.empty()) password_ = "rig-admin-pw";
  events_secret_ = text_at(known, {"webhookSecret"});
}

RealShop* RealShop::find(const std::string& name) {
  auto& known = registered.shops;
  if (const auto found = known.find(name); found != known.end()) return found->second.get();
  if (name == "local") return (known[name] = make_local_shop()).get();
  std::string place = environment(name == "vendure" ? "VITRINE_SHOP_VENDURE" : "VITRINE_SHOP_MEDUSA");
  if (place.empty() && environment("VITRINE_SHOPS") == "1") place = registered.start(name);
  return take(name, place);
}

RealShop* RealShop::find_with_events(const std::string& name, const std::string& events_url) {
  return environment("VITRINE_SHOPS") == "1" ? take(name, registered.start(name, events_url)) : nullptr;
}

void RealShop::go_away() const {
  registered.stop(name_);
}

void RealShop::come_back() const {
  EXPECT_FALSE(registered.start_again(name_).empty()) << name_ << " does not come back";
}

RealShop* RealShop::take(const std::string& name, const std::string& place) {
  const size_t comma = place.find(',');
  if (comma == std::string::npos) return nullptr;
  const std::string url = place.substr(0, comma);
  const std::string file = place.substr(comma + 1);
  std::unique_ptr<RealShop> shop;
  if (name == "vendure")
    shop = std::make_unique<VendureShop>(url, file);
  else
    shop = std::make_unique<MedusaShop>(url, file);
  shop->log_in();
  return (registered.shops[name] = std::move(shop)).get();
}

json RealShop::call(const std::string& method, const std::string& path, const json& body) {
  HttpRequest request = post_to(url_ + path);
  request.method = method;
  request.bearer = &token_;
  if (!body.is_null()) request.body = to_text(body);
  const auto answer = http_.send(request, in_a_minute().at);
  EXPECT_TRUE(answer) << answer.error().error.message;
  if (!answer) return {};
  EXPECT_LT(answer->status, 300) << path << ": " << answer->body;
  return json::parse(answer->body, nullptr, false);
}

json RealShop::sell(const std::string& sku, int quantity, const std::string& how) {
  std::vector<std::string> command = {shops_directory() + "/order", name_, url_, credentials_file_, sku,
                                      std::to_string(quantity)};
  if (!how.empty()) command.push_back(how);
  const auto sold = fakes::run(command);
  EXPECT_EQ(sold.exit_code, 0) << sold.output << sold.errors;
  return json::parse(sold.output, nullptr, false);
}

class BrokenPath::Proxy {
 public:
  Proxy(const std::string& port, const std::string& shop_port)
      : child_({shops_directory() + "/faults", port, shop_port}, log()) {}
  ~Proxy() {
    child_.signal(SIGTERM);
    child_.wait();
  }
  bool wait() {
    return fakes::wait_for([&] { return fakes::read_file(log()).find("\"url\"") != std::string::npos; });
  }
  [[nodiscard]] std::filesystem::path log() const { return directory_.path() / "log"; }

 private:
  fakes::TempDir directory_;
  fakes::ChildProcess child_;
};

BrokenPath::BrokenPath(const RealShop& shop) {
  const std::string port = std::to_string(fakes::free_port());
  url_ = "http://127.0.0.1:" + port;
  proxy_ = std::make_unique<Proxy>(port, shop.url().substr(shop.url().rfind(':') + 1));
  EXPECT_TRUE(proxy_->wait()) << fakes::read_file(proxy_->log());
}
BrokenPath::~BrokenPath() = default;

void BrokenPath::set(const json& rules) {
  HttpRequest request = post_to(url_ + "/__faults");
  request.method = "PUT";
  request.body = to_text(json::array({rules}));
  HttpClient http{HttpClient::Config{}};
  const auto answer = http.send(request, in_a_minute().at);
  ASSERT_TRUE(answer) << answer.error().error.message;
  EXPECT_EQ(answer->status, 200) << answer->body;
}

std::vector<ShopRow> shop_catalogue() {
  std::vector<ShopRow> rows;
  std::ifstream file(VITRINE_SOURCE_DIR "/tests/commerce/shop_catalogue.tsv");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::vector<std::string> cells;
    std::istringstream stream(line);
    for (std::string cell; std::getline(stream, cell, '\t');) cells.push_back(cell);
    const auto number = [](const std::string& cell) {
      return cell == "-" ? std::nullopt : std::optional<int64_t>(std::stoll(cell));
    };
    rows.push_back({.sku = cells.at(0),
                    .title = cells.at(1),
                    .option = cells.at(2),
                    .category = cells.at(3),
                    .price = number(cells.at(4)).value(),
                    .struck = number(cells.at(5)),
                    .stock = number(cells.at(6)).value(),
                    .is_listed = cells.at(7) == "1",
                    .is_presale = cells.at(8) == "1",
                    .timed = number(cells.at(9)),
                    .is_timed_in_fields = cells.at(10) == "field"});
  }
  return rows;
}

}  // namespace vitrine::commerce
