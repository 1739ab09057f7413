// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "commerce/item.h"
#include "core/error.h"

namespace vitrine::commerce {

inline constexpr size_t kMostTableBytes = size_t{16} << 20;
inline constexpr int64_t kMostTableRows = 50'000;
inline constexpr size_t kMostTableColumns = 64;

/// What a column of a shop's table is about. Which titles name it: docs/shop-local.md.
enum class TableColumn {
  kNumber = 0,  // 编号: needed
  kVariant,     // SKU beside a number: one row a variant
  kTitle,       // 商品名称: needed
  kOption,
  kCategory,
  kPrice,  // 售价: needed
  kReferencePrice,
  kReferenceBasis,
  kStock,
  kPhoto,
  kLink,
  kStatus,
};

/// Names of the photos in a folder, by themselves in lower case: Windows writes "A001.JPG" where the table
/// says "a001.jpg".
using PhotoNames = std::map<std::string, std::string>;
/// Of `files` those that are named as photos are: jpg, jpeg, png, webp.
PhotoNames photo_names(std::span<const std::string> files);
/// What an item's `image_url` begins with where the photo is a file of that folder.
inline constexpr std::string_view kShopPhoto = "photo:";

/// A row that can be taken. `item.price` is the price without any timed one; `item.image_url` is an http(s)
/// address or "photo:NAME", a file of the shop's photo folder that may be missing; `item.version` is empty.
struct TableItem {
  int64_t row = 0;  // as the spreadsheet program numbers it
  CatalogueItem item;
  std::string reference_basis;  // what the reference price is: "门店价"
  Problems remarks;             // it is taken nevertheless
};

struct RefusedTableRow {
  int64_t row = 0;
  Ref ref;            // as far as it could be read
  Problems problems;  // where: "row 7, 售价"
};

struct ItemTable {
  std::string encoding;
  char separator = ',';
  int64_t title_row = 0;
  std::map<TableColumn, std::string> columns;  // those that are there, with their titles
  std::vector<std::string> ignored;            // titles that name no column
  std::vector<TableItem> items;
  std::vector<RefusedTableRow> refused;

  [[nodiscard]] bool has(TableColumn column) const { return columns.contains(column); }
};

struct TableRules {
  RowRules rows;
  PhotoNames photos;
};

/// Reads a table of items as spreadsheet programs save it as text: UTF-8, GB18030 or UTF-16 with BOM; comma,
/// semicolon or tab; the titles in one of the first ten rows. Each row is good or refused, by itself; of
/// several with the same number all are refused. Prices are exactly what stands there, never rounded. Errors,
/// for the whole table: kUnsupportedFormat (not a table as text); kInvalidInput (too large, quotes that can't
/// be followed, titles that lack a needed column or name one twice), as `Problem::text` lines.
Result<ItemTable> read_item_table(std::string_view bytes, const TableRules& rules);

}  // namespace vitrine::commerce
