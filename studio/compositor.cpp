// SPDX-License-Identifier: Apache-2.0
#include "studio/compositor.h"

#include <algorithm>

namespace vitrine::studio {
namespace {

using namespace std::chrono_literals;

/// How old a picture may be before its camera counts as stalled: four of its own frame intervals. Below 300
/// ms a network camera's jitter would flicker to the slate; the slate must stand half a second after the
/// fault.
constexpr MediaTime kMinStall = 300ms;
constexpr MediaTime kMaxStall = 450ms;

/// A camera may be slower than that by design (time-lapse, 2 frames a second): its own rhythm then counts, up
/// to here.
constexpr MediaTime kSlowestInterval = 2s;

MediaTime stall_limit(MediaTime interval) {
  if (interval > kMaxStall / 2) return std::min(interval, kSlowestInterval) * 2;
  return std::clamp(interval * 4, kMinStall, kMaxStall);
}

bool covers(const Rect& area, Size canvas) {
  return area == Rect{0, 0, canvas.width, canvas.height};
}

}  // namespace

Compositor::Compositor(Size canvas) : canvas_(canvas), mixer_(canvas) {
}

std::optional<CameraFrame> Compositor::fresh_frame(const Plan::Camera& camera, MediaTime now) {
  auto frame = camera.latest_frame();
  if (!frame) return std::nullopt;
  auto& rhythm = rhythms_[camera.id];
  if (frame->sequence != rhythm.sequence) {
    const auto passed = frame->captured_at - rhythm.captured_at;
    const auto frames = static_cast<int64_t>(frame->sequence - rhythm.sequence);
    if (frame->sequence > rhythm.sequence && passed > 0ns && passed < 2 * kSlowestInterval) {
      const auto interval = passed / frames;
      rhythm.interval = rhythm.interval == 0ns ? interval : (rhythm.interval * 7 + interval) / 8;
    }
    rhythm.sequence = frame->sequence;
    rhythm.captured_at = frame->captured_at;
  }
  if (now - frame->captured_at > stall_limit(rhythm.interval)) return std::nullopt;
  return frame;
}

std::optional<CameraFrame> Compositor::first_picture(const std::vector<Plan::PlacedPicture>& pictures,
                                                     const std::vector<Plan::Camera>& fallbacks,
                                                     MediaTime now, int* camera) {
  *camera = Visible::kSlate;
  if (pictures.empty()) return std::nullopt;
  if (auto frame = fresh_frame(pictures.front().camera, now)) {
    *camera = 0;
    return frame;
  }
  for (size_t i = 0; i < fallbacks.size(); ++i) {
    if (auto frame = fresh_frame(fallbacks[i], now)) {
      *camera = 1 + static_cast<int>(i);
      return frame;
    }
  }
  return std::nullopt;
}

int Compositor::draw_pictures(const I420& canvas, const std::vector<Plan::PlacedPicture>& pictures,
                              const std::vector<Plan::Camera>& fallbacks, MediaTime now) {
  int camera = Visible::kSlate;
  const auto first = first_picture(pictures, fallbacks, now, &camera);
  if (!first) return camera;
  note_age(now - first->captured_at);
  const auto& placed = pictures.front();
  if (!covers(placed.area, canvas_)) overlay::fill_black(canvas, {0, 0, canvas_.width, canvas_.height});
  mixer_.place(canvas, 0, *first, placed.area, placed.fit);
  for (size_t i = 1; i < pictures.size(); ++i) {
    if (const auto frame = fresh_frame(pictures[i].camera, now))
      mixer_.place(canvas, i, *frame, pictures[i].area, pictures[i].fit);
  }
  return camera;
}

/// From the pictures of the last frame, as they are now, to those of a new plan. Not from the slate and not
/// to it: who hides the set wants it hidden at once.
void Compositor::begin_fade(const I420& canvas, const Plan& plan, MediaTime now) {
  const bool is_other = !std::ranges::equal(shown_pictures_, plan.pictures, [](const auto& a, const auto& b) {
    return a.camera.id == b.camera.id && a.area == b.area && a.fit == b.fit;
  });
  if (is_other) {
    fade_ = 0ns;
    if (plan.fade > 0ns && shown_camera_ != Visible::kSlate && !plan.pictures.empty() &&
        draw_pictures(canvas, shown_pictures_, shown_fallbacks_, now) != Visible::kSlate) {
      mixer_.keep(canvas);
      fade_begin_ = now;
      fade_ = plan.fade;
    }
  }
  shown_revision_ = plan.revision;
  shown_pictures_ = plan.pictures;
  shown_fallbacks_ = plan.fallbacks;
}

void Compositor::note_age(MediaTime age) {
  const auto bounded = std::clamp<MediaTime>(age, 0ns, 500ms);
  picture_age_ = picture_age_ == 0ns ? bounded : (picture_age_ * 63 + bounded) / 64;
}

LayerForm Compositor::blend_layer(const I420& canvas, const Plan::PlacedLayer& layer,
                                  const overlay::TileSet& tiles, Instant instant) {
  LayerForm form = layer.layer.form_at(instant);
  if (form == LayerForm::kHidden) return form;
  const auto* tile = tiles.find(layer.key_of(form), instant);
  if (tile == nullptr && form != LayerForm::kNeutral) {
    form = LayerForm::kNeutral;
    tile = tiles.find(layer.neutral_key, instant);
  }
  if (tile == nullptr) return LayerForm::kHidden;
  const Rect& rect = tile->rect();
  mixer_.blend(canvas, *tile, layer.layer.at.value_or(Point{rect.x, rect.y}));
  return form;
}

Visible Compositor::compose(const I420& canvas, const Plan& plan, const overlay::TileSet& tiles,
                            MediaTime now) {
  Visible visible;
  visible.revision = plan.revision;
  const Instant instant = plan.clock.at(now);
  if (plan.revision != shown_revision_) begin_fade(canvas, plan, now);
  visible.camera = draw_pictures(canvas, plan.pictures, plan.fallbacks, now);
  shown_camera_ = visible.camera;
  if (visible.camera == Visible::kSlate) {
    fade_ = 0ns;
    overlay::fill_black(canvas, {0, 0, canvas_.width, canvas_.height});
    // None before the first tile was ever rendered.
    if (const auto* slate = tiles.find(plan.slate_key, instant); slate != nullptr)
      mixer_.blend(canvas, *slate, {slate->rect().x, slate->rect().y});
    for (size_t i = 1; i < plan.pictures.size(); ++i) {
      if (const auto frame = fresh_frame(plan.pictures[i].camera, now))
        mixer_.place(canvas, i, *frame, plan.pictures[i].area, plan.pictures[i].fit);
    }
  } else if (const MediaTime into = now - fade_begin_; fade_ > 0ns && into < fade_) {
    mixer_.fade_from_kept(canvas, static_cast<int>(256 * (fade_ - into) / fade_));
  }
  for (size_t i = 0; i < std::min(plan.layers.size(), Visible::kMaxLayers); ++i) {
    visible.forms[i] = blend_layer(canvas, plan.layers[i], tiles, instant);
  }
  return visible;
}

}  // namespace vitrine::studio
