// SPDX-License-Identifier: Apache-2.0
#include "commerce/operations.h"

#include "commerce/detail/columns.h"

namespace vitrine::commerce {
namespace {

using nlohmann::json;

json to_json(const Ref& ref) {
  return json::array({ref.product, ref.variant});
}

Ref ref_of(const json& value) {
  return {value.at(0).get<std::string>(), value.at(1).get<std::string>()};
}

json to_json(const Money& money) {
  return json::array({money.minor, std::string(money.currency.data(), money.currency.size())});
}

Money money_of(const json& value) {
  return {value.at(0).get<int64_t>(), currency_of(value.at(1).get<std::string>())};
}

Operation operation(std::string backend, std::string lane, Operation::Kind kind, Operation::Priority priority,
                    json body, Instant now) {
  Operation made;
  made.backend = std::move(backend);
  made.lane = std::move(lane);
  made.kind = kind;
  made.priority = priority;
  made.body = std::move(body);
  made.created_at = now;
  return made;
}

template <typename Wish, typename Read>
Result<Wish> wish_of(const Operation& operation, Operation::Kind kind, const Read& read) {
  if (operation.kind != kind) return fail(ErrorCode::kInvalidInput, "an operation of another kind");
  try {
    return read(operation.body);
  } catch (const json::exception& damage) {
    return fail(ErrorCode::kInvalidInput,
                "the body of operation " + operation.id + " is damaged: " + damage.what());
  }
}

}  // namespace

Operation make_operation(std::string backend, const SetListing& wish, Instant now) {
  const bool is_on = wish.listing == Adapter::Listing::kOn;
  return operation(std::move(backend), wish.ref.product, Operation::Kind::kSetListing,
                   is_on ? Operation::Priority::kCatalogue : Operation::Priority::kEnd,
                   {{"ref", to_json(wish.ref)}, {"on", is_on}}, now);
}

Operation make_operation(std::string backend, const SetStock& wish, Instant now) {
  json body = {{"ref", to_json(wish.ref)}, {"stock", wish.stock}};
  if (wish.expected) body["expected"] = *wish.expected;
  return operation(std::move(backend), wish.ref.product, Operation::Kind::kSetStock,
                   Operation::Priority::kStock, std::move(body), now);
}

Operation make_operation(std::string backend, const TimedPrice& price, Instant now) {
  json prices = json::array();
  for (const auto& [ref, money] : price.prices)
    prices.push_back({{"ref", to_json(ref)}, {"price", to_json(money)}});
  Operation made =
      operation(std::move(backend), price.prices.empty() ? "" : price.prices.begin()->first.product,
                Operation::Kind::kPutTimedPrice, Operation::Priority::kStart,
                {{"name", price.name},
                 {"prices", std::move(prices)},
                 {"begin", micros(price.window.begin)},
                 {"end", micros(price.window.end)}},
                now);
  made.id = price.operation;
  return made;
}

Operation make_operation(std::string backend, const EndTimedPrice& end, Instant now) {
  return operation(std::move(backend), end.product, Operation::Kind::kEndTimedPrice,
                   Operation::Priority::kEnd, {{"product", end.product}, {"put", end.put}}, now);
}

Operation make_operation(std::string backend, const SetPrices& wish, Instant now) {
  json prices = json::array();
  for (const auto& [ref, change] : wish.prices)
    prices.push_back(
        {{"ref", to_json(ref)}, {"price", to_json(change.price)}, {"expected", to_json(change.expected)}});
  json body = {{"prices", std::move(prices)}};
  if (wish.until) body["until"] = micros(*wish.until);
  return operation(std::move(backend), wish.prices.empty() ? "" : wish.prices.begin()->first.product,
                   Operation::Kind::kSetPrices,
                   wish.until ? Operation::Priority::kStart : Operation::Priority::kEnd, std::move(body),
                   now);
}

Result<SetListing> set_listing_of(const Operation& operation) {
  return wish_of<SetListing>(operation, Operation::Kind::kSetListing, [](const json& body) {
    return SetListing{ref_of(body.at("ref")),
                      body.at("on").get<bool>() ? Adapter::Listing::kOn : Adapter::Listing::kOff};
  });
}

Result<SetStock> set_stock_of(const Operation& operation) {
  return wish_of<SetStock>(operation, Operation::Kind::kSetStock, [](const json& body) {
    SetStock wish{ref_of(body.at("ref")), body.at("stock").get<int64_t>(), std::nullopt};
    if (body.contains("expected")) wish.expected = body["expected"].get<int64_t>();
    return wish;
  });
}

Result<TimedPrice> timed_price_of(const Operation& operation) {
  return wish_of<TimedPrice>(operation, Operation::Kind::kPutTimedPrice, [&](const json& body) {
    TimedPrice price{
        operation.id,
        body.at("name").get<std::string>(),
        {},
        {instant_of(body.at("begin").get<int64_t>()), instant_of(body.at("end").get<int64_t>())}};
    for (const auto& row : body.at("prices")) price.prices[ref_of(row.at("ref"))] = money_of(row.at("price"));
    return price;
  });
}

Result<EndTimedPrice> end_timed_price_of(const Operation& operation) {
  return wish_of<EndTimedPrice>(operation, Operation::Kind::kEndTimedPrice, [](const json& body) {
    return EndTimedPrice{body.at("product").get<std::string>(), body.at("put").get<std::string>()};
  });
}

Result<SetPrices> set_prices_of(const Operation& operation) {
  return wish_of<SetPrices>(operation, Operation::Kind::kSetPrices, [](const json& body) {
    SetPrices wish;
    for (const auto& row : body.at("prices"))
      wish.prices[ref_of(row.at("ref"))] = {money_of(row.at("price")), money_of(row.at("expected"))};
    if (body.contains("until")) wish.until = instant_of(body["until"].get<int64_t>());
    return wish;
  });
}

}  // namespace vitrine::commerce
