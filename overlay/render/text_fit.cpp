// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/text_fit.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace vitrine::overlay {
namespace {

// Pango measures in 1/1024 px; sums of runs must not fail for one of these.
constexpr double kTolerance = 0.05;
constexpr double kSizeStep = 0.5;

class Fitter {
 public:
  Fitter(const TextRule& rule, std::vector<SetText::Run> runs, double room, TextShaper& shaper)
      : rule_(rule), runs_(std::move(runs)), room_(room), shaper_(shaper) {
    for (const auto& run : runs_) base_px_ = std::max(base_px_, run.rule->style.size_px);
    smallest_px_ = std::min(rule_.min_size_px, base_px_);
  }

  Result<SetText> fit() { return rule_.max_lines > 1 && runs_.size() == 1 ? fit_lines() : fit_line(); }

 private:
  double width_at(double size_px) {
    double width = 0;
    for (const auto& run : runs_)
      width += shaper_.width(run.text, run.rule->style.scaled(size_px / base_px_));
    return width;
  }

  SetText one_line(double size_px) { return {{runs_}, size_px / base_px_, width_at(size_px)}; }

  Result<SetText> fit_line() {
    SetText set = one_line(base_px_);
    if (set.width <= room_ + kTolerance) return set;
    // Width grows with size; the guess is exact but for rounding.
    double size_px = std::floor(base_px_ * room_ / set.width / kSizeStep) * kSizeStep;
    for (; size_px >= smallest_px_; size_px -= kSizeStep) {
      set = one_line(size_px);
      if (set.width <= room_ + kTolerance) return set;
    }
    const double needed = width_at(smallest_px_);
    if (needed <= room_ + kTolerance) return one_line(smallest_px_);
    if (!rule_.may_be_cut) return too_long(needed);
    SetText::Run& last = runs_.back();
    const TextStyle style = last.rule->style.scaled(smallest_px_ / base_px_);
    const double others = needed - shaper_.width(last.text, style);
    last.text = shaper_.ellipsized(last.text, style, room_ - others);
    set = one_line(smallest_px_);
    if (set.width > room_ + kTolerance) return too_long(needed);
    return set;
  }

  std::vector<std::string> lines_at(double size_px) {
    return shaper_.break_lines(runs_.front().text, runs_.front().rule->style.scaled(size_px / base_px_),
                               room_);
  }

  SetText several_lines(std::vector<std::string> lines, double size_px) {
    SetText set{{}, size_px / base_px_, 0};
    const TextStyle style = runs_.front().rule->style.scaled(set.scale);
    for (auto& line : lines) {
      set.width = std::max(set.width, shaper_.width(line, style));
      set.lines.push_back({{runs_.front().rule, std::move(line)}});
    }
    return set;
  }

  Result<SetText> fit_lines() {
    for (double size_px = base_px_; size_px > rule_.wrap_size_px; size_px -= 2 * kSizeStep) {
      SetText set = one_line(size_px);
      if (set.width <= room_ + kTolerance) return set;
    }
    for (double size_px = std::min(base_px_, rule_.wrap_size_px); size_px >= smallest_px_;
         size_px -= 2 * kSizeStep) {
      auto lines = lines_at(size_px);
      if (lines.size() <= rule_.max_lines) return several_lines(std::move(lines), size_px);
    }
    auto lines = lines_at(smallest_px_);
    if (lines.size() <= rule_.max_lines) return several_lines(std::move(lines), smallest_px_);
    if (!rule_.may_be_cut) return too_long(width_at(smallest_px_));
    const std::string& text = runs_.front().text;
    size_t rest = 0;
    for (size_t i = 0; i + 1 < rule_.max_lines; ++i) rest = text.find(lines[i], rest) + lines[i].size();
    rest = text.find_first_not_of(' ', rest);
    lines.resize(rule_.max_lines);
    lines.back() = shaper_.ellipsized(std::string_view(text).substr(rest),
                                      runs_.front().rule->style.scaled(smallest_px_ / base_px_), room_);
    return several_lines(std::move(lines), smallest_px_);
  }

  Result<SetText> too_long(double needed) const {
    std::string text;
    for (const auto& run : runs_) text += run.text;
    return fail(ErrorCode::kInvalidInput,
                fmt::format("\"{}\", which needs {:.0f} px at its smallest size and has {:.0f} x {} lines",
                            text, needed, std::max(0.0, room_), rule_.max_lines));
  }

  const TextRule& rule_;
  std::vector<SetText::Run> runs_;
  const double room_;
  TextShaper& shaper_;
  double base_px_ = 0;
  double smallest_px_ = 0;
};

}  // namespace

Result<SetText> fit_text(const TextRule& rule, std::vector<SetText::Run> runs, double room,
                         TextShaper& shaper) {
  return Fitter(rule, std::move(runs), room, shaper).fit();
}

}  // namespace vitrine::overlay
