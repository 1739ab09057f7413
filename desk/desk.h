// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include <nlohmann/json.hpp>

#include "commerce/adapter.h"
#include "commerce/shop_data.h"
#include "commerce/store.h"
#include "core/config.h"
#include "core/error.h"
#include "desk/access/access.h"
#include "desk/access/device_certificate.h"
#include "desk/api/api_server.h"
#include "desk/destination_keys.h"
#include "desk/evidence/as_run_reader.h"
#include "desk/evidence/evidence_book.h"
#include "desk/evidence/evidence_routes.h"
#include "desk/evidence/recording_hasher.h"
#include "desk/help_call.h"
#include "desk/papers.h"
#include "desk/preflight_scout.h"
#include "desk/shop_link.h"
#include "desk/shop_routes.h"
#include "desk/show/cue_book.h"
#include "desk/show/schedule.h"
#include "desk/show/show_book.h"
#include "desk/show/show_routes.h"
#include "desk/stage/stage.h"
#include "desk/stage/stage_book.h"
#include "desk/studio_routes.h"
#include "desk/studio_watch.h"
#include "desk/support_routes.h"
#include "desk/uplink_book.h"

namespace vitrine::desk {

/// The control plane of one box: the shop's data, kept in step with its backend; shows, and what the studio
/// shall show of them; the record of what was shown; and the door for who asks. It has no thread of its own:
/// this is where the parts are put together, and the order in which they end.
class Desk {
 public:
  struct Parts {
    Config config;
    /// Called on a thread of the desk's, again and again until the shop's server lets us in.
    ShopLink::Open open_adapter;
  };
  /// Errors: those of the stores, the device's certificate and `ApiServer::start`.
  static Result<std::unique_ptr<Desk>> start(Parts parts);
  ~Desk();
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

 private:
  struct Stores {
    std::unique_ptr<commerce::Store> shop;
    std::unique_ptr<commerce::Store> desk;
    std::unique_ptr<EvidenceBook> evidence;
  };
  static Result<Stores> open_stores(const Config& config);

  Desk(Config config, Stores stores);
  Status open_doors();
  void start_threads(ShopLink::Open open_adapter);
  void shop_has_changed();
  void publish(const nlohmann::json& event);
  void keep_house(const std::stop_token& stop);
  void keep_to_schedule(const std::stop_token& stop);
  nlohmann::json status() const;
  nlohmann::json status_with(const nlohmann::json& studio, const std::string& studio_fault) const;

  const Config config_;
  const Stores stores_;
  commerce::ShopData data_;
  ShopLink link_;
  ShowBook shows_;
  CueBook cues_;
  StageBook stage_book_;
  UplinkBook uplink_;
  HelpCall help_;
  std::unique_ptr<Papers> papers_;
  std::unique_ptr<DeviceCertificate> certificate_;
  std::unique_ptr<Access> access_;
  std::unique_ptr<RecordingHasher> hasher_;
  std::unique_ptr<AsRunReader> as_run_;
  std::unique_ptr<Stage> stage_;
  std::unique_ptr<StudioWatch> studio_;
  std::unique_ptr<PreflightScout> scout_;
  std::unique_ptr<ShopRoutes> shop_routes_;
  std::unique_ptr<ShowRoutes> show_routes_;
  std::unique_ptr<EvidenceRoutes> evidence_routes_;
  StudioRoutes studio_routes_;
  DestinationKeys destination_keys_;
  std::unique_ptr<SupportRoutes> support_routes_;
  mutable std::mutex api_mutex_;    // who tells, while it comes and goes
  bool is_ending_ = false;          // guarded by api_mutex_
  std::unique_ptr<ApiServer> api_;  // set and taken away under api_mutex_
  std::jthread house_;
  std::jthread schedule_;
};

}  // namespace vitrine::desk
