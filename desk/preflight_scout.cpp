// SPDX-License-Identifier: Apache-2.0
#include "desk/preflight_scout.h"

#include <sys/timex.h>

#include <filesystem>

#include "core/control_socket.h"
#include "core/rfc3339.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;

/// The kernel's own word; where the sandbox hides it, that of systemd-timesyncd.
std::optional<bool> is_clock_synchronised() {
  timex state{};
  if (const int answer = ::adjtimex(&state); answer >= 0)
    return answer != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
  std::error_code error;
  if (std::filesystem::exists("/run/systemd/timesync/synchronized", error)) return true;
  return std::nullopt;
}

}  // namespace

Preflight PreflightScout::check(const Show& show) const {
  return judge(show.plan, see(show), parts_.config);
}

PreflightSight PreflightScout::see(const Show& show) const {
  constexpr std::chrono::seconds kStudioWithin{3};
  PreflightSight sight;
  sight.now = system_now();
  sight.studio = parts_.studio.status();
  const Instant until = show.plan.ends_at.value_or(sight.now + std::chrono::hours(4));
  const auto destinations = call_control(parts_.config.control_socket(),
                                         {{"op", "check"}, {"until", format_rfc3339(until)}}, kStudioWithin);
  if (destinations && destinations->body.value("ok", false)) sight.destinations = destinations->body;
  for (const auto& segment : show.plan.rundown)
    if (segment.kind == Segment::Kind::kItem) sight.items.push_back(see_item(show.plan, segment));
  if (auto documents = parts_.papers.documents().documents()) sight.documents = std::move(*documents);
  for (const auto& entry : sight.documents)
    if (entry.id == show.plan.licence) sight.licence = entry.paper.value;
  if (const auto payees = parts_.papers.documents().payees())
    for (const auto& entry : *payees)
      if (entry.id == show.plan.payee) sight.payee = entry.paper.value;
  std::vector<std::string> problems;
  sight.is_shop_reachable = parts_.link.status(problems).value("is_reachable", false);
  for (const auto& problem : problems) {
    if (!problem.starts_with("the shop can't be")) continue;
    sight.is_shop_reachable = false;
    sight.shop_fault = problem;
  }
  sight.is_clock_synchronised = is_clock_synchronised();
  if (const auto uplink = parts_.uplink.best(sight.now)) sight.uplink = *uplink;
  return sight;
}

PreflightSight::Item PreflightScout::see_item(const ShowPlan& plan, const Segment& segment) const {
  PreflightSight::Item seen;
  seen.segment = segment.id;
  seen.number = plan.number_of(segment.id);
  const auto row = parts_.data.catalogue.find(segment.item);
  if (!row || !*row || (*row)->item.availability == commerce::Availability::kDeleted) return seen;
  seen.item = (*row)->item;
  const auto confirmed = parts_.data.freshness.confirmed_at(segment.item);
  seen.is_fresh = confirmed && steady_now() - *confirmed < parts_.config.commerce.price_lasts;
  if (const auto photo = parts_.papers.photos().find(segment.item)) seen.has_photo = photo->has_value();
  const auto notes = parts_.papers.notes().history(segment.item);
  if (notes && !notes->empty()) seen.notes = notes->front().notes.value;
  const Day today = local_day(system_now());
  if (const auto reference = parts_.papers.notes().reference_price(*seen.item, today))
    seen.has_reference = reference->has_value();
  if (!seen.notes) return seen;
  const auto documents = parts_.papers.documents().documents();
  if (!documents) return seen;
  for (const auto& certificate : seen.notes->certificates) {
    bool is_valid = false;
    for (const auto& entry : *documents)
      is_valid = is_valid || (entry.id == certificate &&
                              entry.paper.value.state(today) == commerce::Document::State::kValid);
    if (!is_valid) seen.bad_papers.push_back(certificate);
  }
  return seen;
}

}  // namespace vitrine::desk
