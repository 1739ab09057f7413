// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace vitrine::commerce::detail {

/// A table as text: UTF-8 without BOM, every line end one '\n'.
struct TableText {
  std::string utf8;
  std::string_view encoding;  // what it came in: "UTF-8", "GB18030", "UTF-16LE", "UTF-16BE"
};

/// By its BOM; without one UTF-8 where all of it is, else GB18030 (what Chinese spreadsheet programs write on
/// Windows). Strict: one byte that is not of the encoding refuses all. Errors: kUnsupportedFormat, with what
/// to do about it.
Result<TableText> decode_table(std::string_view bytes);

/// Gets the number of a row, as the spreadsheet program shows it (line ends inside of quotes count none), and
/// its cells, without space around them; may take them. False: no more rows are wanted.
using TakeRow = std::function<bool(int64_t row, std::vector<std::string>& cells)>;

/// Every row in which something stands. Errors: kInvalidInput for quotes in wrong places, naming the row, and
/// for a row of more than `most_cells`: where cells end is not known from there on.
Status each_row(std::string_view utf8, char separator, size_t most_cells, const TakeRow& take);

/// Without the space around it, also that of Chinese keyboards (U+3000) and of web pages (U+00A0).
std::string_view trimmed(std::string_view utf8);
/// Full-width letters, digits and signs as their ASCII twins, "￥" as "¥", the two spaces above as ' '.
std::string half_width(std::string_view utf8);

}  // namespace vitrine::commerce::detail
