// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/error.h"
#include "overlay/render/template.h"
#include "overlay/render/text_shaper.h"

namespace vitrine::overlay {

/// A text as it will stand: its runs, line by line, and how much smaller than drawn.
struct SetText {
  struct Run {
    const RunRule* rule;
    std::string text;
  };
  std::vector<std::vector<Run>> lines;
  double scale = 1;
  double width = 0;  // of the widest line
};

/// Sets `runs` into `room` pixels: as drawn when they fit, else smaller in half pixels down to the rule's
/// least size, else cut with an ellipsis, or refused where that would change a figure. Several lines only for
/// a single run. Errors: kInvalidInput; the message says what is needed and what is there.
Result<SetText> fit_text(const TextRule& rule, std::vector<SetText::Run> runs, double room,
                         TextShaper& shaper);

}  // namespace vitrine::overlay
