// SPDX-License-Identifier: Apache-2.0
#include <sys/prctl.h>

#include <filesystem>
#include <iostream>
#include <signal.h>

#include <CLI/CLI.hpp>

#include "commerce/adapters/local.h"
#include "commerce/adapters/medusa.h"
#include "commerce/adapters/vendure.h"
#include "core/config.h"
#include "core/event_loop.h"
#include "core/log.h"
#include "core/secret.h"
#include "desk/desk.h"
#include "hw/service.h"

namespace vitrine::desk {
namespace {

using AdapterResult = Result<std::unique_ptr<commerce::Adapter>>;

void set_up(commerce::VendureAdapter::Config& shop, const CommerceConfig& commerce) {
  const auto& timed = commerce.vendure.timed_price_fields;
  shop.fields = {.presale = commerce.presale_field,
                 .reference_price = commerce.vendure.reference_price_field,
                 .timed_price = timed[0],
                 .timed_from = timed[1],
                 .timed_until = timed[2],
                 .timed_operation = timed[3]};
  shop.category_facet = commerce.vendure.category_facet;
}

void set_up(commerce::MedusaAdapter::Config& shop, const CommerceConfig& commerce) {
  shop.currency = commerce.currency;
  shop.region = commerce.medusa.region;
  shop.publishable_key = commerce.medusa.publishable_key;
  shop.location = commerce.medusa.stock_location;
  shop.presale_metadata = commerce.presale_field;
}

template <typename Shop>
AdapterResult open_server(const Config& config) {
  constexpr std::chrono::seconds kLimit{20};
  auto credential = load_credential(config.credentials_dir, config.commerce.credential);
  if (!credential) return tl::unexpected(credential.error());
  typename Shop::Config shop;
  shop.url = config.commerce.url;
  shop.page_address = config.commerce.page_address;
  set_up(shop, config.commerce);
  if (config.commerce.events_listen) {
    auto secret = load_credential(config.credentials_dir, config.commerce.events_credential);
    if (!secret) return tl::unexpected(secret.error());
    shop.events.secret = std::move(*secret);
  }
  auto opened = Shop::open(std::move(shop), std::move(*credential), {steady_now() + kLimit});
  if (!opened) return tl::unexpected(opened.error());
  return std::move(*opened);
}

AdapterResult open_adapter(const Config& config, commerce::Store& store) {
  using Backend = CommerceConfig::Backend;
  switch (config.commerce.backend) {
    case Backend::kVendure:
      return open_server<commerce::VendureAdapter>(config);
    case Backend::kMedusa:
      return open_server<commerce::MedusaAdapter>(config);
    case Backend::kLocal:
      break;
  }
  return std::make_unique<commerce::LocalAdapter>(store);
}

int run(const Config& config, log::Level threshold) {
  ::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_DUMPABLE, 0);  // the shop's password is in this process
  auto loop = EventLoop::create();
  if (!loop) {
    std::cerr << loop.error().message << "\n";
    return 1;
  }
  const auto leave = [&] {
    hw::notify_stopping();
    (*loop)->quit();
  };
  // Blocked before the first thread starts, so that all inherit it.
  const auto on_term = (*loop)->on_signal(SIGTERM, leave);
  const auto on_int = (*loop)->on_signal(SIGINT, leave);
  log::open("vitrine-desk", threshold);
  auto desk = Desk::start({config, [&](commerce::Store& data) { return open_adapter(config, data); }});
  if (!desk) {
    log::error("main", "not started: {}", desk.error().message);
    return 1;
  }
  hw::notify_ready();
  (*loop)->run();
  return 0;
}

int main_of(int argc, char** argv) {
  std::string path = "/etc/vitrine/vitrine.toml";
  bool is_verbose = false;
  CLI::App app("The control plane of a shop's live-selling studio. vitrinectl talks to it.", "vitrine-desk");
  app.add_option("-c,--config", path, "The configuration")->capture_default_str();
  app.add_flag("--verbose", is_verbose, "Debug lines in the log");
  app.set_version_flag("--version", VITRINE_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const auto config = load_config(path);
  if (!config) {
    std::cerr << to_error(config.error()).message << "\n";
    return 78;  // EX_CONFIG: the unit's status says "configuration"
  }
  const int status = run(*config, is_verbose ? log::Level::kDebug : log::Level::kInfo);
  log::close();
  return status;
}

}  // namespace
}  // namespace vitrine::desk

int main(int argc, char** argv) {
  return vitrine::desk::main_of(argc, argv);
}
