// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "commerce/shop_data.h"
#include "core/config.h"
#include "desk/papers.h"
#include "desk/preflight.h"
#include "desk/shop_link.h"
#include "desk/show/show_book.h"
#include "desk/studio_watch.h"

namespace vitrine::desk {

/// Goes and looks at everything a show stands on. Thread: any; waits for the disk, and for the studio 3 s at
/// most.
class PreflightScout {
 public:
  struct Parts {
    const Config& config;
    commerce::ShopData& data;
    const Papers& papers;
    const ShopLink& link;
    const StudioWatch& studio;
    const UplinkBook& uplink;
  };
  explicit PreflightScout(const Parts& parts) : parts_(parts) {}

  [[nodiscard]] Preflight check(const Show& show) const;

 private:
  [[nodiscard]] PreflightSight see(const Show& show) const;
  [[nodiscard]] PreflightSight::Item see_item(const ShowPlan& plan, const Segment& segment) const;

  const Parts parts_;
};

}  // namespace vitrine::desk
