// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/rasterizer.h"

#include <cairo.h>
#include <cerrno>
#include <unistd.h>

#include <fmt/format.h>
#include <librsvg/rsvg.h>

#include "overlay/render/glib_ptr.h"

namespace vitrine::overlay {
namespace {

struct DestroySurface {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
};
struct DestroyContext {
  void operator()(cairo_t* context) const { cairo_destroy(context); }
};

Result<GObjectPtr<RsvgHandle>> load(const std::string& svg) {
  GErrorSlot error;
  GObjectPtr<RsvgHandle> handle(
      rsvg_handle_new_from_data(reinterpret_cast<const guint8*>(svg.data()), svg.size(), error.out()));
  if (!handle) return fail(ErrorCode::kRenderFailed, "librsvg can't read it: " + error.text());
  return handle;
}

cairo_status_t write_bytes(void* closure, const unsigned char* data, unsigned int length) {
  const int fd = *static_cast<const int*>(closure);
  while (length > 0) {
    const ssize_t count = ::write(fd, data, length);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return CAIRO_STATUS_WRITE_ERROR;
    data += count;
    length -= static_cast<unsigned int>(count);
  }
  return CAIRO_STATUS_SUCCESS;
}

}  // namespace

struct Pixmap::Impl {
  std::unique_ptr<cairo_surface_t, DestroySurface> surface;
};

Pixmap::Pixmap() : impl_(std::make_unique<Impl>()) {
}
Pixmap::Pixmap(Pixmap&&) noexcept = default;
Pixmap& Pixmap::operator=(Pixmap&&) noexcept = default;
Pixmap::~Pixmap() = default;

Size Pixmap::size() const {
  if (!impl_->surface) return {};
  return {cairo_image_surface_get_width(impl_->surface.get()),
          cairo_image_surface_get_height(impl_->surface.get())};
}
int Pixmap::stride_bytes() const {
  return cairo_image_surface_get_stride(impl_->surface.get());
}
const uint8_t* Pixmap::data() const {
  return cairo_image_surface_get_data(impl_->surface.get());
}

Status Pixmap::write_png(int fd) const {
  const auto status = cairo_surface_write_to_png_stream(impl_->surface.get(), &write_bytes, &fd);
  if (status != CAIRO_STATUS_SUCCESS)
    return fail(ErrorCode::kIo, fmt::format("writing PNG: {}", cairo_status_to_string(status)));
  return {};
}

Result<Pixmap> rasterize(const std::string& svg, const Box& box, Size size) {
  auto handle = load(svg);
  if (!handle) return tl::unexpected(handle.error());
  Pixmap pixmap;
  pixmap.impl_->surface.reset(cairo_image_surface_create(CAIRO_FORMAT_ARGB32, size.width, size.height));
  cairo_surface_t* const surface = pixmap.impl_->surface.get();
  if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS) {
    return fail(ErrorCode::kRenderFailed,
                fmt::format("no memory for {} x {} pixels", size.width, size.height));
  }
  const std::unique_ptr<cairo_t, DestroyContext> context(cairo_create(surface));
  const RsvgRectangle viewport{box.x, box.y, box.width, box.height};
  GErrorSlot error;
  if (rsvg_handle_render_document(handle->get(), context.get(), &viewport, error.out()) == FALSE) {
    return fail(ErrorCode::kRenderFailed, "librsvg can't draw it: " + error.text());
  }
  cairo_surface_flush(surface);
  return pixmap;
}

Result<Box> logical_box(const std::string& svg, const std::string& id, const Box& box) {
  auto handle = load(svg);
  if (!handle) return tl::unexpected(handle.error());
  const RsvgRectangle viewport{box.x, box.y, box.width, box.height};
  RsvgRectangle ink{};
  RsvgRectangle logical{};
  GErrorSlot error;
  if (rsvg_handle_get_geometry_for_layer(handle->get(), ("#" + id).c_str(), &viewport, &ink, &logical,
                                         error.out()) == FALSE) {
    return fail(ErrorCode::kRenderFailed, error.text());
  }
  return Box{logical.x, logical.y, logical.width, logical.height};
}

}  // namespace vitrine::overlay
