// SPDX-License-Identifier: Apache-2.0
#include "desk/desk.h"

#include <array>
#include <mutex>
#include <pthread.h>

#include <fmt/format.h>

#include "core/log.h"
#include "core/pause.h"
#include "core/rfc3339.h"
#include "desk/api/answers.h"
#include "desk/api/pages.h"
#include "desk/desk_schema.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;

constexpr std::chrono::hours kBackupEvery{1};

std::string backend_name(const CommerceConfig& commerce) {
  constexpr std::array<const char*, 3> kNames = {"local", "vendure", "medusa"};
  return kNames.at(static_cast<size_t>(commerce.backend));
}

void add_routes(std::vector<Route>& all, std::vector<Route> more) {
  std::ranges::move(more, std::back_inserter(all));
}

}  // namespace

Result<Desk::Stores> Desk::open_stores(const Config& config) {
  Stores stores;
  auto shop = commerce::Store::open({config.state_dir / "desk"});
  if (!shop) return tl::unexpected(shop.error());
  stores.shop = std::move(*shop);
  auto desk = commerce::Store::open({.directory = config.state_dir / "shows", .schema = kDeskSchema});
  if (!desk) return tl::unexpected(desk.error());
  stores.desk = std::move(*desk);
  auto evidence = EvidenceBook::open({config.state_dir / "evidence", config.recording.directory});
  if (!evidence) return tl::unexpected(evidence.error());
  stores.evidence = std::move(*evidence);
  for (const auto* store : {stores.shop.get(), stores.desk.get(), &stores.evidence->store()})
    for (const auto& repair : store->repairs()) log::warning("store", "{}", repair);
  return stores;
}

Result<std::unique_ptr<Desk>> Desk::start(Parts parts) {
  auto stores = open_stores(parts.config);
  if (!stores) return tl::unexpected(stores.error());
  std::unique_ptr<Desk> desk(new Desk(std::move(parts.config), std::move(*stores)));
  auto papers = Papers::open({desk->config_, desk->data_.backend, *desk->stores_.shop, desk->data_.catalogue,
                              [desk = desk.get()] { desk->link_.read_catalogue(); },
                              [desk = desk.get()] { desk->stage_->poke(); }});
  if (!papers) return tl::unexpected(papers.error());
  desk->papers_ = std::move(*papers);
  desk->start_threads(std::move(parts.open_adapter));
  if (auto opened = desk->open_doors(); !opened) return tl::unexpected(opened.error());
  log::info("desk", "the shop's data is in {}, its backend is {}{}", desk->config_.state_dir.string(),
            desk->data_.backend,
            desk->config_.commerce.url.empty() ? "" : " at " + desk->config_.commerce.url);
  return desk;
}

Desk::Desk(Config config, Stores stores)
    : config_(std::move(config)),
      stores_(std::move(stores)),
      data_(*stores_.shop, backend_name(config_.commerce),
            {config_.commerce.currency, config_.commerce.highest_price_minor}),
      link_(config_, data_),
      shows_(*stores_.desk),
      cues_(*stores_.desk),
      stage_book_(*stores_.desk),
      uplink_(*stores_.desk),
      help_([this](json event) { publish(event); }),
      studio_routes_(config_),
      destination_keys_(config_) {
}

void Desk::start_threads(ShopLink::Open open_adapter) {
  hasher_ = std::make_unique<RecordingHasher>(*stores_.evidence);
  as_run_ = std::make_unique<AsRunReader>(*stores_.evidence,
                                          AsRunReader::Events{[this](const EvidenceBook::Visible& seen) {
                                                                publish({{"type", "visible"},
                                                                         {"program", seen.program},
                                                                         {"revision", seen.revision},
                                                                         {"frame", seen.frame},
                                                                         {"at", format_rfc3339(seen.at)}});
                                                              },
                                                              [this] { hasher_->poke(); }});
  stage_ = std::make_unique<Stage>(
      Stage::Parts{config_, data_, papers_->notes(), papers_->documents(), papers_->photos(),
                   papers_->blobs(), shows_, stage_book_},
      Stage::Calls{[this] { return link_.clock_offset(); },
                   [this](std::vector<commerce::Ref> refs) { link_.watch(std::move(refs)); },
                   [this] { return stores_.evidence->newest_noted(); },
                   [this](uint64_t revision, const json& basis) {
                     return stores_.evidence->note_sent(revision, basis);
                   },
                   [this] {
                     publish({{"type", "live"}});
                   }});
  studio_ = std::make_unique<StudioWatch>(config_, uplink_, [this](const json& studio, const auto& fault) {
    if (!studio.is_null()) stage_->studio_shows(studio.value("revision", uint64_t{0}));
    publish({{"type", "status"}, {"status", status_with(studio, fault)}});
  });
  link_.start(std::move(open_adapter), {[this] { shop_has_changed(); }});
  scout_ = std::make_unique<PreflightScout>(
      PreflightScout::Parts{config_, data_, *papers_, link_, *studio_, uplink_});
}

Status Desk::open_doors() {
  const auto& desk = config_.desk;
  if (!desk.listen_tls.empty()) {
    auto certificate = DeviceCertificate::open(config_.state_dir / "tls",
                                               names_of(desk.listen_tls, desk.host_names), system_now());
    if (!certificate) return tl::unexpected(certificate.error());
    certificate_ = std::move(*certificate);
  }
  auto access = Access::open({.store = *stores_.desk, .certificate = certificate_.get()});
  if (!access) return tl::unexpected(access.error());
  access_ = std::move(*access);
  const Publish tell = [this](json event) { publish(event); };
  shop_routes_ = std::make_unique<ShopRoutes>(ShopRoutes::Parts{config_, data_, *papers_, link_, shows_});
  show_routes_ = std::make_unique<ShowRoutes>(
      ShowRoutes::Parts{config_, data_, shows_, cues_, stage_book_, *stage_, link_, papers_->photos(),
                        [this](const Show& show) { return scout_->check(show); }, tell});
  evidence_routes_ = std::make_unique<EvidenceRoutes>(*stores_.evidence);
  support_routes_ = std::make_unique<SupportRoutes>(SupportRoutes::Parts{
      .config = config_,
      .version = VITRINE_VERSION,
      .status = [this]() -> Result<json> { return status(); },
      .sync = [this] { return shop_routes_->sync({}).map([](ApiAnswer answer) { return answer.body; }); },
      .preflight = [this]() -> Result<json> { return to_json(scout_->check(Show{})); }});
  std::vector<Route> routes = {
      {"GET", "/api/v1/status", kStaff, "How the box is: the studio, the shop, what is wrong",
       [this](const ApiRequest& /*request*/) -> Result<ApiAnswer> { return ApiAnswer{.body = status()}; }}};
  add_routes(routes, access_->routes());
  add_routes(routes, shop_routes_->routes());
  add_routes(routes, papers_->routes());
  add_routes(routes, show_routes_->routes());
  add_routes(routes, evidence_routes_->routes());
  add_routes(routes, studio_routes_.routes());
  add_routes(routes, destination_keys_.routes());
  add_routes(routes, support_routes_->routes());
  add_routes(routes, help_.routes());
  if (auto pages = page_routes(desk.pages_dir))
    add_routes(routes, std::move(*pages));
  else
    log::warning("pages", "there are no pages, only the API: {}", pages.error().message);
  auto api = ApiServer::start({.config = {.socket = config_.desk_socket(),
                                          .listen = {desk.listen},
                                          .listen_tls = desk.listen_tls,
                                          .host_names = desk.host_names},
                               .routes = std::move(routes),
                               .access = *access_,
                               .certificate = certificate_.get()});
  if (!api) return tl::unexpected(api.error());
  {
    const std::lock_guard lock(api_mutex_);
    api_ = std::move(*api);
  }
  as_run_->start();  // and whatever else tells: there is somebody to tell now
  house_ = std::jthread([this](const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "house");
    keep_house(stop);
  });
  schedule_ = std::jthread([this](const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "schedule");
    keep_to_schedule(stop);
  });
  return {};
}

/// The threads that call others end before those do.
Desk::~Desk() {
  schedule_ = {};
  house_ = {};
  {
    const std::lock_guard lock(api_mutex_);
    is_ending_ = true;
  }
  api_.reset();
  as_run_.reset();
  link_.stop();
  studio_.reset();
  stage_.reset();
  hasher_.reset();
}

void Desk::publish(const json& event) {
  const std::lock_guard lock(api_mutex_);
  if (api_ && !is_ending_) api_->publish(event);
}

void Desk::shop_has_changed() {
  stage_->poke();
  papers_->look_for_photos();
  publish({{"type", "shop"}});
}

json Desk::status() const {
  return status_with(studio_->status(), studio_->fault());
}

json Desk::status_with(const json& studio, const std::string& studio_fault) const {
  std::vector<std::string> problems;
  const json shop = link_.status(problems);
  const auto look = stage_->last();
  if (look.fault) problems.push_back("what should be shown is not: " + look.fault->message);
  for (const auto& remark : look.remarks) problems.push_back(remark);
  if (!studio_fault.empty()) problems.push_back("the studio does not answer: " + studio_fault);
  {
    const std::lock_guard lock(api_mutex_);  // the first who ask may be there before it is ours
    if (api_ && !is_ending_) std::ranges::copy(api_->problems(), std::back_inserter(problems));
  }
  return {{"version", VITRINE_VERSION}, {"name", config_.studio_name},
          {"studio", studio},           {"shop", shop},
          {"revision", look.revision},  {"help", help_.status()},
          {"problems", json(problems)}};
}

void Desk::keep_house(const std::stop_token& stop) {
  int64_t hours = 0;
  while (pause(stop, kBackupEvery)) {
    for (auto* store : {stores_.shop.get(), stores_.desk.get()})
      if (auto done = store->back_up(); !done)
        log::warning("store", "no backup was made: {}; tried again in an hour", done.error().message);
    // It only grows, and the studio's own records are beside it: once a day is enough.
    if (++hours % 24 == 0)
      if (auto done = stores_.evidence->store().back_up(); !done)
        log::warning("evidence", "no backup was made: {}; tried again tomorrow", done.error().message);
    if (auto done = papers_->sweep(); !done)
      log::warning("pictures", "old ones were not removed: {}; tried again in an hour", done.error().message);
    if (!certificate_) continue;
    const auto renewed =
        certificate_->renew_if_due(names_of(config_.desk.listen_tls, config_.desk.host_names), system_now());
    if (renewed && *renewed == DeviceCertificate::Renewal::kNewCertificate) (void)api_->reload_certificate();
  }
}

void Desk::keep_to_schedule(const std::stop_token& stop) {
  Schedule schedule(shows_);
  std::chrono::microseconds rest{0};
  while (pause(stop, rest)) {
    const Instant now = system_now();
    const auto live_before = shows_.live();
    const auto look = schedule.look(now);
    rest =
        look ? std::max<std::chrono::microseconds>(look->next - system_now(), std::chrono::milliseconds(100))
             : std::chrono::seconds(5);
    if (!look) {
      log::warning("schedule", "{}; tried again in 5 s", look.error().message);
      continue;
    }
    for (const auto& done : look->done) log::info("schedule", "{}", done);
    if (look->done.empty()) continue;
    stage_->poke();
    publish({{"type", "show"}});
    const auto live = shows_.live();
    if (live && *live && live_before && (!*live_before || (*live_before)->id != (*live)->id))
      list_items_of(data_, link_, **live);
  }
}

}  // namespace vitrine::desk
