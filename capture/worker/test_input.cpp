// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/input.h"

namespace vitrine::capture {
namespace {

/// test:bars, test:tone: made here, at a camera's pace.
class TestInput : public Input {
 public:
  explicit TestInput(InputContext context) : context_(context) {}

  Status build() override {
    if (context_.request.address.kind == SourceAddress::Kind::kTestBars && context_.picture != nullptr) {
      // SMPTE bars; the patch of noise at the bottom right shows that the picture is not frozen.
      return add("videotestsrc", "pattern", "smpte",
                 {{}, "video/x-raw,format=I420,width=1920,height=1080,framerate=30/1,colorimetry=bt709"},
                 *context_.picture);
    }
    if (context_.request.address.kind == SourceAddress::Kind::kTestTone && context_.sound != nullptr) {
      return add("audiotestsrc", "volume", "0.1",
                 {{}, "audio/x-raw,format=F32LE,layout=interleaved,rate=48000,channels=2"}, *context_.sound);
    }
    return fail(ErrorCode::kInvalidInput, context_.request.address.text() + " has no such stream");
  }

 private:
  Status add(const char* factory, const char* property, const char* value, const Tail& tail,
             StreamConsumer& consumer) {
    const auto source = add_element(context_.pipeline, factory);
    if (!source) return tl::unexpected(source.error());
    gst_util_set_object_arg(G_OBJECT(*source), "is-live", "true");
    gst_util_set_object_arg(G_OBJECT(*source), property, value);
    const GstPadPtr pad(gst_element_get_static_pad(*source, "src"));
    return attach_tail(context_.pipeline, pad.get(), tail, consumer);
  }

  const InputContext context_;
};

}  // namespace

std::unique_ptr<Input> make_test_input(InputContext context) {
  return std::make_unique<TestInput>(context);
}

}  // namespace vitrine::capture
