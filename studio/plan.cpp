// SPDX-License-Identifier: Apache-2.0
#include "studio/plan.h"

#include <cmath>

namespace vitrine::studio {
namespace {

float linear_gain(double gain_db) {
  return static_cast<float>(std::pow(10.0, gain_db / 20.0));
}

class Planner {
 public:
  Planner(const ProgramConfig& program, const SourceAccess& sources) : program_(program), sources_(sources) {}

  Plan::Camera camera(const std::string& id) const { return {id, sources_.frames(id)}; }

  std::string tile(const std::string& template_name, LayerForm form, const nlohmann::json& data) {
    overlay::TileSpec spec{program_.theme, template_name, program_.size, form, data};
    std::string key = spec.key();
    tiles_.push_back(std::move(spec));
    return key;
  }

  Plan::PlacedLayer layer(const Layer& layer) {
    Plan::PlacedLayer placed;
    placed.layer = layer;
    placed.normal_key = tile(layer.template_name, LayerForm::kNormal, layer.data);
    placed.neutral_key = tile(layer.template_name, LayerForm::kNeutral, layer.data);
    if (layer.after == LeaseEnd::kEnded)
      placed.ended_key = tile(layer.template_name, LayerForm::kEnded, layer.data);
    return placed;
  }

  Plan::Microphone microphone(const Sound& sound, const MicrophoneConfig& config) const {
    return {sound.microphone, sources_.sound(sound.microphone), linear_gain(config.gain_db + sound.gain_db),
            config.delay};
  }

  std::vector<overlay::TileSpec> take_tiles() { return std::move(tiles_); }

 private:
  const ProgramConfig& program_;
  const SourceAccess& sources_;
  std::vector<overlay::TileSpec> tiles_;
};

}  // namespace

const std::string& Plan::PlacedLayer::key_of(LayerForm form) const {
  switch (form) {
    case LayerForm::kEnded:
      return ended_key;
    case LayerForm::kNeutral:
      return neutral_key;
    default:
      return normal_key;
  }
}

PreparedPlan prepare_plan(const ProgramScene& scene, uint64_t revision, const ShowClock& clock,
                          const Config& config, const ProgramConfig& program, const SourceAccess& sources) {
  Planner planner(program, sources);
  auto plan = std::make_shared<Plan>();
  plan->revision = revision;
  plan->scene_id = scene.scene.id;
  plan->clock = clock;
  for (const auto& picture : scene.scene.pictures) {
    plan->pictures.push_back({planner.camera(picture.camera), picture.area, picture.fit});
  }
  for (const auto& camera : scene.scene.fallback_cameras) plan->fallbacks.push_back(planner.camera(camera));
  plan->fade = scene.scene.fade;
  plan->slate_key = planner.tile(scene.scene.slate_template, LayerForm::kNormal, scene.scene.slate_data);
  for (const auto& layer : scene.scene.layers) plan->layers.push_back(planner.layer(layer));
  for (const auto& sound : scene.scene.sounds) {
    plan->microphones.push_back(planner.microphone(sound, *config.find_microphone(sound.microphone)));
  }
  return {std::move(plan), planner.take_tiles()};
}

}  // namespace vitrine::studio
