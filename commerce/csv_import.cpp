// SPDX-License-Identifier: Apache-2.0
#include "commerce/csv_import.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "commerce/detail/table_text.h"
#include "core/text_rules.h"
#include "core/url.h"

namespace vitrine::commerce {
namespace {

using detail::half_width;
using detail::trimmed;

constexpr std::array<char, 3> kSeparators = {',', ';', '\t'};
constexpr int kTitleRows = 10;  // a heading or two may stand above the titles
constexpr size_t kShownBytes = 60;
constexpr size_t kMostPhotoNameBytes = 255;  // a file system's own limit

struct ColumnNames {
  TableColumn column;
  std::string_view check;                // what `check_row` calls it
  std::vector<std::string_view> titles;  // the first is the one we recommend; as `plain_title` makes them
};

const std::array<ColumnNames, 12>& known_columns() {
  static const std::array<ColumnNames, 12> kColumnNames = {{
      {TableColumn::kNumber,
       "product id",
       {"编号", "货号", "商品编号", "商品编码", "商品货号", "商家编码", "款号", "number", "no", "code",
        "itemnumber", "itemno", "itemcode", "productcode", "productid", "id"}},
      {TableColumn::kVariant,
       "variant id",
       {"sku", "sku编码", "sku编号", "skuid", "skucode", "规格编号", "规格编码", "variantid"}},
      {TableColumn::kTitle,
       "title",
       {"商品名称", "标题", "名称", "品名", "商品名", "商品标题", "title", "name", "productname",
        "itemname"}},
      {TableColumn::kOption,
       "option",
       {"规格", "规格名称", "规格型号", "型号", "款式", "option", "variant", "specification", "spec"}},
      {TableColumn::kCategory,
       "category",
       {"类目", "分类", "商品分类", "商品类目", "品类", "类别", "category"}},
      {TableColumn::kPrice,
       "price",
       {"售价", "价格", "销售价", "销售价格", "单价", "现价", "price", "saleprice", "sellingprice",
        "unitprice"}},
      {TableColumn::kReferencePrice,
       "reference price",
       {"划线价", "原价", "划线价格", "市场价", "吊牌价", "referenceprice", "compareatprice", "listprice",
        "originalprice"}},
      {TableColumn::kReferenceBasis,
       "reference basis",
       {"划线价依据", "原价依据", "划线价说明", "依据", "referencebasis", "referencepricebasis", "basis"}},
      {TableColumn::kStock,
       "stock",
       {"库存", "库存数量", "可售库存", "数量", "stock", "inventory", "quantity", "qty"}},
      {TableColumn::kPhoto,
       "image address",
       {"图片", "主图", "商品图片", "商品主图", "照片", "photo", "image", "picture", "imageurl"}},
      {TableColumn::kLink, "shop address", {"链接", "商品链接", "网址", "link", "url", "producturl"}},
      {TableColumn::kStatus,
       "availability",
       {"状态", "商品状态", "上架状态", "是否上架", "status", "listed"}},
  }};
  return kColumnNames;
}

constexpr std::array kNeeded = {TableColumn::kNumber, TableColumn::kTitle, TableColumn::kPrice};

struct StatusWord {
  std::string_view word;
  Availability availability;
  bool is_presale = false;
};
constexpr std::array<StatusWord, 24> kStatusWords = {{
    {"", Availability::kListed},           {"上架", Availability::kListed},
    {"已上架", Availability::kListed},     {"在售", Availability::kListed},
    {"出售中", Availability::kListed},     {"销售中", Availability::kListed},
    {"是", Availability::kListed},         {"listed", Availability::kListed},
    {"on", Availability::kListed},         {"active", Availability::kListed},
    {"预售", Availability::kListed, true}, {"presale", Availability::kListed, true},
    {"下架", Availability::kDelisted},     {"已下架", Availability::kDelisted},
    {"未上架", Availability::kDelisted},   {"停售", Availability::kDelisted},
    {"仓库中", Availability::kDelisted},   {"否", Availability::kDelisted},
    {"delisted", Availability::kDelisted}, {"off", Availability::kDelisted},
    {"inactive", Availability::kDelisted}, {"删除", Availability::kDeleted},
    {"已删除", Availability::kDeleted},    {"deleted", Availability::kDeleted},
}};

std::string lower_ascii(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

/// What a title says, however it is written: "*商品名称（必填）" and "商品 名称:" are "商品名称", "售价/元"
/// is "售价".
std::string plain_title(std::string_view cell) {
  std::string title = lower_ascii(half_width(cell));
  if (const size_t more = title.find_first_of("(/["); more != std::string::npos && more > 0)
    title.resize(more);
  std::erase_if(title,
                [](char c) { return std::string_view(" \t\n*:_-").find(c) != std::string_view::npos; });
  return title;
}

/// One line of what stands there, short and safe to show.
std::string shown(std::string_view cell) {
  if (cell.empty()) return "nothing";
  if (const auto unsafe = find_unsafe_character(cell)) return *unsafe;
  std::string text(cell);
  std::ranges::replace(text, '\n', ' ');
  if (text.size() <= kShownBytes) return text;
  size_t end = kShownBytes;
  while ((static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;  // not inside of a character
  return text.substr(0, end) + "…";
}

/// Cells with a line break (Alt+Enter) are one line on a card.
std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

/// "1,299.00" → "1299.00". Groups of anything but three digits are somebody's decimal comma or a slip:
/// nothing.
std::optional<std::string> ungrouped(std::string_view text) {
  const size_t point = std::min(text.find('.'), text.size());
  std::string whole(text.substr(0, point));
  if (const size_t first = whole.find(','); first != std::string::npos) {
    if (first < 1 || first > 3 || whole.size() % 4 != first) return std::nullopt;
    for (size_t i = first; i < whole.size(); ++i)
      if ((whole[i] == ',') != ((i - first) % 4 == 0)) return std::nullopt;
    std::erase(whole, ',');
  }
  return whole.append(text.substr(point));
}

/// "¥39.90", "39.9元", "1,299.00", "CNY 40": exactly that amount, or nothing.
std::optional<Money> price_of(std::string_view cell, std::array<char, 3> currency) {
  const std::string_view code(currency.data(), currency.size());
  std::vector<std::string> before = {currency_symbol({0, currency}), std::string(code)};
  std::vector<std::string> after = {std::string(code)};
  if (code == "CNY") {
    before.emplace_back("RMB");
    before.emplace_back("人民币");
  }
  if (code == "CNY" || code == "HKD" || code == "TWD" || code == "MOP") after.emplace_back("元");
  const std::string narrow = half_width(cell);
  std::string_view text = trimmed(narrow);
  if (const auto sign = std::ranges::find_if(before, [&](const auto& one) { return text.starts_with(one); });
      sign != before.end())
    text = trimmed(text.substr(sign->size()));
  if (const auto sign = std::ranges::find_if(after, [&](const auto& one) { return text.ends_with(one); });
      sign != after.end())
    text = trimmed(text.substr(0, text.size() - sign->size()));
  const auto plain = ungrouped(text);
  return plain ? parse_amount(*plain, currency) : std::nullopt;
}

struct Stock {
  std::optional<int64_t> left;  // nullopt: not counted
};
std::optional<Stock> stock_of(std::string_view cell) {
  const std::string narrow = lower_ascii(half_width(cell));
  if (narrow.empty() || narrow == "不限" || narrow == "unlimited") return Stock{};
  auto text = ungrouped(narrow);
  if (!text) return std::nullopt;
  if (const size_t point = text->find('.');
      point != std::string::npos) {  // of a column formatted with decimals
    if (text->find_first_not_of('0', point + 1) != std::string::npos) return std::nullopt;
    text->resize(point);
  }
  int64_t left = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), left);
  if (text->empty() || error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
  return Stock{left};
}

/// "6.90123E+12": what a spreadsheet program makes of a bar code in a column of numbers.
bool is_shortened_number(std::string_view text) {
  const size_t exponent = text.find("E+");
  return exponent != std::string_view::npos && exponent > 0 &&
         text.substr(0, exponent).find_first_not_of("0123456789.") == std::string_view::npos &&
         text.find_first_not_of("0123456789", exponent + 2) == std::string_view::npos;
}

/// Where the columns stand.
struct Titles {
  char separator = ',';
  int64_t row = 0;
  std::vector<std::string> cells;
  std::map<TableColumn, size_t> at;
  std::vector<size_t> repeated;  // cells that name a column that another one names already
  std::vector<std::string> ignored;
};

Titles titles_of(std::vector<std::string> cells) {
  Titles titles;
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string title = plain_title(cells[i]);
    const auto* const found = std::ranges::find_if(known_columns(), [&](const ColumnNames& names) {
      return std::ranges::find(names.titles, title) != names.titles.end();
    });
    if (found == known_columns().end())
      titles.ignored.push_back(cells[i].empty() ? fmt::format("column {}, without a title", i + 1)
                                                : shown(cells[i]));
    else if (!titles.at.try_emplace(found->column, i).second)
      titles.repeated.push_back(i);
  }
  // A table whose only number is the SKU has one row an item, and that is its number.
  if (!titles.at.contains(TableColumn::kNumber)) {
    if (auto sku = titles.at.extract(TableColumn::kVariant)) {
      sku.key() = TableColumn::kNumber;
      titles.at.insert(std::move(sku));
    }
  }
  titles.cells = std::move(cells);
  return titles;
}

/// The row that names the most columns, among the first few and by every separator.
Titles find_titles(std::string_view text) {
  Titles best;
  for (const char separator : kSeparators) {
    int rows = 0;
    // A separator that is not the table's may well make nonsense of its quotes.
    (void)detail::each_row(text, separator, kMostTableColumns,
                           [&](int64_t row, std::vector<std::string>& cells) {
                             Titles titles = titles_of(std::move(cells));
                             if (best.row == 0 || titles.at.size() > best.at.size()) {
                               best = std::move(titles);
                               best.row = row;
                               best.separator = separator;
                             }
                             return ++rows < kTitleRows;
                           });
  }
  return best;
}

Problems check_titles(const Titles& titles) {
  Problems problems;
  const std::string where = fmt::format("row {}", titles.row);
  std::vector<std::string> missing;
  for (const auto column : kNeeded) {
    const auto& names = known_columns()[static_cast<size_t>(column)];
    if (!titles.at.contains(column))
      missing.push_back(fmt::format("{} (or {})", names.titles.front(),
                                    fmt::join(names.titles.begin() + 1, names.titles.end(), ", ")));
  }
  if (!missing.empty()) {
    std::vector<std::string> found;
    for (const auto& cell : titles.cells) found.push_back(shown(cell));
    problems.push_back({where, fmt::format("the titles {}", fmt::join(found, " | ")),
                        fmt::format("titles with these too: {}", fmt::join(missing, "; "))});
  }
  for (const size_t at : titles.repeated) {
    problems.push_back({fmt::format("{}, column {}", where, at + 1), shown(titles.cells[at]),
                        "one column for each thing; another one says the same"});
  }
  return problems;
}

/// Of a file, without any folder.
bool is_photo_name(const std::string& name) {
  constexpr std::array<std::string_view, 4> kEndings = {".jpg", ".jpeg", ".png", ".webp"};
  const std::string lower = lower_ascii(name);
  return name.find_first_of("/\\\n") == std::string::npos && name.size() <= kMostPhotoNameBytes &&
         !find_unsafe_character(name) &&
         std::ranges::any_of(kEndings, [&](auto ending) { return lower.ends_with(ending); });
}

/// Makes an item of one row's cells.
class RowReader {
 public:
  RowReader(const ItemTable& table, const Titles& titles, const TableRules& rules)
      : table_(table), titles_(titles), rules_(rules) {}

  TableItem read(int64_t row, const std::vector<std::string>& cells) {
    row_ = row;
    cells_ = &cells;
    problems_.clear();
    has_problem_.clear();
    TableItem made;
    made.row = row;
    CatalogueItem& item = made.item;
    item.ref = {number(TableColumn::kNumber), number(TableColumn::kVariant)};
    item.sku = item.ref.variant.empty() ? item.ref.product : item.ref.variant;
    item.title = one_line(cell(TableColumn::kTitle));
    item.option = one_line(cell(TableColumn::kOption));
    item.category = one_line(cell(TableColumn::kCategory));
    item.image_url = photo(item.ref, made.remarks);
    item.shop_url = address(TableColumn::kLink);
    status(item);
    prices(made);
    if (const auto stock = stock_of(cell(TableColumn::kStock)))
      item.stock = stock->left;
    else
      refuse(TableColumn::kStock, shown(cell(TableColumn::kStock)),
             "a whole number, or nothing where it is not counted");
    check(item);
    if (cells.size() > titles_.cells.size()) {
      problems_.push_back(
          {fmt::format("row {}", row_), fmt::format("{} cells", cells.size()),
           fmt::format("at most {}, as there are titles: a cell with a comma in it stands in quotation marks",
                       titles_.cells.size())});
    }
    return made;
  }

  /// Of the row that was read last.
  [[nodiscard]] const Problems& problems() const { return problems_; }

 private:
  [[nodiscard]] const std::string& cell(TableColumn column) const {
    static const std::string kNothing;
    const auto found = titles_.at.find(column);
    return found == titles_.at.end() || found->second >= cells_->size() ? kNothing : (*cells_)[found->second];
  }
  [[nodiscard]] std::string where(TableColumn column) const {
    const auto found = table_.columns.find(column);
    return fmt::format("row {}, {}", row_,
                       found == table_.columns.end()
                           ? known_columns()[static_cast<size_t>(column)].titles.front()
                           : found->second);
  }
  void refuse(TableColumn column, std::string found, std::string allowed) {
    if (!has_problem_.insert(column).second) return;
    problems_.push_back({where(column), std::move(found), std::move(allowed)});
  }

  std::string number(TableColumn column) {
    std::string_view text = cell(column);
    // ="0123": how exports keep a spreadsheet program from taking a number for one
    if (text.starts_with("=\"") && text.ends_with('"') && text.size() > 2)
      text = text.substr(2, text.size() - 3);
    if (is_shortened_number(text))
      refuse(column, shown(text),
             "all digits: the spreadsheet program shortened it; give the column the format \"text\"");
    if (text.find('\n') != std::string_view::npos) refuse(column, shown(text), "one line");
    return std::string(text);
  }

  std::string address(TableColumn column) {
    std::string text = cell(column);
    if (text.empty()) return text;
    const auto url = parse_url(text);
    if (!url || (url->scheme != "http" && url->scheme != "https") || url->host.empty() || url->has_user_info)
      refuse(column, shown(text), "an address that begins with https:// or http://, without a password");
    return text;
  }

  std::string photo(const Ref& ref, Problems& remarks) {
    const std::string& text = cell(TableColumn::kPhoto);
    if (text.starts_with("http://") || text.starts_with("https://")) return address(TableColumn::kPhoto);
    if (!text.empty()) {
      if (const auto found = rules_.photos.find(lower_ascii(text)); found != rules_.photos.end())
        return std::string(kShopPhoto) + found->second;
      if (!is_photo_name(text)) {
        refuse(TableColumn::kPhoto, shown(text),
               "the name of a photo (jpg, jpeg, png, webp), or an http(s) address");
        return "";
      }
      remarks.push_back(
          {where(TableColumn::kPhoto), shown(text), "a file of the folder of photos; it has none yet"});
      return std::string(kShopPhoto) + text;
    }
    for (const auto& name : {ref.variant, ref.product}) {
      for (const char* ending : {".jpg", ".jpeg", ".png", ".webp"}) {
        if (name.empty()) continue;
        if (const auto found = rules_.photos.find(lower_ascii(name) + ending); found != rules_.photos.end())
          return std::string(kShopPhoto) + found->second;
      }
    }
    return "";
  }

  void status(CatalogueItem& item) {
    const std::string word = lower_ascii(half_width(cell(TableColumn::kStatus)));
    const auto* const found = std::ranges::find(kStatusWords, word, &StatusWord::word);
    if (found == kStatusWords.end()) {
      refuse(TableColumn::kStatus, shown(word),
             "上架 (listed), 下架 (delisted), 预售 (presale), 删除 (deleted), or nothing: 上架");
      item.availability = Availability::kListed;
      return;
    }
    item.availability = found->availability;
    item.is_presale = found->is_presale;
  }

  Money price(TableColumn column) {
    if (const auto money = price_of(cell(column), rules_.rows.currency)) return *money;
    refuse(column, shown(cell(column)),
           fmt::format("a price such as 39.90 or 1,299.00, in {} and with at most {} decimals",
                       std::string_view(rules_.rows.currency.data(), 3),
                       minor_digits({rules_.rows.currency.data(), 3}).value_or(2)));
    return {1, rules_.rows.currency};
  }

  void prices(TableItem& made) {
    made.item.price = price(TableColumn::kPrice);
    made.reference_basis = one_line(cell(TableColumn::kReferenceBasis));
    if (made.reference_basis.size() > kShownBytes || find_unsafe_character(made.reference_basis))
      refuse(TableColumn::kReferenceBasis, shown(made.reference_basis), "a few words, such as 门店价");
    if (cell(TableColumn::kReferencePrice).empty()) return;
    made.item.reference_price = price(TableColumn::kReferencePrice);
    if (made.item.reference_price->minor <= made.item.price.minor)
      refuse(TableColumn::kReferencePrice, shown(cell(TableColumn::kReferencePrice)),
             "above the price, or nothing");
    if (made.reference_basis.empty()) {
      made.remarks.push_back(
          {where(TableColumn::kReferenceBasis), "nothing",
           "what the reference price is, such as 门店价; without it it is not shown on air"});
    }
  }

  /// What every backend's rows are held against, named by the shop's own titles.
  void check(const CatalogueItem& item) {
    for (auto& problem : check_row(item, rules_.rows)) {
      const auto* const found = std::ranges::find(known_columns(), problem.where, &ColumnNames::check);
      if (found != known_columns().end())
        refuse(found->column, std::move(problem.found), std::move(problem.allowed));
      else if (problem.where != "sku")  // is one of the two ids
        problems_.push_back({fmt::format("row {}, {}", row_, problem.where), problem.found, problem.allowed});
    }
  }

  const ItemTable& table_;
  const Titles& titles_;
  const TableRules& rules_;
  int64_t row_ = 0;
  const std::vector<std::string>* cells_ = nullptr;
  Problems problems_;
  std::set<TableColumn> has_problem_;
};

/// Rows that claim the same number: nobody knows which of them is right.
void refuse_repeated(ItemTable& table, const std::vector<std::pair<Ref, int64_t>>& rows) {
  std::map<Ref, std::vector<int64_t>> by_ref;
  for (const auto& [ref, row] : rows) by_ref[ref].push_back(row);
  const auto refusal = [&](const Ref& ref, int64_t row) -> std::optional<Problem> {
    const auto& same = by_ref[ref];
    if (ref.product.empty() || same.size() < 2) return std::nullopt;
    return Problem{
        fmt::format("row {}, {}", row, table.columns[TableColumn::kNumber]),
        fmt::format("{}, as in row {}", shown(ref.text()), same[0] == row ? same[1] : same[0]),
        "one row for each number; variants of one item have a number of their own in a further column SKU"};
  };
  for (auto& refused : table.refused)
    if (auto problem = refusal(refused.ref, refused.row)) refused.problems.push_back(std::move(*problem));
  std::erase_if(table.items, [&](const TableItem& read) {
    auto problem = refusal(read.item.ref, read.row);
    if (problem) table.refused.push_back({read.row, read.item.ref, {std::move(*problem)}});
    return problem.has_value();
  });
  std::ranges::sort(table.refused, {}, &RefusedTableRow::row);
}

}  // namespace

PhotoNames photo_names(std::span<const std::string> files) {
  PhotoNames names;
  for (const auto& name : files)
    if (is_photo_name(name)) names.emplace(lower_ascii(name), name);
  return names;
}

Result<ItemTable> read_item_table(std::string_view bytes, const TableRules& rules) {
  if (bytes.size() > kMostTableBytes) {
    return tl::unexpected(to_error(Problems{{"the table", fmt::format("{} bytes", bytes.size()),
                                             fmt::format("at most {} bytes (16 MiB)", kMostTableBytes)}}));
  }
  const auto text = detail::decode_table(bytes);
  if (!text) return tl::unexpected(text.error());
  const Titles titles = find_titles(text->utf8);
  if (titles.at.empty()) {
    // Perhaps it can't even be followed; then the comma's complaint is the one to read.
    auto read = detail::each_row(text->utf8, ',', kMostTableColumns, [](int64_t, auto&) { return true; });
    if (!read) return tl::unexpected(read.error());
  }
  if (titles.row == 0)
    return tl::unexpected(
        to_error(Problems{{"the table", "nothing", "a row of titles, and a row for each item"}}));
  if (const auto problems = check_titles(titles); !problems.empty())
    return tl::unexpected(to_error(problems));

  ItemTable table;
  table.encoding = text->encoding;
  table.separator = titles.separator;
  table.title_row = titles.row;
  table.ignored = titles.ignored;
  for (const auto& [column, at] : titles.at) table.columns[column] = shown(titles.cells[at]);

  RowReader reader(table, titles, rules);
  std::vector<std::pair<Ref, int64_t>> rows;
  bool is_too_long = false;
  auto read = detail::each_row(
      text->utf8, titles.separator, kMostTableColumns, [&](int64_t row, std::vector<std::string>& cells) {
        if (row <= titles.row) return true;
        if (static_cast<int64_t>(rows.size()) == kMostTableRows) {
          is_too_long = true;
          return false;
        }
        TableItem item = reader.read(row, cells);
        rows.emplace_back(item.item.ref, row);
        if (reader.problems().empty())
          table.items.push_back(std::move(item));
        else
          table.refused.push_back({row, std::move(item.item.ref), reader.problems()});
        return true;
      });
  if (!read) return tl::unexpected(read.error());
  if (is_too_long) {
    return tl::unexpected(to_error(Problems{{"the table", fmt::format("more than {} rows", kMostTableRows),
                                             fmt::format("at most {}", kMostTableRows)}}));
  }
  refuse_repeated(table, rows);
  return table;
}

}  // namespace vitrine::commerce
