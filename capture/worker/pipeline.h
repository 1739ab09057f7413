// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "capture/source_protocol.h"
#include "capture/worker/gst_handles.h"
#include "capture/worker/input.h"
#include "capture/worker/stream_sink.h"

namespace vitrine::capture {

/// One source's GStreamer pipeline, made of named elements only, on CLOCK_MONOTONIC.
class Pipeline {
 public:
  /// `request` and the consumers outlive the pipeline; a consumer is null when its stream is not wanted.
  static Result<std::unique_ptr<Pipeline>> create(const OpenRequest& request, StreamConsumer* picture,
                                                  StreamConsumer* sound);

  /// Plays until the source fails or ends, and returns why. Thread: one of its own.
  Error play();

  [[nodiscard]] std::string missing() const { return input_->missing(); }  // thread: any

 private:
  Pipeline(GstElementPtr pipeline, std::unique_ptr<Input> input);
  Status start();
  Error cause_of(Error fallback);

  GstElementPtr pipeline_;
  GstBusPtr bus_;
  std::unique_ptr<Input> input_;
};

}  // namespace vitrine::capture
