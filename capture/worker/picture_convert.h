// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "capture/worker/av_handles.h"
#include "core/error.h"
#include "core/pixel_format.h"
#include "core/video_frame.h"

namespace vitrine::capture {

/// What the numbers of a picture mean. What its sender doesn't say is BT.601 below 720 lines and BT.709 from
/// there, limited range: what cameras of that size are made to.
ColorInfo color_of(AVColorSpace matrix, AVColorRange range, AVPixelFormat format, int height);
inline ColorInfo color_of(const AVFrame& frame) {
  return color_of(frame.colorspace, frame.color_range, static_cast<AVPixelFormat>(frame.format),
                  frame.height);
}

/// True for the pixel formats that convert() takes.
bool is_convertible(AVPixelFormat format);

/// Writes `frame` as I420 in the canvas's colours. `out` has the frame's size.
/// Errors: kUnsupportedFormat with the format's name.
Status convert(const AVFrame& frame, const I420& out);

}  // namespace vitrine::capture
