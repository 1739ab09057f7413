// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include <fmt/format.h>

#include "core/json_text.h"
#include "overlay/render/once.h"
#include "overlay/render/shut_in.h"

namespace vitrine::overlay {
namespace {

constexpr std::array kForms = {LayerForm::kNormal, LayerForm::kEnded, LayerForm::kNeutral};
constexpr std::array kOrientations = {Orientation::kLandscape, Orientation::kPortrait};

bool overlaps(const Rect& a, const Rect& b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

class ThemeCheck {
 public:
  explicit ThemeCheck(const std::filesystem::path& directory)
      : directory_(directory), maker_({directory.parent_path(), directory / "media"}) {}

  void run() {
    auto theme = maker_.theme(directory_.filename().string());
    if (!theme) return note(theme.error());
    theme_ = *theme;
    for (const auto& name : template_names()) check_template(name);
  }

  [[nodiscard]] size_t problem_count() const { return printed_.size(); }
  size_t templates = 0;
  size_t pictures = 0;

 private:
  void note(const Problems& problems) {
    for (const auto& problem : problems) {
      if (printed_.insert(problem.text()).second) fmt::print("{}\n", problem.text());
    }
  }

  std::vector<std::string> template_names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      if (entry.path().extension() == ".toml" && entry.path().stem() != "theme")
        names.push_back(entry.path().stem().string());
    }
    std::ranges::sort(names);
    return names;
  }

  std::vector<std::filesystem::path> samples_of(const std::string& name) const {
    std::vector<std::filesystem::path> samples;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / "samples", error)) {
      const std::string file = entry.path().filename().string();
      if (file.starts_with(name + ".") && file.ends_with(".json")) samples.push_back(entry.path());
    }
    std::ranges::sort(samples);
    return samples;
  }

  void check_template(const std::string& name) {
    ++templates;
    const auto manifest = theme_->manifest(name);
    if (!manifest) return note(manifest.error());
    const auto samples = samples_of(name);
    if (samples.empty())
      note({{name + ".toml", "no sample",
             fmt::format("samples/{}.<anything>.json, so that it can be looked at", name)}});
    for (const auto orientation : kOrientations) {
      const auto* placement = (*manifest)->placement(orientation);
      if (placement == nullptr) continue;
      if (const auto compiled = theme_->find(name, orientation, maker_.shaper()); !compiled) {
        note(compiled.error());
        continue;
      }
      for (const auto& sample : samples) {
        for (const auto form : kForms) {
          if ((*manifest)->has_form(form)) check_picture(name, *placement, orientation, sample, form);
        }
      }
    }
  }

  void check_picture(const std::string& name, const Placement& placement, Orientation orientation,
                     const std::filesystem::path& sample, LayerForm form) {
    const std::string what =
        fmt::format("samples/{} as '{}' in {}", sample.filename().string(), to_string(form), placement.file);
    const auto text = read_text_file(sample, size_t{1} << 20);
    if (!text) return note(text.error());
    const auto data = parse_json(*text, size_t{1} << 20);
    if (!data) return note({{what, data.error().message, "JSON"}});
    const TileSpec spec{directory_.filename().string(), name, placement.canvas, form, *data};
    auto drawn = maker_.draw(spec, theme_->rules().samples_at);
    if (!drawn) {
      Problems problems = drawn.error();
      for (auto& problem : problems) problem.where = fmt::format("{}: {}", what, problem.where);
      return note(problems);
    }
    ++pictures;
    if (!drawn->is_blank) check_drawn(what, *drawn, placement, orientation);
  }

  void check_drawn(const std::string& what, const TileMaker::Drawn& drawn, const Placement& placement,
                   Orientation orientation) {
    const Rect part = to_tile_pixels(drawn.pixmap).part;
    const Rect used{part.x + drawn.origin.x, part.y + drawn.origin.y, part.width, part.height};
    if (part.width == 0)
      note({{what, "an empty picture", "something to see, or a manifest without this form"}});
    if (used.x < 0 || used.y < 0 || used.x + used.width > placement.canvas.width ||
        used.y + used.height > placement.canvas.height) {
      note({{what, fmt::format("{} x {} pixels at {},{}", used.width, used.height, used.x, used.y),
             fmt::format("a place on the canvas of {} x {}", placement.canvas.width,
                         placement.canvas.height)}});
    }
    for (const auto& covered : theme_->rules().covered) {
      if (!placement.is_full && covered.orientation == orientation && overlaps(used, covered.area)) {
        note({{what,
               fmt::format("pixels at {},{} to {},{}", used.x, used.y, used.x + used.width,
                           used.y + used.height),
               fmt::format("nothing under {} ({} x {} at {},{})", covered.by, covered.area.width,
                           covered.area.height, covered.area.x, covered.area.y)}});
      }
    }
    for (const auto& text : drawn.drawing.texts) check_text(what, drawn, text);
  }

  /// What was measured must be what is drawn, or boxes do not fit their texts on this box's fonts. librsvg
  /// tells where the ink is, so ink is compared.
  void check_text(const std::string& what, const TileMaker::Drawn& drawn, const Drawing::Text& text) {
    double measured = 0;
    for (const auto& line : text.lines) {
      double width = 0;
      for (const auto& run : line) width += maker_.shaper().width(run.text, run.style);
      const auto& last = line.back();
      width += maker_.shaper().ink(last.text, last.style).end - maker_.shaper().width(last.text, last.style);
      measured = std::max(measured, width - maker_.shaper().ink(line.front().text, line.front().style).begin);
    }
    const auto box =
        logical_box(drawn.drawing.svg, text.id, {0, 0, drawn.viewport.width, drawn.viewport.height});
    if (box && text.lines.size() == 1 && std::abs(box->width - measured) > 1.0) {
      note(
          {{what,
            fmt::format("text '{}' drawn {:.1f} px wide and measured {:.1f}", text.id, box->width, measured),
            "fonts and spacings that can be measured: font-family, font-size, font-weight, letter-spacing"}});
    }
  }

  const std::filesystem::path directory_;
  TileMaker maker_;
  Theme* theme_ = nullptr;
  std::set<std::string> printed_;
};

}  // namespace

int check_theme(const std::filesystem::path& directory) {
  const auto path = std::filesystem::weakly_canonical(directory);
  if (const auto sandbox = shut_in({path, path / "media"}); !sandbox) {
    fmt::print(stderr, "{}\n", sandbox.error().message);
    return 1;
  }
  ThemeCheck check(path);
  check.run();
  fmt::print("{}: {} templates, {} pictures, {} problems\n", path.filename().string(), check.templates,
             check.pictures, check.problem_count());
  return check.problem_count() == 0 ? 0 : 1;
}

}  // namespace vitrine::overlay
