// SPDX-License-Identifier: Apache-2.0
#include "tests/overlay/test_photos.h"

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <gtest/gtest.h>
#include <webp/encode.h>

#include "overlay/render/glib_ptr.h"

namespace vitrine::overlay::test {
namespace {

GObjectPtr<GdkPixbuf> painted(Size size, const Paint& paint) {
  GObjectPtr<GdkPixbuf> pixbuf(gdk_pixbuf_new(GDK_COLORSPACE_RGB, FALSE, 8, size.width, size.height));
  for (int y = 0; y < size.height; ++y) {
    guchar* row = gdk_pixbuf_get_pixels(pixbuf.get()) +
                  static_cast<ptrdiff_t>(y) * gdk_pixbuf_get_rowstride(pixbuf.get());
    for (int x = 0; x < size.width; ++x) {
      const Rgb color = paint(x, y);
      row[3 * x] = color.red;
      row[3 * x + 1] = color.green;
      row[3 * x + 2] = color.blue;
    }
  }
  return pixbuf;
}

std::string saved(Size size, const Paint& paint, const char* type) {
  const auto pixbuf = painted(size, paint);
  gchar* buffer = nullptr;
  gsize bytes = 0;
  EXPECT_TRUE(gdk_pixbuf_save_to_buffer(pixbuf.get(), &buffer, &bytes, type, nullptr, nullptr));
  const GMemoryPtr<gchar> owned(buffer);
  return {buffer, bytes};
}

std::string big_endian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

uint32_t crc32_of(const std::string& bytes) {
  uint32_t crc = 0xFFFFFFFFU;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

std::string chunk(const std::string& type_and_data) {
  return big_endian(static_cast<uint32_t>(type_and_data.size() - 4)) + type_and_data +
         big_endian(crc32_of(type_and_data));
}

}  // namespace

std::string png_of(Size size, const Paint& paint) {
  return saved(size, paint, "png");
}
std::string jpeg_of(Size size, const Paint& paint) {
  return saved(size, paint, "jpeg");
}

std::string webp_of(Size size, const Paint& paint) {
  const auto pixbuf = painted(size, paint);
  uint8_t* buffer = nullptr;
  const size_t bytes = WebPEncodeLosslessRGB(gdk_pixbuf_get_pixels(pixbuf.get()), size.width, size.height,
                                             gdk_pixbuf_get_rowstride(pixbuf.get()), &buffer);
  std::string file(reinterpret_cast<const char*>(buffer), bytes);
  WebPFree(buffer);
  return file;
}

std::string with_orientation(const std::string& jpeg, int orientation) {
  std::string tiff("MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 19);
  tiff += static_cast<char>(orientation);
  tiff += std::string("\0\0\0\0\0\0", 6);
  const std::string exif = std::string("Exif\0\0", 6) + tiff;
  const auto length = static_cast<uint16_t>(exif.size() + 2);
  std::string segment("\xFF\xE1", 2);
  segment += static_cast<char>(length >> 8);
  segment += static_cast<char>(length & 0xFF);
  return jpeg.substr(0, 2) + segment + exif + jpeg.substr(2);
}

std::string png_bomb(uint32_t width, uint32_t height) {
  const std::string header =
      "IHDR" + big_endian(width) + big_endian(height) + std::string("\x08\x02\0\0\0", 5);
  return "\x89PNG\r\n\x1a\n" + chunk(header) + chunk("IDAT" + std::string("\x78\x9C\x63\0\0", 5)) +
         chunk("IEND");
}

Decoded decode_uri(const std::string& data_uri) {
  gsize size = 0;
  const GMemoryPtr<guchar> bytes(g_base64_decode(data_uri.substr(data_uri.find(',') + 1).c_str(), &size));
  const GObjectPtr<GdkPixbufLoader> loader(gdk_pixbuf_loader_new_with_type("png", nullptr));
  EXPECT_TRUE(gdk_pixbuf_loader_write(loader.get(), bytes.get(), size, nullptr));
  EXPECT_TRUE(gdk_pixbuf_loader_close(loader.get(), nullptr));
  const GdkPixbuf* pixbuf = gdk_pixbuf_loader_get_pixbuf(loader.get());
  Decoded decoded{{gdk_pixbuf_get_width(pixbuf), gdk_pixbuf_get_height(pixbuf)}, {}};
  const int channels = gdk_pixbuf_get_n_channels(pixbuf);
  for (int y = 0; y < decoded.size.height; ++y) {
    const guchar* row =
        gdk_pixbuf_read_pixels(pixbuf) + static_cast<ptrdiff_t>(y) * gdk_pixbuf_get_rowstride(pixbuf);
    for (int x = 0; x < decoded.size.width; ++x) {
      decoded.pixels.push_back({row[channels * x], row[channels * x + 1], row[channels * x + 2]});
    }
  }
  return decoded;
}

}  // namespace vitrine::overlay::test
