// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <climits>

#include "core/error.h"
#include "core/packet.h"
#include "core/video_frame.h"

namespace vitrine::encoder {

/// A picture in the canvas's colours (BT.709, limited range) as the bytes of a PNG file; a wider one than
/// `most_width` is made that wide.
/// Thread: any; takes some 100 ms for 1080p, so not the programme's.
/// Errors: kEncodeFailed.
Result<Bytes> encode_png(const ConstI420& picture, int most_width = INT_MAX);

}  // namespace vitrine::encoder
