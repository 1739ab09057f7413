// SPDX-License-Identifier: Apache-2.0
#include "desk/stage/stage.h"

#include <algorithm>
#include <pthread.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/control_socket.h"
#include "core/log.h"
#include "core/rfc3339.h"

namespace vitrine::desk {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::milliseconds;

constexpr auto kQuickly = 2s;      // what needs no drawing
constexpr auto kDrawing = 10s;     // the studio itself gives up after 8
constexpr auto kLookEvery = 1s;    // leases, and what nobody pokes for
constexpr auto kTryEvery = 500ms;  // while the studio does not answer
constexpr int kTries = 8;          // revisions of others and templates that are refused, in one look
constexpr size_t kMostComing = 3;
constexpr int kNewestOffers = 100;
const Instant kFarAway = Instant{std::chrono::sys_days{std::chrono::year{2200} / 1 / 1}};

commerce::Author studio_author() {
  return {"studio", system_now()};
}

Error to_error(const json& error) {
  Error made{ErrorCode::kUnknown, error.value("message", "no reason given"), 0};
  for (int code = 0; code <= static_cast<int>(ErrorCode::kWorkerDied); ++code)
    if (to_string(static_cast<ErrorCode>(code)) == error.value("code", ""))
      made.code = static_cast<ErrorCode>(code);
  for (const auto& problem : error.value("problems", json::array()))
    made.message +=
        "; " +
        Problem{problem.value("where", ""), problem.value("found", ""), problem.value("allowed", "")}.text();
  return made;
}

}  // namespace

Stage::Stage(const Parts& parts, Calls calls) : parts_(parts), calls_(std::move(calls)) {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "stage");
    run(stop);
  });
}

Stage::~Stage() = default;

void Stage::poke() {
  const std::lock_guard lock(mutex_);
  ++pokes_;
  wake_.notify_all();
}

void Stage::studio_shows(uint64_t revision) {
  const std::lock_guard lock(mutex_);
  if (revision == last_.revision) older_revision_ = 0;
  if (revision == last_.revision || revision == foreign_revision_) return;
  // An older one was on its way out: the poll was slower than our answer. Twice, it is a studio that has lost
  // its state.
  if (revision < last_.revision && std::exchange(older_revision_, revision) != revision) return;
  older_revision_ = 0;
  foreign_revision_ = revision;
  ++pokes_;
  wake_.notify_all();
}

Status Stage::wait_until_shown(milliseconds patience) {
  std::unique_lock lock(mutex_);
  const uint64_t mine = ++pokes_;
  wake_.notify_all();
  if (!settled_.wait_for(lock, patience, [&] { return settled_pokes_ >= mine; }))
    return fail(
        ErrorCode::kTimeout,
        fmt::format("the studio has not shown it within {} ms; it is kept, and shown as soon as it can be",
                    patience.count()));
  if (last_.fault) return tl::unexpected(*last_.fault);
  return {};
}

Stage::Look Stage::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

void Stage::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    uint64_t pokes = 0;
    {
      const std::lock_guard lock(mutex_);
      pokes = pokes_;
      // Somebody else's state is on: what we know of the studio is old.
      if (foreign_revision_ != 0 && studio_ && studio_->revision != foreign_revision_) studio_.reset();
      foreign_revision_ = 0;
    }
    const auto done = look();
    std::unique_lock lock(mutex_);
    if (!done && (!last_.fault || last_.fault->message != done.error().message))
      log::warning("stage", "what should be shown is not: {}; tried again every {} ms", done.error().message,
                   kTryEvery.count());
    if (done && last_.fault)
      log::info("stage", "what should be shown is shown again, revision {}", last_.revision);
    last_.fault = done ? std::nullopt : std::optional(done.error());
    settled_pokes_ = pokes;
    settled_.notify_all();
    wake_.wait_for(lock, stop, done ? milliseconds(kLookEvery) : kTryEvery, [&] { return pokes_ != pokes; });
  }
}

Status Stage::look() {
  for (int i = 0; i < kTries; ++i) {
    auto sight = see();
    if (!sight) return tl::unexpected(sight.error());
    watch(*sight);
    if (!studio_) {
      if (auto read = read_studio(); !read) return read;
      sent_.reset();
      if (sight->show) {
        if (const auto stopped = stopped_by_hand(*sight->show); !stopped.empty()) {
          const auto obeyed = obey_hand(*sight->show, stopped);
          if (!obeyed) studio_.reset();  // and looked at again
          if (!obeyed && obeyed.error().code != ErrorCode::kStaleRevision) return obeyed;
          continue;
        }
      }
    }
    const Composition whole = compose(*sight, parts_.config, by_hand());
    // What was refused may have been mended: everything is tried again.
    if (whole.essence != refused_of_) refused_.clear();
    for (const auto& [name, reason] : refused_) sight->refused_templates.insert(name);
    const Composition wanted = refused_.empty() ? whole : compose(*sight, parts_.config, by_hand());
    {
      const std::lock_guard lock(mutex_);
      last_.remarks = wanted.remarks;
      last_.clock_offset = sight->clock_offset;
      last_.refused = refused_;
    }
    if (sent_ && sent_->essence == wanted.essence && !is_worth_renewing(*sent_, wanted, sight->now))
      return {};
    const auto done = send(wanted, sight->clock_offset);
    if (!done && done.error().code == ErrorCode::kStaleRevision) {
      studio_.reset();
      continue;
    }
    if (!done && is_refused_) {
      refused_of_ = whole.essence;
      log::error("stage", "the studio refused it: {}; shown without that", done.error().message);
      continue;
    }
    if (!done) return done;
    set_air(*sight);
    calls_.changed();
    return {};
  }
  return fail(ErrorCode::kDeviceBusy, "the studio's state is changed by somebody else all the time");
}

Result<StageSight> Stage::see() {
  StageSight sight;
  const auto offset = calls_.clock_offset();
  if (std::chrono::abs(offset - clock_offset_) > kClockSlack) clock_offset_ = offset;
  sight.clock_offset = clock_offset_;
  sight.now = system_now() + clock_offset_;
  sight.price_lasts = parts_.config.commerce.price_lasts;
  auto views = parts_.book.views();
  if (!views) return tl::unexpected(views.error());
  sight.views = std::move(*views);
  auto live = parts_.shows.live();
  if (!live) return tl::unexpected(live.error());
  if (!*live) return sight;
  sight.show = std::move(**live);
  auto steps = parts_.shows.steps(sight.show->id);
  if (!steps) return tl::unexpected(steps.error());
  sight.steps = std::move(*steps);
  auto layers = parts_.book.layers();
  if (!layers) return tl::unexpected(layers.error());
  sight.layers = std::move(*layers);
  if (std::ranges::any_of(sight.layers,
                          [](const auto& layer) { return layer.source == StageLayer::Source::kOrders; })) {
    auto orders =
        newest_orders(parts_.data, *sight.show->started_at + sight.clock_offset, sight.show->plan.room);
    if (!orders) return tl::unexpected(orders.error());
    sight.orders = std::move(*orders);
  }
  if (auto seen = see_paper(sight); !seen) return tl::unexpected(seen.error());
  const auto& on = sight.steps.back();
  if (on.kind == Segment::Kind::kItem) {
    auto item = see_item(sight, on.item);
    if (!item) return tl::unexpected(item.error());
    sight.item = std::move(*item);
  }
  if (on.kind == Segment::Kind::kRecap)
    if (auto seen = see_recap(sight); !seen) return tl::unexpected(seen.error());
  return sight;
}

std::optional<Instant> Stage::price_holds_until(const StageSight& sight, const commerce::Ref& ref) const {
  const auto confirmed = parts_.data.freshness.confirmed_at(ref);
  if (!confirmed) return std::nullopt;
  const auto left = *confirmed + sight.price_lasts - steady_now();
  return sight.now + std::chrono::duration_cast<std::chrono::microseconds>(left);
}

Result<std::optional<ItemSight>> Stage::see_item(const StageSight& sight, const commerce::Ref& ref) {
  // Before the row: what is confirmed later than this is of a later row.
  const auto holds_until = price_holds_until(sight, ref);
  const auto row = parts_.data.catalogue.find(ref);
  if (!row) return tl::unexpected(row.error());
  if (!*row) return std::nullopt;
  ItemSight seen;
  seen.item = (*row)->item;
  seen.version = (*row)->version;
  seen.price_holds_until = holds_until;
  // The newest first: one that is over is looked at for a moment longer, and never hides an open one.
  const auto offers = parts_.data.offers.list(kNewestOffers);
  if (!offers) return tl::unexpected(offers.error());
  for (const auto& offer : *offers) {
    if (!offer.prices.contains(ref) || offer.state == commerce::OfferState::kRefused) continue;
    if (!seen.offer || (seen.offer->is_over() && !offer.is_over())) seen.offer = offer;
  }
  if (seen.offer && seen.offer->quantity) {
    for (const auto& [variant, price] : seen.offer->prices) {
      const auto sold = parts_.data.orders.sold(variant, seen.offer->window);
      if (!sold) return tl::unexpected(sold.error());
      seen.offer_sold += *sold;
    }
  }
  auto reference = parts_.notes.reference_price(seen.item, local_day(sight.now));
  if (!reference) return tl::unexpected(reference.error());
  seen.reference = *reference;
  const auto notes = parts_.notes.history(ref);
  if (!notes) return tl::unexpected(notes.error());
  if (!notes->empty()) {
    seen.notes = notes->front().notes.value;
    seen.notes_version = notes->front().notes.version;
  }
  const auto photo = parts_.photos.find(ref);
  if (!photo) return tl::unexpected(photo.error());
  // A photo that can't be laid out keeps no price off the screen.
  if (*photo && parts_.blobs.lay_out((*photo)->blob, parts_.config.media_dir)) seen.photo = (*photo)->blob;
  return seen;
}

Status Stage::see_paper(StageSight& sight) {
  auto licence = see_licence(sight);
  if (!licence) return tl::unexpected(licence.error());
  sight.licence = std::move(*licence);
  if (!sight.licence || sight.show->plan.payee.empty()) return {};
  const auto payees = parts_.documents.payees();
  if (!payees) return tl::unexpected(payees.error());
  for (const auto& payee : *payees)
    if (payee.id == sight.show->plan.payee)
      sight.is_payee_licensed =
          !payee.paper.value.is_withdrawn && payee.paper.value.name == sight.licence->document.holder;
  return {};
}

Result<std::optional<PaperSight>> Stage::see_licence(const StageSight& sight) {
  if (sight.show->plan.licence.empty()) return std::nullopt;
  const auto documents = parts_.documents.documents();
  if (!documents) return tl::unexpected(documents.error());
  for (const auto& entry : *documents) {
    if (entry.id != sight.show->plan.licence) continue;
    const auto& document = entry.paper.value;
    if (document.state(local_day(sight.now)) != commerce::Document::State::kValid) return std::nullopt;
    const Instant until =
        document.valid_until ? local_midnight(*document.valid_until + std::chrono::days(1)) : kFarAway;
    return PaperSight{entry.id, entry.paper.version, document, until};
  }
  return std::nullopt;
}

Status Stage::see_recap(StageSight& sight) {
  std::set<int64_t> seen;
  for (const auto& step : sight.steps) {
    if (step.kind != Segment::Kind::kItem || !seen.insert(step.segment).second) continue;
    const auto holds_until = price_holds_until(sight, step.item);
    const auto row = parts_.data.catalogue.find(step.item);
    if (!row) return tl::unexpected(row.error());
    if (!*row) continue;
    const bool holds = holds_until && *holds_until > sight.now + sight.price_lasts / 2;
    sight.shown.push_back({sight.show->plan.number_of(step.segment), (*row)->item.title,
                           holds ? std::optional((*row)->item.price) : std::nullopt});
  }
  return {};
}

void Stage::watch(const StageSight& sight) {
  std::vector<commerce::Ref> refs;
  if (sight.show) {
    if (sight.steps.back().kind == Segment::Kind::kItem) refs.push_back(sight.steps.back().item);
    // The next ones too: their prices are known when somebody presses Next.
    const auto* next = next_of(sight.show->plan, sight.steps.back().segment);
    for (size_t i = 0; next != nullptr && i < kMostComing; next = next_of(sight.show->plan, next->id)) {
      if (next->kind != Segment::Kind::kItem) continue;
      refs.push_back(next->item);
      ++i;
    }
    if (sight.steps.back().kind == Segment::Kind::kRecap)
      for (const auto& step : sight.steps)
        if (step.kind == Segment::Kind::kItem) refs.push_back(step.item);
  }
  std::ranges::sort(refs);
  refs.erase(std::ranges::unique(refs).begin(), refs.end());
  if (refs == watched_) return;
  watched_ = refs;
  calls_.watch(std::move(refs));
}

void Stage::set_air(const StageSight& sight) {
  const std::string now =
      sight.show ? fmt::format("{}/{}", sight.show->key(), sight.steps.back().segment) : "";
  if (now == air_) return;
  const auto listings = parts_.data.listings.open();
  if (!listings) return;
  for (const auto& listing : *listings) {
    const bool is_on = sight.show && listing.show == sight.show->key() &&
                       sight.steps.back().kind == Segment::Kind::kItem &&
                       listing.ref == sight.steps.back().item;
    using Air = commerce::ListingBook::Air;
    if (is_on && listing.state == commerce::ListingState::kListed)
      (void)parts_.data.listings.set_air(listing.id, Air::kOn);
    if (!is_on && listing.state == commerce::ListingState::kOnAir)
      (void)parts_.data.listings.set_air(listing.id, Air::kOff);
  }
  air_ = now;
}

Result<json> Stage::ask(const json& request, milliseconds patience) const {
  auto answer = call_control(parts_.config.control_socket(), request, patience);
  if (!answer) return tl::unexpected(answer.error());
  if (!answer->body.value("ok", false)) return answer->body;
  return std::move(answer->body);
}

Status Stage::read_studio() {
  const auto answer = ask({{"op", "state"}}, kQuickly);
  if (!answer) return tl::unexpected(answer.error().with_context("asking the studio"));
  if (!answer->value("ok", false)) return tl::unexpected(to_error((*answer)["error"]));
  const auto& state = (*answer)["state"];
  Studio studio;
  studio.revision = state.value("revision", uint64_t{0});
  for (const auto& program : state.value("programs", json::array())) {
    const std::string id = program.value("id", "");
    if (program.value("on_air", false)) studio.on_air[id] = program.value("destinations", json());
    studio.scenes[id] = program.value("/scene/id"_json_pointer, "");
  }
  studio_ = std::move(studio);
  return {};
}

/// Programs that are on air with a scene that is no show's.
std::map<std::string, json> Stage::by_hand() const {
  std::map<std::string, json> programs;
  for (const auto& [id, destinations] : studio_->on_air)
    if (const auto scene = studio_->scenes.find(id);
        scene == studio_->scenes.end() || !scene->second.starts_with("show-"))
      programs[id] = destinations;
  return programs;
}

/// Programs of which the studio keeps a scene of this show, and which are not on air: somebody pressed stop
/// there.
std::set<std::string> Stage::stopped_by_hand(const Show& show) const {
  const std::string prefix = show.key() + "-";
  std::set<std::string> programs;
  for (const auto& [program, scene] : studio_->scenes)
    if (scene.starts_with(prefix) && !studio_->on_air.contains(program)) programs.insert(program);
  return programs;
}

/// The show goes on without these programs; without any, it is over.
Status Stage::obey_hand(const Show& show, const std::set<std::string>& stopped) {
  ShowPlan plan = show.plan;
  if (plan.programs.empty())
    for (const auto& program : parts_.config.programs) plan.programs.push_back(program.id);
  std::erase_if(plan.programs, [&](const auto& program) { return stopped.contains(program); });
  const bool is_over = plan.programs.empty();
  const auto done = is_over ? parts_.shows.stop(show.id, "stopped at the studio, by hand", studio_author())
                            : parts_.shows.put(show.id, plan, show.version, studio_author());
  if (!done) return tl::unexpected(done.error());
  log::warning("stage", "{}: {} was taken off air at the studio: {}", show.key(), fmt::join(stopped, ", "),
               is_over ? "the show is over" : "the show goes on without it");
  calls_.changed();
  return {};
}

Status Stage::send(const Composition& wanted, milliseconds clock_offset) {
  is_refused_ = false;
  // Above all that were ever sent: one that has been on screen means what it meant then.
  const auto newest = calls_.newest_noted();
  if (!newest) return tl::unexpected(newest.error());
  const uint64_t revision = std::max(studio_->revision, *newest) + 1;
  if (auto noted = calls_.note_sent(revision, wanted.basis); !noted) return noted;
  const json state = {{"version", 1},
                      {"revision", revision},
                      {"clock_offset_ms", clock_offset.count()},
                      {"programs", wanted.programs}};
  const auto answer = ask({{"op", "apply"}, {"state", state}}, kDrawing);
  if (!answer) {
    // Whether it was taken is not known: read before anything else is sent.
    studio_.reset();
    return tl::unexpected(answer.error().with_context("telling the studio"));
  }
  if (!answer->value("ok", false)) {
    is_refused_ = refuse_templates((*answer)["error"]);
    return tl::unexpected(to_error((*answer)["error"]));
  }
  studio_->revision = revision;
  studio_->on_air.clear();
  for (const auto& program : wanted.programs) {
    if (program.value("on_air", false))
      studio_->on_air[program["id"]] = program.value("destinations", json());
    studio_->scenes[program["id"]] = program["scene"]["id"];
  }
  sent_ = wanted;
  const std::lock_guard lock(mutex_);
  last_.revision = revision;
  last_.composition = wanted;
  return {};
}

/// "template 'x': data.name" → x. False: nothing that could be left out.
bool Stage::refuse_templates(const json& error) {
  const size_t before = refused_.size();
  for (const auto& problem : error.value("problems", json::array())) {
    const std::string where = problem.value("where", "");
    constexpr std::string_view kBefore = "template '";
    const size_t begin = where.find(kBefore);
    if (begin == std::string::npos) continue;
    const size_t name = begin + kBefore.size();
    refused_.emplace(where.substr(name, where.find('\'', name) - name),
                     Problem{where, problem.value("found", ""), problem.value("allowed", "")}.text());
  }
  return refused_.size() > before;
}

}  // namespace vitrine::desk
