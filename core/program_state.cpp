// SPDX-License-Identifier: Apache-2.0
#include "core/program_state.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "core/json_text.h"
#include "core/object_reader.h"

namespace vitrine {
namespace {

Point read_point(ObjectReader& reader, std::string_view key) {
  Point point;
  std::vector<int> numbers;
  reader.values(key, 2, 2, [&](const nlohmann::json& value, const std::string&) {
    const bool is_good = value.is_number_integer() && value.get<int64_t>() >= -8192 &&
                         value.get<int64_t>() <= 8192 && value.get<int64_t>() % 2 == 0;
    if (!is_good) reader.refuse(key, describe(value), "two even integers, canvas pixels");
    numbers.push_back(is_good ? value.get<int>() : 0);
  });
  if (numbers.size() == 2) point = {numbers[0], numbers[1]};
  return point;
}

Rect read_area(ObjectReader& reader, const ProgramConfig& program) {
  Rect area{0, 0, program.size.width, program.size.height};
  if (!reader.has("area")) {
    (void)reader.any("area");
    return area;
  }
  std::vector<int64_t> numbers;
  std::string found;
  reader.values("area", 4, 4, [&](const nlohmann::json& value, const std::string&) {
    found += (found.empty() ? "" : ", ") + describe(value);
    numbers.push_back(value.is_number_integer() ? value.get<int64_t>() : -1);
  });
  if (numbers.size() != 4) return area;
  const bool is_even =
      std::ranges::all_of(numbers, [](int64_t number) { return number >= 0 && number % 2 == 0; });
  const bool is_inside = is_even && numbers[2] >= 16 && numbers[3] >= 16 &&
                         numbers[0] <= program.size.width && numbers[1] <= program.size.height &&
                         numbers[2] <= program.size.width - numbers[0] &&
                         numbers[3] <= program.size.height - numbers[1];
  if (!is_inside) {
    reader.refuse("area", "[" + found + "]",
                  fmt::format("[x, y, width, height]: even, at least 16 × 16, inside {} × {}",
                              program.size.width, program.size.height));
    return area;
  }
  return {static_cast<int>(numbers[0]), static_cast<int>(numbers[1]), static_cast<int>(numbers[2]),
          static_cast<int>(numbers[3])};
}

template <typename T>
std::string list_ids(const std::vector<T>& items) {
  std::string list;
  for (const auto& item : items) list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", item.id);
  return list.empty() ? "(none is configured)" : list;
}

Layer read_layer(ObjectReader& reader) {
  Layer layer;
  layer.id = reader.id("id");
  layer.template_name = reader.id("template");
  layer.data = nlohmann::json::object();
  if (const auto* data = reader.any("data")) {
    if (data->is_object()) {
      layer.data = *data;
    } else {
      reader.refuse("data", describe(*data), "an object with the template's fields");
    }
  }
  if (reader.has("at")) layer.at = read_point(reader, "at");
  layer.valid_from = reader.instant("valid_from");
  layer.valid_until = reader.instant("valid_until");
  if (layer.valid_until <= layer.valid_from && layer.valid_until != Instant{} &&
      layer.valid_from != Instant{}) {
    reader.refuse("valid_until", describe(*reader.any("valid_until")), "a time after valid_from");
  }
  constexpr std::array kEnds = {LeaseEnd::kHide, LeaseEnd::kEnded, LeaseEnd::kNeutral};
  layer.after = kEnds[reader.one_of("after", {"hide", "ended", "neutral"})];
  return layer;
}

Scene read_scene(ObjectReader& reader, const Config& config, const ProgramConfig& program) {
  Scene scene;
  scene.id = reader.id("id");
  const auto check_camera = [&](const std::string& camera, ObjectReader& at, std::string_view key) {
    if (!camera.empty() && config.find_camera(camera) == nullptr) {
      at.refuse(key, fmt::format("\"{}\"", camera), "the id of a [[camera]]: " + list_ids(config.cameras));
    }
  };
  reader.array("pictures", 0, 4, [&](ObjectReader& item) {
    Picture picture;
    picture.camera = item.id("camera");
    check_camera(picture.camera, item, "camera");
    picture.area = read_area(item, program);
    picture.fit = item.one_of_or_first("fit", {"cover", "contain"}) == 0 ? Picture::Fit::kCover
                                                                         : Picture::Fit::kContain;
    scene.pictures.push_back(std::move(picture));
  });
  reader.values("fallback_cameras", 0, 4, [&](const nlohmann::json& value, const std::string&) {
    const std::string camera = value.is_string() ? value.get<std::string>() : "";
    if (config.find_camera(camera) == nullptr) {
      reader.refuse("fallback_cameras", describe(value), "ids of [[camera]]: " + list_ids(config.cameras));
    }
    scene.fallback_cameras.push_back(camera);
  });
  scene.fade = std::chrono::milliseconds(reader.integer_or("fade_ms", 0, 0, 2000));
  scene.slate_data = nlohmann::json::object();
  reader.object_if_present("slate", [&](ObjectReader& slate) {
    if (slate.has("template")) scene.slate_template = slate.id("template");
    if (const auto* data = slate.any("data")) {
      if (data->is_object()) {
        scene.slate_data = *data;
      } else {
        slate.refuse("data", describe(*data), "an object with the template's fields");
      }
    }
  });
  reader.array("sounds", 0, 8, [&](ObjectReader& item) {
    Sound sound;
    sound.microphone = item.id("microphone");
    if (!sound.microphone.empty() && config.find_microphone(sound.microphone) == nullptr) {
      item.refuse("microphone", fmt::format("\"{}\"", sound.microphone),
                  "the id of a [[microphone]]: " + list_ids(config.microphones));
    }
    sound.gain_db = item.number_or("gain_db", 0, -60, 30);
    scene.sounds.push_back(std::move(sound));
  });
  std::set<std::string> layer_ids;
  reader.array("layers", 0, 32, [&](ObjectReader& item) {
    scene.layers.push_back(read_layer(item));
    if (const auto& id = scene.layers.back().id; !id.empty() && !layer_ids.insert(id).second) {
      item.refuse("id", fmt::format("\"{}\" a second time", id),
                  "each layer of a scene with an id of its own");
    }
  });
  return scene;
}

WantedDestinations read_destinations(ObjectReader& reader, const Config& config, const std::string& program) {
  if (!reader.has("destinations")) return std::nullopt;
  std::vector<DestinationConfig> known;
  std::ranges::copy_if(config.destinations, std::back_inserter(known),
                       [&](const auto& destination) { return destination.program == program; });
  std::vector<std::string> wanted;
  reader.values("destinations", 0, kMaxDestinations, [&](const nlohmann::json& value, const std::string&) {
    const std::string id = value.is_string() ? value.get<std::string>() : "";
    if (std::ranges::find(known, id, &DestinationConfig::id) == known.end())
      reader.refuse("destinations", describe(value),
                    fmt::format("ids of [[destination]] of program \"{}\": {}", program, list_ids(known)));
    else if (std::ranges::find(wanted, id) != wanted.end())
      reader.refuse("destinations", fmt::format("\"{}\" a second time", id), "each destination once");
    else
      wanted.push_back(id);
  });
  return wanted;
}

nlohmann::json default_program(const ProgramConfig& program, const Config& config) {
  auto sounds = nlohmann::json::array();
  for (const auto& microphone : config.microphones) {
    sounds.push_back(nlohmann::json::object({{"microphone", microphone.id}}));
  }
  const nlohmann::json picture = {{"camera", config.cameras.front().id}};
  const nlohmann::json scene = {{"id", "default"},
                                {"pictures", nlohmann::json::array({picture})},
                                {"slate", {{"data", {{"shop", config.studio_name}}}}},
                                {"sounds", sounds}};
  return {{"id", program.id}, {"on_air", false}, {"scene", scene}};
}

/// A whole state says something of every program: one that was left out is off air and shows its camera.
void add_missing_programs(ProgramState& state, const Config& config) {
  for (const auto& program : config.programs) {
    if (state.find_program(program.id) != nullptr) continue;
    auto entry = default_program(program, config);
    Problems none;
    ObjectReader reader(entry["scene"], "", none);
    state.programs.push_back({program.id, false, read_scene(reader, config, program)});
    state.document["programs"].push_back(std::move(entry));
  }
}

}  // namespace

std::string_view to_string(LayerForm form) {
  switch (form) {
    case LayerForm::kHidden:
      return "hidden";
    case LayerForm::kNormal:
      return "normal";
    case LayerForm::kEnded:
      return "ended";
    case LayerForm::kNeutral:
      return "neutral";
  }
  return "hidden";
}

LayerForm Layer::form_at(Instant instant) const {
  if (instant < valid_from) return LayerForm::kHidden;
  if (instant < valid_until) return LayerForm::kNormal;
  switch (after) {
    case LeaseEnd::kHide:
      return LayerForm::kHidden;
    case LeaseEnd::kEnded:
      return LayerForm::kEnded;
    case LeaseEnd::kNeutral:
      return LayerForm::kNeutral;
  }
  return LayerForm::kHidden;
}

const ProgramScene* ProgramState::find_program(std::string_view id) const {
  const auto found = std::ranges::find(programs, id, &ProgramScene::program);
  return found == programs.end() ? nullptr : &*found;
}

tl::expected<ProgramState, Problems> decode_program_state(const nlohmann::json& document,
                                                          const Config& config) {
  Problems problems;
  ProgramState state;
  ObjectReader root(document, "", problems);
  (void)root.integer("version", 1, 1);
  state.revision = static_cast<uint64_t>(root.integer("revision", 1, int64_t{kMaxRevision}));
  constexpr int64_t kDayMs = 86'400'000;
  state.clock_offset =
      std::chrono::milliseconds(root.integer_or("clock_offset_ms", 0, -366 * kDayMs, 366 * kDayMs));
  std::set<std::string> seen;
  root.array("programs", 0, 4, [&](ObjectReader& reader) {
    ProgramScene program;
    program.program = reader.id("id");
    program.is_on_air = reader.boolean_or("on_air", false);
    const auto* configured = config.find_program(program.program);
    if (configured == nullptr) {
      if (!program.program.empty()) {
        reader.refuse("id", fmt::format("\"{}\"", program.program),
                      "the id of a [[program]]: " + list_ids(config.programs));
      }
      (void)reader.any("scene");
      (void)reader.any("destinations");
      return;
    }
    if (!seen.insert(program.program).second) {
      reader.refuse("id", fmt::format("\"{}\" a second time", program.program), "each program once");
    }
    reader.object("scene",
                  [&](ObjectReader& scene) { program.scene = read_scene(scene, config, *configured); });
    program.destinations = read_destinations(reader, config, program.program);
    state.programs.push_back(std::move(program));
  });
  root.finish();
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  state.document = document;
  add_missing_programs(state, config);
  return state;
}

nlohmann::json default_program_state(const Config& config) {
  auto programs = nlohmann::json::array();
  for (const auto& program : config.programs) programs.push_back(default_program(program, config));
  return {{"version", 1}, {"revision", 1}, {"programs", programs}};
}

nlohmann::json with_on_air(nlohmann::json document, bool is_on_air, std::string_view program) {
  for (auto& item : document["programs"]) {
    if (program.empty() || item["id"] == program) item["on_air"] = is_on_air;
  }
  document["revision"] = document["revision"].get<uint64_t>() + 1;
  return document;
}

}  // namespace vitrine
