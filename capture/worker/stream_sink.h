// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "capture/worker/gst_handles.h"
#include "core/error.h"
#include "core/media_time.h"

namespace vitrine::capture {

/// One buffer as it leaves GStreamer.
struct StreamSample {
  GstBuffer* buffer = nullptr;
  const GstCaps* caps = nullptr;
  std::optional<MediaTime>
      captured_at;  // CLOCK_MONOTONIC; nullopt when it lies outside of what is to be shown
  bool is_after_gap = false;
};

/// kAsItComes: a live source's pace is the camera's. kByTimestamp: a file's is its timestamps'; its consumer
/// waits with each picture and block until its time has come, after decoding: packets are not in the order of
/// presentation.
enum class Pace { kAsItComes, kByTimestamp };
void keep_pace(Pace pace, MediaTime captured_at);

/// Takes one stream, encoded or raw. An error ends the worker.
/// Thread: take() and finish() on that stream's streaming thread; describe() on any.
class StreamConsumer {
 public:
  virtual ~StreamConsumer() = default;
  virtual Status take(const StreamSample& sample) = 0;
  /// The stream is over, or will begin anew: what a decoder still holds comes out now.
  virtual Status finish() = 0;
  /// "H.264 1920×1080 BT.709 limited"; empty before the first sample.
  [[nodiscard]] virtual std::string describe() const = 0;
};

/// An appsink, not in any bin yet, that hands each buffer to `consumer` and holds none back. Errors of the
/// consumer are posted with post_end().
Result<GstElement*> make_stream_sink(const GstCaps* accepted, StreamConsumer& consumer);

/// Tells the thread that watches `element`'s bus why this worker must end. Thread: any.
void post_end(GstElement* element, const Error& cause);
/// The error in such a message; nullopt for any other.
std::optional<Error> posted_end(GstMessage* message);

}  // namespace vitrine::capture
