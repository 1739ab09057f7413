// SPDX-License-Identifier: Apache-2.0
#include "commerce/detail/table_text.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csv.h>
#include <iconv.h>
#include <iterator>
#include <memory>
#include <optional>
#include <utf8.h>

#include <fmt/format.h>

namespace vitrine::commerce::detail {
namespace {

constexpr size_t kChunkBytes = 65536;
constexpr std::array<std::string_view, 5> kSpaces = {" ", "\t", "\n", "\u3000", "\u00a0"};

struct CloseConverter {
  void operator()(void* converter) const { ::iconv_close(converter); }
};

/// glibc's iconv and not ICU: it is there already, is strict, and an encoding is to be converted here, not
/// guessed.
std::optional<std::string> to_utf8(std::string_view bytes, std::string_view encoding) {
  iconv_t opened = ::iconv_open("UTF-8", std::string(encoding).c_str());
  if (reinterpret_cast<intptr_t>(opened) == -1) return std::nullopt;
  const std::unique_ptr<void, CloseConverter> converter(opened);
  std::string utf8;
  std::array<char, kChunkBytes> chunk{};
  char* in = const_cast<char*>(bytes.data());  // iconv's signature; it does not write there
  size_t in_left = bytes.size();
  while (in_left > 0) {
    char* out = chunk.data();
    size_t out_left = chunk.size();
    const size_t converted = ::iconv(converter.get(), &in, &in_left, &out, &out_left);
    if (converted == static_cast<size_t>(-1) && errno != E2BIG) return std::nullopt;
    utf8.append(chunk.data(), chunk.size() - out_left);
  }
  return utf8::find_invalid(utf8) == std::string::npos ? std::optional(std::move(utf8)) : std::nullopt;
}

constexpr std::string_view kUtf8 = "UTF-8";
constexpr std::string_view kGb18030 = "GB18030";

struct ByteOrderMark {
  std::string_view bytes;
  std::string_view encoding;
};
constexpr std::array<ByteOrderMark, 3> kByteOrderMarks = {
    {{"\xEF\xBB\xBF", kUtf8}, {"\xFF\xFE", "UTF-16LE"}, {"\xFE\xFF", "UTF-16BE"}}};

Result<TableText> decode(std::string_view bytes) {
  const auto* found = std::ranges::find_if(
      kByteOrderMarks, [bytes](const ByteOrderMark& mark) { return bytes.starts_with(mark.bytes); });
  const bool is_marked = found != kByteOrderMarks.end();
  if (is_marked) bytes.remove_prefix(found->bytes.size());
  const size_t invalid = utf8::find_invalid(bytes);
  const bool is_utf8 = invalid == std::string_view::npos;
  const std::string_view encoding = is_marked ? found->encoding : is_utf8 ? kUtf8 : kGb18030;
  if (encoding != kUtf8) {
    if (auto utf8 = to_utf8(bytes, encoding)) return TableText{std::move(*utf8), encoding};
  } else if (is_utf8) {
    return TableText{std::string(bytes), encoding};
  }
  return fail(ErrorCode::kUnsupportedFormat,
              is_marked
                  ? fmt::format("its first bytes say {}, and it is not: save it as \"CSV UTF-8\"", encoding)
                  : fmt::format("neither UTF-8 (byte {}) nor GB18030: save it as \"CSV UTF-8\"", invalid));
}

void unify_line_ends(std::string& text) {
  size_t kept = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    text[kept++] = text[i] == '\r' ? '\n' : text[i];
  }
  text.resize(kept);
}

/// libcsv's callbacks collect a row here. They are called from C: nothing may be thrown through it, so that
/// `take_` is called between its calls.
class RowCollector {
 public:
  RowCollector(size_t most_cells, const TakeRow& take) : most_cells_(most_cells), take_(take) {}

  static void on_cell(void* text, size_t bytes, void* self) {
    static_cast<RowCollector*>(self)->add(text, bytes);
  }
  static void on_row(int /*end*/, void* self) { static_cast<RowCollector*>(self)->is_row_complete_ = true; }

  [[nodiscard]] int64_t row() const { return row_; }

  /// After every line at the latest: a row, or nothing yet. False: enough.
  Result<bool> deliver() {
    if (cells_seen_ > most_cells_) {
      return fail(ErrorCode::kInvalidInput, Problem{fmt::format("row {}", row_), "more cells than that",
                                                    fmt::format("at most {} columns", most_cells_)}
                                                .text());
    }
    if (!is_row_complete_) return true;
    is_row_complete_ = false;
    const bool is_blank = std::ranges::all_of(cells_, [](const auto& cell) { return cell.empty(); });
    const bool is_more_wanted = is_blank || take_(row_, cells_);
    cells_.clear();
    cells_seen_ = 0;
    ++row_;
    return is_more_wanted;
  }

 private:
  void add(const void* text, size_t bytes) {
    if (++cells_seen_ > most_cells_) return;
    cells_.emplace_back(bytes == 0 ? std::string_view() : trimmed({static_cast<const char*>(text), bytes}));
  }

  const size_t most_cells_;
  const TakeRow& take_;
  std::vector<std::string> cells_;
  size_t cells_seen_ = 0;
  int64_t row_ = 1;
  bool is_row_complete_ = false;
};

struct Parser {
  Parser() { csv_init(&state, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL); }
  ~Parser() { csv_free(&state); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
  csv_parser state{};
};

tl::unexpected<Error> broken_quotes(int64_t row, const char* found) {
  return fail(ErrorCode::kInvalidInput,
              Problem{fmt::format("row {}", row), found,
                      "a quotation mark only around a whole cell; inside of such a cell two for one"}
                  .text());
}

}  // namespace

Result<TableText> decode_table(std::string_view bytes) {
  if (bytes.starts_with("PK\x03\x04") || bytes.starts_with("\xD0\xCF\x11\xE0"))
    return fail(ErrorCode::kUnsupportedFormat,
                "a workbook (XLSX, XLS), not a table as text: open it in the spreadsheet program and save it "
                "as \"CSV UTF-8\"");
  auto text = decode(bytes);
  if (!text) return text;
  if (const size_t zero = text->utf8.find('\0'); zero != std::string::npos)
    return fail(ErrorCode::kUnsupportedFormat,
                fmt::format("not text (a zero at byte {}): save the table as \"CSV UTF-8\"", zero));
  unify_line_ends(text->utf8);
  return text;
}

Status each_row(std::string_view utf8, char separator, size_t most_cells, const TakeRow& take) {
  Parser parser;
  csv_set_delim(&parser.state, static_cast<unsigned char>(separator));
  RowCollector collector(most_cells, take);
  // A line at a time: a row ends nowhere else, and one call gives at most one row.
  while (!utf8.empty()) {
    const std::string_view line = utf8.substr(0, std::min(utf8.find('\n'), utf8.size() - 1) + 1);
    utf8.remove_prefix(line.size());
    if (csv_parse(&parser.state, line.data(), line.size(), &RowCollector::on_cell, &RowCollector::on_row,
                  &collector) != line.size()) {
      if (csv_error(&parser.state) == CSV_EPARSE)
        return broken_quotes(collector.row(), "a quotation mark in the middle of a cell");
      return fail(ErrorCode::kIo, csv_strerror(csv_error(&parser.state)));
    }
    const auto is_more_wanted = collector.deliver();
    if (!is_more_wanted) return tl::unexpected(is_more_wanted.error());
    if (!*is_more_wanted) return {};
  }
  if (csv_fini(&parser.state, &RowCollector::on_cell, &RowCollector::on_row, &collector) != 0)
    return broken_quotes(collector.row(),
                         "a cell that begins with a quotation mark and does not end with one");
  const auto last = collector.deliver();
  if (!last) return tl::unexpected(last.error());
  return {};
}

std::string_view trimmed(std::string_view utf8) {
  for (bool is_cut = true; is_cut;) {
    is_cut = false;
    for (const auto space : kSpaces) {
      if (utf8.starts_with(space)) {
        utf8.remove_prefix(space.size());
        is_cut = true;
      } else if (utf8.ends_with(space)) {
        utf8.remove_suffix(space.size());
        is_cut = true;
      }
    }
  }
  return utf8;
}

std::string half_width(std::string_view utf8) {
  std::string narrow;
  narrow.reserve(utf8.size());
  for (auto at = utf8.begin(); at != utf8.end();) {
    auto code_point = static_cast<char32_t>(utf8::unchecked::next(at));
    if (code_point >= 0xFF01 && code_point <= 0xFF5E) code_point -= 0xFEE0;
    if (code_point == 0xFFE5) code_point = 0xA5;
    if (code_point == 0x3000 || code_point == 0xA0) code_point = ' ';
    utf8::unchecked::append(code_point, std::back_inserter(narrow));
  }
  return narrow;
}

}  // namespace vitrine::commerce::detail
