// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/video_frame.h"
#include "overlay/mixer.h"
#include "overlay/tile_spec.h"
#include "studio/plan.h"

namespace vitrine::studio {

/// What one frame shows, in a form that two frames are compared by: a record is written when it changes.
struct Visible {
  static constexpr int kSlate = -1;
  static constexpr size_t kMaxLayers = 32;

  uint64_t revision = 0;
  int camera = kSlate;  // index into the plan's pictures[0] (0) or fallbacks (1 + i)
  std::array<LayerForm, kMaxLayers> forms{};

  bool operator==(const Visible&) const = default;
};

/// Draws one frame of a program as a function of plan, tiles, cameras and time.
/// Thread: the program's. Never blocks.
class Compositor {
 public:
  explicit Compositor(Size canvas);

  /// `now` is the frame's own time on CLOCK_MONOTONIC, not the moment it is drawn: a late tick draws the
  /// frame it missed.
  Visible compose(const I420& canvas, const Plan& plan, const overlay::TileSet& tiles, MediaTime now);

  /// Age of the first camera picture when it was shown, averaged over the last seconds; what the sound waits
  /// for.
  [[nodiscard]] MediaTime picture_age() const { return picture_age_; }

 private:
  /// A camera's rhythm, to tell a slow camera from a stalled one.
  struct Rhythm {
    uint64_t sequence = 0;
    MediaTime captured_at{};
    MediaTime interval{};  // running mean
  };

  /// The cameras of a plan, below everything else: which one stands in the first picture's place, kSlate for
  /// none.
  int draw_pictures(const I420& canvas, const std::vector<Plan::PlacedPicture>& pictures,
                    const std::vector<Plan::Camera>& fallbacks, MediaTime now);
  void begin_fade(const I420& canvas, const Plan& plan, MediaTime now);
  std::optional<CameraFrame> fresh_frame(const Plan::Camera& camera, MediaTime now);
  std::optional<CameraFrame> first_picture(const std::vector<Plan::PlacedPicture>& pictures,
                                           const std::vector<Plan::Camera>& fallbacks, MediaTime now,
                                           int* camera);
  LayerForm blend_layer(const I420& canvas, const Plan::PlacedLayer& layer, const overlay::TileSet& tiles,
                        Instant instant);
  void note_age(MediaTime age);

  const Size canvas_;
  overlay::Mixer mixer_;
  std::map<std::string, Rhythm> rhythms_;
  MediaTime picture_age_{};
  // What the last frame showed, to fade from.
  uint64_t shown_revision_ = 0;
  std::vector<Plan::PlacedPicture> shown_pictures_;
  std::vector<Plan::Camera> shown_fallbacks_;
  int shown_camera_ = Visible::kSlate;
  MediaTime fade_begin_{};
  MediaTime fade_{};  // 0: none is on its way
};

}  // namespace vitrine::studio
