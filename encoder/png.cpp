// SPDX-License-Identifier: Apache-2.0
#include "encoder/png.h"

extern "C" {
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <array>

#include "encoder/detail/libav.h"

namespace vitrine::encoder {
namespace {

using detail::av_status;
using SwsContextPtr = std::unique_ptr<SwsContext, detail::Deleter<&sws_freeContext>>;

/// I420 to RGB of its size, as a screen shows it.
Status convert(const ConstI420& picture, AVFrame& rgb) {
  const auto [width, height] = picture.size;
  const int filter = rgb.width < width ? SWS_AREA : SWS_BICUBIC;
  const SwsContextPtr scaler(sws_getContext(width, height, AV_PIX_FMT_YUV420P, rgb.width, rgb.height,
                                            AV_PIX_FMT_RGB24, filter | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT,
                                            nullptr, nullptr, nullptr));
  if (!scaler) return fail(ErrorCode::kEncodeFailed, "png: no conversion for this size");
  const int* const bt709 = sws_getCoefficients(SWS_CS_ITU709);
  constexpr int kLimited = 0;
  constexpr int kFull = 1;
  constexpr int kOne = 1 << 16;
  sws_setColorspaceDetails(scaler.get(), bt709, kLimited, bt709, kFull, 0, kOne, kOne);
  const std::array<const uint8_t*, 3> planes{picture.y.data, picture.u.data, picture.v.data};
  const std::array<int, 3> strides{picture.y.stride_bytes, picture.u.stride_bytes, picture.v.stride_bytes};
  return av_status(ErrorCode::kEncodeFailed, "png: converting",
                   sws_scale(scaler.get(), planes.data(), strides.data(), 0, height, rgb.data, rgb.linesize));
}

}  // namespace

Result<Bytes> encode_png(const ConstI420& picture, int most_width) {
  detail::route_libav_log();
  const AVCodec* const png = avcodec_find_encoder(AV_CODEC_ID_PNG);
  const detail::AvCodecContextPtr codec(avcodec_alloc_context3(png));
  const detail::AvFramePtr rgb(av_frame_alloc());
  const detail::AvPacketPtr packet(av_packet_alloc());
  if (!codec || !rgb || !packet) return fail(ErrorCode::kEncodeFailed, "png: out of memory");
  const auto [width, height] = picture.size;
  codec->width = rgb->width = std::min(width, most_width);
  codec->height = rgb->height = std::max<int>(1, static_cast<int>(int64_t{height} * codec->width / width));
  codec->pix_fmt = AV_PIX_FMT_RGB24;
  rgb->format = AV_PIX_FMT_RGB24;
  codec->time_base = {1, 1};
  auto ok = av_status(ErrorCode::kEncodeFailed, "png", av_frame_get_buffer(rgb.get(), 0));
  if (ok) ok = convert(picture, *rgb);
  if (ok) ok = av_status(ErrorCode::kEncodeFailed, "png", avcodec_open2(codec.get(), png, nullptr));
  if (ok) ok = av_status(ErrorCode::kEncodeFailed, "png", avcodec_send_frame(codec.get(), rgb.get()));
  if (ok) ok = av_status(ErrorCode::kEncodeFailed, "png", avcodec_receive_packet(codec.get(), packet.get()));
  if (!ok) return tl::unexpected(ok.error());
  return Bytes(packet->data, packet->data + packet->size);
}

}  // namespace vitrine::encoder
