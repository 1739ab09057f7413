// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/program_state.h"
#include "core/sound_ring.h"
#include "core/video_frame.h"
#include "overlay/tile_spec.h"

namespace vitrine::studio {

/// The newest picture of one camera, the sound of one microphone; safe to call from any thread.
using FrameReader = std::function<std::optional<CameraFrame>()>;
using SoundReader = std::function<std::shared_ptr<const SoundRingReader>()>;

/// Finds the reader of a configured camera or microphone.
struct SourceAccess {
  std::function<FrameReader(const std::string& camera)> frames;
  std::function<SoundReader(const std::string& microphone)> sound;
};

/// One program's part of a program state, made ready for the frame path: nothing in it is looked up by name
/// again, nothing changes after it was made. A revision goes on air by replacing the plan between two frames.
struct Plan {
  struct Camera {
    std::string id;
    FrameReader latest_frame;
  };
  struct PlacedPicture {
    Camera camera;
    Rect area;
    Picture::Fit fit;
  };
  struct PlacedLayer {
    Layer layer;
    std::string normal_key;
    std::string ended_key;    // empty unless the lease ends in it
    std::string neutral_key;  // also what a time-bound layer turns into when its next tile is missing

    [[nodiscard]] const std::string& key_of(LayerForm form) const;
  };
  struct Microphone {
    std::string id;
    SoundReader sound;
    float gain = 1.0F;
    MediaTime delay{};
  };

  uint64_t revision = 0;
  std::string scene_id;
  ShowClock clock;
  std::vector<PlacedPicture> pictures;
  std::vector<Camera> fallbacks;
  MediaTime fade{};  // from other pictures to these
  std::string slate_key;
  std::vector<PlacedLayer> layers;
  std::vector<Microphone> microphones;
};

/// A plan and everything that must be rendered before it may go on air.
struct PreparedPlan {
  std::shared_ptr<const Plan> plan;
  std::vector<overlay::TileSpec> tiles;
};

PreparedPlan prepare_plan(const ProgramScene& scene, uint64_t revision, const ShowClock& clock,
                          const Config& config, const ProgramConfig& program, const SourceAccess& sources);

}  // namespace vitrine::studio
