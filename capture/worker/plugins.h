// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.h"
#include "core/source_address.h"

namespace vitrine::capture {

/// Starts GStreamer with the plugins this kind of source needs, by file name, and with none besides: no scan,
/// no registry file, no helper process, and nothing a hostile stream could have plugged in. Thread: main,
/// before any other thread starts (it sets the environment).
Status start_gstreamer(const SourceAddress& address);

}  // namespace vitrine::capture
