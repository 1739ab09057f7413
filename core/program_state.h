// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/config.h"
#include "core/error.h"
#include "core/geometry.h"
#include "core/media_time.h"

namespace vitrine {

/// The desired picture and sound of every program: the contract between the control plane and the studio. It
/// is sent whole, carries a revision, and is immutable once decoded. core/program_state.schema.json is the
/// same in JSON Schema.

/// What a layer turns into when its lease is over.
enum class LeaseEnd { kHide, kEnded, kNeutral };

enum class LayerForm { kHidden = 0, kNormal, kEnded, kNeutral };
std::string_view to_string(LayerForm form);

struct Layer {
  std::string id;
  std::string template_name;
  nlohmann::json data;      // checked against the template's manifest by the render worker
  std::optional<Point> at;  // canvas pixels, even; otherwise where the theme puts it
  Instant valid_from{};
  Instant valid_until{};
  LeaseEnd after = LeaseEnd::kHide;

  /// The form this layer takes at `instant`: hidden before the lease, normal inside [valid_from,
  /// valid_until), then as `after` says. The studio asks for every frame; no fault elsewhere can lengthen a
  /// lease.
  [[nodiscard]] LayerForm form_at(Instant instant) const;
};

/// One camera picture on the canvas.
struct Picture {
  enum class Fit { kCover, kContain };
  std::string camera;
  Rect area;  // canvas pixels, even
  Fit fit = Fit::kCover;
};

struct Sound {
  std::string microphone;
  double gain_db = 0;
};

struct Scene {
  std::string id;
  std::vector<Picture> pictures;
  std::vector<std::string>
      fallback_cameras;               // take the first picture's place, in this order, before the slate does
  std::chrono::milliseconds fade{0};  // how long other pictures than before take to come; 0: a cut
  std::string slate_template = "slate";
  nlohmann::json slate_data;
  std::vector<Sound> sounds;
  std::vector<Layer> layers;  // bottom to top
};

/// Ids of a program's destinations that are published to while it is on air; nothing: all of them.
using WantedDestinations = std::optional<std::vector<std::string>>;

struct ProgramScene {
  std::string program;
  bool is_on_air = false;
  Scene scene;
  WantedDestinations destinations = std::nullopt;
};

struct ProgramState {
  uint64_t revision = 0;
  std::chrono::milliseconds clock_offset{0};  // the backend's clock minus this box's
  std::vector<ProgramScene> programs;
  nlohmann::json document;  // what was decoded, for persisting and sending back

  [[nodiscard]] const ProgramScene* find_program(std::string_view id) const;
};

inline constexpr size_t kMaxStateBytes = 1 << 20;
inline constexpr uint64_t kMaxRevision = uint64_t{1} << 53;  // what every JSON reader holds exactly

/// Decodes and checks a whole state against the configuration: programs, cameras and microphones must exist,
/// rectangles lie on the canvas, leases end after they begin. Returns every problem.
tl::expected<ProgramState, Problems> decode_program_state(const nlohmann::json& document,
                                                          const Config& config);

/// What a box shows before it was ever told: each program's first camera and the shop's name on the slate,
/// off air.
nlohmann::json default_program_state(const Config& config);

/// `document` with every program (or the one named) on or off air, and the next revision.
nlohmann::json with_on_air(nlohmann::json document, bool is_on_air, std::string_view program);

}  // namespace vitrine
