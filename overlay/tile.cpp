// SPDX-License-Identifier: Apache-2.0
#include "overlay/tile.h"

#include <algorithm>

#include <fmt/format.h>

namespace vitrine::overlay {
namespace {

// Rows start on a cache line.
constexpr int kAlignment = 64;
constexpr int align_up(int value) {
  return (value + kAlignment - 1) / kAlignment * kAlignment;
}

// An opaque or empty run shorter than this is blended with its neighbours: that costs less than another call,
// and the result is the same, because blending at alpha 255 copies and at alpha 0 keeps.
constexpr int kShortestRun = 16;

enum class Kind : uint8_t { kEmpty, kTranslucent, kOpaque };

struct Run {
  int begin;
  int end;
  Kind kind;
};

Kind kind_of(const Tile::Plane& row, const uint8_t* second, int x) {
  if (row.alpha[x] == 255) return Kind::kOpaque;
  // Colour without alpha is not empty: it adds light. Only a broken worker sends it, but what it sends is
  // what is shown.
  const bool has_color = row.samples[x] != 0 || (second != nullptr && second[x] != 0);
  return row.alpha[x] == 0 && !has_color ? Kind::kEmpty : Kind::kTranslucent;
}

/// The runs of a row, short ones merged into their translucent neighbours.
void collect_runs(const Tile::Plane& row, const uint8_t* second, int width, std::vector<Run>& runs) {
  runs.clear();
  for (int x = 0; x < width;) {
    Run run{x, x + 1, kind_of(row, second, x)};
    while (run.end < width && kind_of(row, second, run.end) == run.kind) ++run.end;
    x = run.end;
    const bool is_short = run.end - run.begin < kShortestRun;
    const bool is_gap = run.begin > 0 && run.end < width;
    if (is_short && (run.kind == Kind::kOpaque || is_gap)) run.kind = Kind::kTranslucent;
    if (!runs.empty() && runs.back().kind == run.kind) {
      runs.back().end = run.end;
    } else {
      runs.push_back(run);
    }
  }
}

}  // namespace

TileLayout::TileLayout(Size tile_size)
    : size(tile_size),
      luma_stride_bytes(align_up(size.width)),
      chroma_stride_bytes(align_up(size.width / 2)) {
  const size_t luma_bytes = static_cast<size_t>(luma_stride_bytes) * static_cast<size_t>(size.height);
  const size_t chroma_bytes = static_cast<size_t>(chroma_stride_bytes) * static_cast<size_t>(size.height / 2);
  alpha = luma_bytes;
  u = 2 * luma_bytes;
  v = u + chroma_bytes;
  chroma_alpha = v + chroma_bytes;
  bytes = chroma_alpha + chroma_bytes;
}

Tile::Tile(Passkey, const Rect& rect, Mapping mapping)
    : rect_(rect), layout_(rect.size()), mapping_(std::move(mapping)) {
}

std::shared_ptr<const Tile> Tile::blank() {
  return std::make_shared<Tile>(Passkey(), Rect{}, Mapping());
}

Result<std::shared_ptr<const Tile>> Tile::open(UniqueFd fd, const Rect& rect) {
  const auto is_even = [](int value) { return value % 2 == 0; };
  const bool is_good = is_even(rect.x) && is_even(rect.y) && is_even(rect.width) && is_even(rect.height) &&
                       std::abs(rect.x) <= kMaxSide && std::abs(rect.y) <= kMaxSide && rect.width >= 2 &&
                       rect.height >= 2 && rect.width <= kMaxSide && rect.height <= kMaxSide;
  if (!is_good) {
    return fail(ErrorCode::kProtocol,
                fmt::format("render worker sent a tile of {}x{} at {},{}; allowed: even, 2 to {} a side",
                            rect.width, rect.height, rect.x, rect.y, kMaxSide));
  }
  const TileLayout layout(rect.size());
  auto size = verify_memfd(fd.get(), Sealing::kImmutable, layout.bytes);
  if (!size) return tl::unexpected(size.error());
  if (*size != layout.bytes) {
    return fail(ErrorCode::kProtocol,
                fmt::format("render worker sent {} bytes for a tile of {}x{}, which needs {}", *size,
                            rect.width, rect.height, layout.bytes));
  }
  auto mapping = Mapping::create(fd.get(), 0, layout.bytes, Mapping::Access::kRead);
  if (!mapping) return tl::unexpected(mapping.error());
  const auto tile = std::make_shared<Tile>(Passkey(), rect, std::move(*mapping));
  tile->luma_spans_ = find_spans(rect.size(), tile->luma(), nullptr);
  tile->chroma_spans_ = find_spans({rect.width / 2, rect.height / 2}, tile->u(), tile->v().samples);
  return tile;
}

Tile::Plane Tile::luma() const {
  return {mapping_.data() + layout_.y, mapping_.data() + layout_.alpha, layout_.luma_stride_bytes};
}
Tile::Plane Tile::u() const {
  return {mapping_.data() + layout_.u, mapping_.data() + layout_.chroma_alpha, layout_.chroma_stride_bytes};
}
Tile::Plane Tile::v() const {
  return {mapping_.data() + layout_.v, mapping_.data() + layout_.chroma_alpha, layout_.chroma_stride_bytes};
}

Tile::SpanTable Tile::find_spans(Size size, const Plane& plane, const uint8_t* second_samples) {
  SpanTable table;
  table.row_begin.reserve(static_cast<size_t>(size.height) + 1);
  std::vector<Run> runs;
  for (int row = 0; row < size.height; ++row) {
    table.row_begin.push_back(static_cast<uint32_t>(table.spans.size()));
    const ptrdiff_t offset = static_cast<ptrdiff_t>(row) * plane.stride_bytes;
    collect_runs({plane.samples + offset, plane.alpha + offset, plane.stride_bytes},
                 second_samples == nullptr ? nullptr : second_samples + offset, size.width, runs);
    for (const auto& run : runs) {
      if (run.kind == Kind::kEmpty) continue;
      table.spans.push_back(
          {static_cast<uint16_t>(run.begin), static_cast<uint16_t>(run.end), run.kind == Kind::kOpaque});
    }
  }
  table.row_begin.push_back(static_cast<uint32_t>(table.spans.size()));
  table.spans.shrink_to_fit();
  return table;
}

}  // namespace vitrine::overlay
