// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include <glib-object.h>

namespace vitrine::overlay {

struct GObjectUnref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <typename T>
using GObjectPtr = std::unique_ptr<T, GObjectUnref>;

struct GFree {
  void operator()(void* memory) const { g_free(memory); }
};
template <typename T>
using GMemoryPtr = std::unique_ptr<T, GFree>;

/// A GError's text, and the error freed.
class GErrorSlot {
 public:
  GErrorSlot() = default;
  GErrorSlot(const GErrorSlot&) = delete;
  GErrorSlot& operator=(const GErrorSlot&) = delete;
  ~GErrorSlot() { g_clear_error(&error_); }
  [[nodiscard]] GError** out() { return &error_; }
  [[nodiscard]] std::string text() const { return error_ == nullptr ? "unknown reason" : error_->message; }

 private:
  GError* error_ = nullptr;
};

}  // namespace vitrine::overlay
