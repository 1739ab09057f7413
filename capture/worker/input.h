// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "capture/source_protocol.h"
#include "capture/worker/codecs.h"
#include "capture/worker/gst_handles.h"
#include "capture/worker/stream_sink.h"
#include "core/error.h"

namespace vitrine::capture {

/// What an input is built into and for. All of it outlives the input.
struct InputContext {
  const OpenRequest& request;
  GstElement* pipeline;
  StreamConsumer* picture;  // null: not wanted
  StreamConsumer* sound;    // null: not wanted

  [[nodiscard]] StreamConsumer* consumer(StreamKind kind) const {
    return kind == StreamKind::kPicture ? picture : sound;
  }
};

/// The part of a pipeline that differs by kind of source: which elements, how they are brought to play, and
/// what their errors mean to a technician.
class Input {
 public:
  virtual ~Input() = default;

  /// Adds the elements that are there from the start. Thread: the pipeline's, as all others but missing().
  virtual Status build() = 0;
  /// What must happen before PLAYING. May block: the worker's heart beats on another thread.
  virtual Status prepare() { return {}; }
  /// The stream came to its end. Errors: it is not one that can be played again.
  virtual Status rewind() { return fail(ErrorCode::kNoSignal, "the source ended its stream"); }
  /// What GStreamer's error means; nullopt leaves it to the general rules.
  virtual std::optional<Error> explain(const GError& error, const std::string& details) {
    (void)error;
    (void)details;
    return std::nullopt;
  }
  /// What was wanted and can't be had while the rest goes on: "no sound: the camera sends G726". Thread: any.
  [[nodiscard]] virtual std::string missing() const { return {}; }
};

std::unique_ptr<Input> make_rtsp_input(InputContext context);
std::unique_ptr<Input> make_file_input(InputContext context);
std::unique_ptr<Input> make_v4l2_input(InputContext context);
std::unique_ptr<Input> make_alsa_input(InputContext context);
std::unique_ptr<Input> make_test_input(InputContext context);

/// A new element in the pipeline, by factory name.
Result<GstElement*> add_element(GstElement* pipeline, const char* factory);

/// What stands between a source's pad and the consumer.
struct Tail {
  std::array<const char*, 2> factories;  // elements in order; null names are skipped
  const char* accepted_caps;
};
/// Links it behind `pad` and brings it to the state the pipeline is in.
Status attach_tail(GstElement* pipeline, GstPad* pad, const Tail& tail, StreamConsumer& consumer);

/// GStreamer's error as one of ours: by the input's own rules first, then by the general ones.
Error explain_message(GstMessage* message, Input& input);

}  // namespace vitrine::capture
