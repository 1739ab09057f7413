// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/picture_convert.h"

#include <fmt/format.h>
#include <libyuv/convert.h>

extern "C" {
#include <libavutil/pixdesc.h>
}

#include "capture/worker/recolor.h"

namespace vitrine::capture {
namespace {

constexpr int kHighDefinitionLines = 720;

using PlanarConversion = decltype(libyuv::I422ToI420);

void convert_planar(PlanarConversion* to_i420, const AVFrame& in, const I420& out) {
  to_i420(in.data[0], in.linesize[0], in.data[1], in.linesize[1], in.data[2], in.linesize[2], out.y.data,
          out.y.stride_bytes, out.u.data, out.u.stride_bytes, out.v.data, out.v.stride_bytes, in.width,
          in.height);
}

using PackedConversion = decltype(libyuv::YUY2ToI420);

void convert_packed(PackedConversion* to_i420, const AVFrame& in, const I420& out) {
  to_i420(in.data[0], in.linesize[0], out.y.data, out.y.stride_bytes, out.u.data, out.u.stride_bytes,
          out.v.data, out.v.stride_bytes, in.width, in.height);
}

void convert_semi_planar(const AVFrame& in, const I420& out) {
  libyuv::NV12ToI420(in.data[0], in.linesize[0], in.data[1], in.linesize[1], out.y.data, out.y.stride_bytes,
                     out.u.data, out.u.stride_bytes, out.v.data, out.v.stride_bytes, in.width, in.height);
}

}  // namespace

ColorInfo color_of(AVColorSpace matrix, AVColorRange range, AVPixelFormat format, int height) {
  ColorInfo color;
  switch (matrix) {
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
    case AVCOL_SPC_FCC:
      color.matrix = ColorMatrix::kBt601;
      break;
    case AVCOL_SPC_UNSPECIFIED:
      color.matrix = height < kHighDefinitionLines ? ColorMatrix::kBt601 : ColorMatrix::kBt709;
      break;
    default:
      color.matrix = ColorMatrix::kBt709;
  }
  const bool is_full = range == AVCOL_RANGE_JPEG || format == AV_PIX_FMT_YUVJ420P ||
                       format == AV_PIX_FMT_YUVJ422P || format == AV_PIX_FMT_YUVJ444P;
  color.range = is_full ? ColorRange::kFull : ColorRange::kLimited;
  return color;
}

bool is_convertible(AVPixelFormat format) {
  switch (format) {
    case AV_PIX_FMT_YUV420P:
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUV422P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUV444P:
    case AV_PIX_FMT_YUVJ444P:
    case AV_PIX_FMT_GRAY8:
    case AV_PIX_FMT_NV12:
    case AV_PIX_FMT_YUYV422:
      return true;
    default:
      return false;
  }
}

Status convert(const AVFrame& frame, const I420& out) {
  const auto format = static_cast<AVPixelFormat>(frame.format);
  switch (format) {
    case AV_PIX_FMT_YUV420P:
    case AV_PIX_FMT_YUVJ420P:
      convert_planar(libyuv::I420Copy, frame, out);
      break;
    case AV_PIX_FMT_YUV422P:
    case AV_PIX_FMT_YUVJ422P:
      convert_planar(libyuv::I422ToI420, frame, out);
      break;
    case AV_PIX_FMT_YUV444P:
    case AV_PIX_FMT_YUVJ444P:
      convert_planar(libyuv::I444ToI420, frame, out);
      break;
    case AV_PIX_FMT_GRAY8:
      libyuv::I400ToI420(frame.data[0], frame.linesize[0], out.y.data, out.y.stride_bytes, out.u.data,
                         out.u.stride_bytes, out.v.data, out.v.stride_bytes, frame.width, frame.height);
      break;
    case AV_PIX_FMT_NV12:
      convert_semi_planar(frame, out);
      break;
    case AV_PIX_FMT_YUYV422:
      convert_packed(libyuv::YUY2ToI420, frame, out);
      break;
    default: {
      const char* name = av_get_pix_fmt_name(format);
      return fail(ErrorCode::kUnsupportedFormat,
                  fmt::format("pictures of pixel format {} can't be shown; set the camera to 8 bits, 4:2:0",
                              name != nullptr ? name : "unknown"));
    }
  }
  to_canvas_color(out, color_of(frame));
  return {};
}

}  // namespace vitrine::capture
