// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/error.h"
#include "core/geometry.h"
#include "core/shared_memory.h"
#include "core/unique_fd.h"

namespace vitrine::overlay {

/// Where the planes of a tile lie in its memfd: Y, alpha, then U, V and the chroma's alpha at half size.
struct TileLayout {
  explicit TileLayout(Size size);
  Size size;
  int luma_stride_bytes;
  int chroma_stride_bytes;
  size_t y = 0, alpha, u, v, chroma_alpha;  // offsets
  size_t bytes;
};

/// A picture to be laid over a canvas: premultiplied I420, BT.709 limited, with an alpha for luma and one,
/// the mean of its four, for chroma. Immutable. Position and size are even, so that chroma samples of tile
/// and canvas coincide. The pixels come from a worker that is not trusted: the memfd is sealed, its size is
/// checked, and which pixels are empty or opaque is found out here. A broken worker can show wrong pixels,
/// and nothing else.
class Tile {
  struct Passkey {};  // open() and blank() are the ways to make one

 public:
  Tile(Passkey, const Rect& rect, Mapping mapping);

  /// Part of a row that is not empty: [begin, end).
  struct Span {
    uint16_t begin;
    uint16_t end;
    bool is_opaque;
  };

  static constexpr int kMaxSide = 4096;

  /// Maps the tile and finds its spans: reads every alpha, so not for the frame path. Errors: kProtocol.
  static Result<std::shared_ptr<const Tile>> open(UniqueFd fd, const Rect& rect);
  /// A tile that shows nothing: what a template without the wanted form turns into.
  static std::shared_ptr<const Tile> blank();

  /// Where the theme puts it. Width and height are 0 for a blank one.
  [[nodiscard]] const Rect& rect() const { return rect_; }
  [[nodiscard]] size_t bytes() const { return mapping_.size(); }

  /// Samples of one kind, with the spans of each row, for the mixer.
  struct Plane {
    const uint8_t* samples;
    const uint8_t* alpha;
    int stride_bytes;
  };
  [[nodiscard]] Plane luma() const;
  [[nodiscard]] Plane u() const;
  [[nodiscard]] Plane v() const;
  [[nodiscard]] std::span<const Span> luma_spans(int row) const { return luma_spans_.of(row); }
  [[nodiscard]] std::span<const Span> chroma_spans(int row) const { return chroma_spans_.of(row); }

 private:
  struct SpanTable {
    std::vector<Span> spans;
    std::vector<uint32_t> row_begin;  // rows + 1 entries
    [[nodiscard]] std::span<const Span> of(int row) const {
      const auto begin = row_begin[static_cast<size_t>(row)];
      return std::span(spans).subspan(begin, row_begin[static_cast<size_t>(row) + 1] - begin);
    }
  };

  static SpanTable find_spans(Size size, const Plane& plane, const uint8_t* second_samples);

  Rect rect_;
  TileLayout layout_;
  Mapping mapping_;
  SpanTable luma_spans_;
  SpanTable chroma_spans_;
};

}  // namespace vitrine::overlay
