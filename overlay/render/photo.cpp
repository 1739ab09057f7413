// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/photo.h"

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fcntl.h>

#include <fmt/format.h>
#include <gdk-pixbuf/gdk-pixbuf.h>
#include <webp/decode.h>

#include "overlay/render/glib_ptr.h"

namespace vitrine::overlay {
namespace {

using PixbufPtr = GObjectPtr<GdkPixbuf>;
using Bytes = std::vector<uint8_t>;

constexpr size_t kMaxRemembered = 64;

enum class Format { kUnknown, kPng, kJpeg, kWebp };

Format format_of(const uint8_t* data, size_t size) {
  const auto starts_with = [&](std::string_view magic, size_t at) {
    return size >= at + magic.size() && std::memcmp(data + at, magic.data(), magic.size()) == 0;
  };
  if (starts_with("\x89PNG\r\n\x1a\n", 0)) return Format::kPng;
  if (starts_with("\xFF\xD8\xFF", 0)) return Format::kJpeg;
  if (starts_with("RIFF", 0) && starts_with("WEBP", 8)) return Format::kWebp;
  return Format::kUnknown;
}

tl::unexpected<Error> unsupported(std::string message) {
  return fail(ErrorCode::kUnsupportedFormat, std::move(message));
}

Status check_size(int64_t width, int64_t height, const PhotoLimits& limits) {
  if (width >= limits.min_side && height >= limits.min_side && width * height <= limits.max_pixels) return {};
  return unsupported(fmt::format("{} x {} pixels; allowed: at least {} a side and at most {} million", width,
                                 height, limits.min_side, limits.max_pixels / 1'000'000));
}

/// What a GdkPixbufLoader learns on the way.
struct LoadProgress {
  const PhotoLimits* limits;
  Status size_check;
  int height = 0;
  int rows_done = 0;
};

void on_size(GdkPixbufLoader* loader, int width, int height, gpointer user_data) {
  auto& progress = *static_cast<LoadProgress*>(user_data);
  progress.height = height;
  progress.size_check = check_size(width, height, *progress.limits);
  // Size 0 makes the loader stop before it allocates (gdk-pixbuf, io-png.c and io-jpeg.c).
  if (!progress.size_check) gdk_pixbuf_loader_set_size(loader, 0, 0);
}

void on_area(GdkPixbufLoader*, int, int y, int, int height, gpointer user_data) {
  auto& progress = *static_cast<LoadProgress*>(user_data);
  progress.rows_done = std::max(progress.rows_done, y + height);
}

Result<PixbufPtr> decode_with_gdk(const uint8_t* data, size_t size, const char* type,
                                  const PhotoLimits& limits) {
  GErrorSlot error;
  const GObjectPtr<GdkPixbufLoader> loader(gdk_pixbuf_loader_new_with_type(type, error.out()));
  if (!loader) return unsupported(fmt::format("this box can't decode {}: {}", type, error.text()));
  LoadProgress progress{&limits, {}};
  g_signal_connect(loader.get(), "size-prepared", G_CALLBACK(on_size), &progress);
  g_signal_connect(loader.get(), "area-updated", G_CALLBACK(on_area), &progress);
  const bool is_written = gdk_pixbuf_loader_write(loader.get(), data, size, error.out()) != FALSE;
  GErrorSlot close_error;
  const bool is_closed = gdk_pixbuf_loader_close(loader.get(), close_error.out()) != FALSE;
  if (!progress.size_check) return tl::unexpected(progress.size_check.error());
  if (!is_written || !is_closed) {
    return unsupported(fmt::format("a damaged {}: {}", type, is_written ? close_error.text() : error.text()));
  }
  GdkPixbuf* const decoded = gdk_pixbuf_loader_get_pixbuf(loader.get());
  // libjpeg fills what is missing with grey and calls it a warning.
  if (decoded == nullptr || progress.rows_done < progress.height) {
    return unsupported(
        fmt::format("a {} that is cut off after row {} of {}", type, progress.rows_done, progress.height));
  }
  return PixbufPtr(gdk_pixbuf_apply_embedded_orientation(decoded));
}

Result<PixbufPtr> decode_webp(const uint8_t* data, size_t size, const PhotoLimits& limits) {
  WebPBitstreamFeatures features{};
  if (WebPGetFeatures(data, size, &features) != VP8_STATUS_OK) return unsupported("a damaged WebP");
  if (features.has_animation != 0) return unsupported("an animated WebP; allowed: a still picture");
  if (auto checked = check_size(features.width, features.height, limits); !checked)
    return tl::unexpected(checked.error());
  PixbufPtr pixbuf(gdk_pixbuf_new(GDK_COLORSPACE_RGB, TRUE, 8, features.width, features.height));
  if (!pixbuf) return fail(ErrorCode::kRenderFailed, "no memory for a decoded WebP");
  const auto stride = static_cast<size_t>(gdk_pixbuf_get_rowstride(pixbuf.get()));
  const size_t bytes = stride * static_cast<size_t>(features.height);
  if (WebPDecodeRGBAInto(data, size, gdk_pixbuf_get_pixels(pixbuf.get()), bytes, static_cast<int>(stride)) ==
      nullptr) {
    return unsupported("a damaged WebP");
  }
  return pixbuf;
}

Result<PixbufPtr> decode(const Bytes& bytes, const PhotoLimits& limits) {
  switch (format_of(bytes.data(), bytes.size())) {
    case Format::kPng:
      return decode_with_gdk(bytes.data(), bytes.size(), "png", limits);
    case Format::kJpeg:
      return decode_with_gdk(bytes.data(), bytes.size(), "jpeg", limits);
    case Format::kWebp:
      return decode_webp(bytes.data(), bytes.size(), limits);
    case Format::kUnknown:
      break;
  }
  return unsupported("neither PNG nor JPEG nor WebP by its first bytes; allowed: these three");
}

Result<Bytes> read_all(int fd, size_t size) {
  Bytes bytes(size);
  size_t done = 0;
  while (done < size) {
    const ssize_t count = ::read(fd, bytes.data() + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail_errno(ErrorCode::kIo, "reading the photo");
    done += static_cast<size_t>(count);
  }
  return bytes;
}

PixbufPtr resized(const GdkPixbuf* photo, Size box, PhotoStore::Crop crop) {
  const double width = gdk_pixbuf_get_width(photo);
  const double height = gdk_pixbuf_get_height(photo);
  const double across = box.width / width;
  const double down = box.height / height;
  const double scale = crop == PhotoStore::Crop::kCover ? std::max(across, down) : std::min(across, down);
  Size size = box;
  if (crop == PhotoStore::Crop::kContain) {
    size.width = std::clamp(static_cast<int>(std::lround(width * scale)), 1, box.width);
    size.height = std::clamp(static_cast<int>(std::lround(height * scale)), 1, box.height);
  }
  PixbufPtr result(
      gdk_pixbuf_new(GDK_COLORSPACE_RGB, gdk_pixbuf_get_has_alpha(photo), 8, size.width, size.height));
  if (!result) return result;
  gdk_pixbuf_scale(photo, result.get(), 0, 0, size.width, size.height, (size.width - width * scale) / 2,
                   (size.height - height * scale) / 2, scale, scale, GDK_INTERP_BILINEAR);
  return result;
}

Result<std::string> to_data_uri(GdkPixbuf* pixbuf) {
  gchar* buffer = nullptr;
  gsize size = 0;
  GErrorSlot error;
  // Fast rather than small: it is decoded again within milliseconds, in this process.
  if (gdk_pixbuf_save_to_buffer(pixbuf, &buffer, &size, "png", error.out(), "compression", "1", nullptr) ==
      FALSE) {
    return fail(ErrorCode::kRenderFailed, "encoding a resized photo: " + error.text());
  }
  const GMemoryPtr<gchar> png(buffer);
  const GMemoryPtr<gchar> base64(g_base64_encode(reinterpret_cast<const guchar*>(png.get()), size));
  return std::string("data:image/png;base64,") + base64.get();
}

}  // namespace

PhotoStore::PhotoStore(std::vector<std::filesystem::path> directories, PhotoLimits limits)
    : directories_(std::move(directories)), limits_(limits) {
}

Result<UniqueFd> PhotoStore::open(const std::string& name) const {
  std::string tried;
  for (const auto& directory : directories_) {
    const UniqueFd root(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    tried += (tried.empty() ? "" : ", ") + directory.string();
    if (!root.is_open()) continue;
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;  // a fifo must not hold us
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    UniqueFd file(static_cast<int>(::syscall(SYS_openat2, root.get(), name.c_str(), &how, sizeof how)));
    if (file.is_open()) return file;
    if (errno != ENOENT && errno != ENOTDIR) return fail_errno(ErrorCode::kPermission, name);
  }
  return fail(ErrorCode::kNotFound, fmt::format("no such file in {}", tried));
}

Result<std::shared_ptr<const PhotoStore::Fitted>> PhotoStore::fit(const std::string& name, Size box,
                                                                  Crop crop) {
  auto file = open(name);
  if (!file) return tl::unexpected(file.error());
  struct stat status {};
  if (::fstat(file->get(), &status) != 0) return fail_errno(ErrorCode::kIo, name);
  if (!S_ISREG(status.st_mode)) return unsupported("not a regular file");
  if (status.st_size <= 0 || static_cast<size_t>(status.st_size) > limits_.max_bytes) {
    return unsupported(fmt::format("{} bytes; allowed 1 to {}", status.st_size, limits_.max_bytes));
  }
  const auto is_same = [&](const Remembered& item) {
    return item.name == name && item.box == box && item.crop == crop && item.bytes == status.st_size &&
           item.changed.tv_sec == status.st_mtim.tv_sec && item.changed.tv_nsec == status.st_mtim.tv_nsec;
  };
  if (const auto found = std::ranges::find_if(remembered_, is_same); found != remembered_.end()) {
    remembered_.splice(remembered_.begin(), remembered_, found);
    return found->photo;
  }
  auto bytes = read_all(file->get(), static_cast<size_t>(status.st_size));
  if (!bytes) return tl::unexpected(bytes.error());
  auto decoded = decode(*bytes, limits_);
  if (!decoded) return tl::unexpected(decoded.error());
  const PixbufPtr small = resized(decoded->get(), box, crop);
  if (!small) return fail(ErrorCode::kRenderFailed, "no memory for a resized photo");
  auto uri = to_data_uri(small.get());
  if (!uri) return tl::unexpected(uri.error());
  const Size size{gdk_pixbuf_get_width(small.get()), gdk_pixbuf_get_height(small.get())};
  auto photo = std::make_shared<const Fitted>(Fitted{size, std::move(*uri)});
  remembered_.push_front({name, box, crop, status.st_mtim, status.st_size, photo});
  if (remembered_.size() > kMaxRemembered) remembered_.pop_back();
  return photo;
}

Status check_embedded_image(std::string_view data_uri) {
  constexpr std::string_view kPng = "data:image/png;base64,";
  constexpr std::string_view kJpeg = "data:image/jpeg;base64,";
  if (!data_uri.starts_with(kPng) && !data_uri.starts_with(kJpeg)) {
    return unsupported(
        fmt::format("embedded data \"{}\"", data_uri.substr(0, std::min<size_t>(40, data_uri.find(',')))));
  }
  const std::string base64(data_uri.substr(data_uri.find(',') + 1));
  gsize size = 0;
  const GMemoryPtr<guchar> bytes(g_base64_decode(base64.c_str(), &size));
  constexpr PhotoLimits kEmbedded{2U << 20, 4'000'000, 1};
  auto decoded = decode(Bytes(bytes.get(), bytes.get() + size), kEmbedded);
  if (!decoded) return tl::unexpected(Error{decoded.error()}.with_context("an embedded picture"));
  return {};
}

}  // namespace vitrine::overlay
