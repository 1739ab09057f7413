// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "commerce/photo_book.h"
#include "commerce/shop_data.h"
#include "core/config.h"
#include "desk/api/route.h"
#include "desk/preflight.h"
#include "desk/shop_link.h"
#include "desk/show/cue_book.h"
#include "desk/show/show_book.h"
#include "desk/stage/stage.h"
#include "desk/stage/stage_book.h"

namespace vitrine::desk {

/// Shows, and what is on now.
class ShowRoutes {
 public:
  struct Parts {
    const Config& config;
    commerce::ShopData& data;
    ShowBook& shows;
    CueBook& cues;
    StageBook& book;
    Stage& stage;
    ShopLink& link;
    const commerce::PhotoBook& photos;
    std::function<Preflight(const Show&)> preflight;
    Publish publish;
  };
  explicit ShowRoutes(Parts parts) : parts_(std::move(parts)) {}

  /// They live no longer than this.
  [[nodiscard]] std::vector<Route> routes();

 private:
  Result<ApiAnswer> list(const ApiRequest& request);
  Result<ApiAnswer> create(const ApiRequest& request);
  Result<ApiAnswer> get(const ApiRequest& request);
  Result<ApiAnswer> put(const ApiRequest& request);
  Result<ApiAnswer> remove(const ApiRequest& request);
  Result<ApiAnswer> copy(const ApiRequest& request);
  Result<ApiAnswer> figures(const ApiRequest& request);
  Result<ApiAnswer> put_viewers(const ApiRequest& request);
  Result<ApiAnswer> check(const ApiRequest& request);
  Result<ApiAnswer> check_unplanned(const ApiRequest& request);

  Result<ApiAnswer> live(const ApiRequest& request);
  Result<ApiAnswer> start(const ApiRequest& request);
  Result<ApiAnswer> stop(const ApiRequest& request);
  Result<ApiAnswer> go(const ApiRequest& request);
  Result<ApiAnswer> insert(const ApiRequest& request);
  Result<ApiAnswer> hand_over(const ApiRequest& request);
  Result<ApiAnswer> slate(const ApiRequest& request);
  Result<ApiAnswer> cue(const ApiRequest& request);
  Result<ApiAnswer> remove_cue(const ApiRequest& request);
  Result<ApiAnswer> layers(const ApiRequest& request);
  Result<ApiAnswer> put_layer(const ApiRequest& request);
  Result<ApiAnswer> remove_layer(const ApiRequest& request);
  Result<ApiAnswer> view(const ApiRequest& request);
  Result<ApiAnswer> put_view(const ApiRequest& request);

  Result<Show> show_of(const ApiRequest& request) const;
  Result<Show> live_show() const;
  Result<ApiAnswer> show_answer(const Result<Show>& show, int status = 200);
  Result<ApiAnswer> shown_answer();
  Result<nlohmann::json> segment_of(const ShowPlan& plan, const Segment& segment) const;

  const Parts parts_;
};

/// Customers shall find what is sold in the show; what is in its list already stays as it is.
void list_items_of(commerce::ShopData& data, ShopLink& link, const Show& show);

}  // namespace vitrine::desk
