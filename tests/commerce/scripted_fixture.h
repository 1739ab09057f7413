// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "commerce/adapters/medusa.h"
#include "commerce/store.h"
#include "tests/fakes/scripted_shop.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::commerce {

/// The scripted shop, Medusa's adapter for it, and a store.
class ScriptedShopTest : public testing::Test {
 protected:
  using Fault = fakes::ScriptedShop::Fault;
  using Does = Fault::Does;
  using Says = Fault::Says;

  void SetUp() override {
    auto opened = Store::open({dir_.path()});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    open_shop(std::chrono::seconds(10));
  }
  /// `timeout`: of one request. Short ones are for what never answers: the machine is noisy.
  void open_shop(std::chrono::milliseconds timeout) {
    MedusaAdapter::Config config;
    config.url = shop_->url();
    config.http.timeout = timeout;
    auto adapter = MedusaAdapter::open(std::move(config), Secret("shop@example.com:x"),
                                       {steady_now() + std::chrono::seconds(60)});
    ASSERT_TRUE(adapter) << adapter.error().message;
    adapter_ = std::move(*adapter);
  }
  static std::string answer(int status, const std::string& headers, const std::string& body) {
    return fakes::ScriptedShop::answer(status, headers, body);
  }

  fakes::TempDir dir_;
  std::unique_ptr<fakes::ScriptedShop> shop_ = std::make_unique<fakes::ScriptedShop>();
  std::unique_ptr<Store> store_;
  std::unique_ptr<MedusaAdapter> adapter_;
};

}  // namespace vitrine::commerce
