// SPDX-License-Identifier: Apache-2.0
// A shop's table of items, as somebody saved it.
#include <cstdlib>

#include "commerce/csv_import.h"
#include "core/text_rules.h"

namespace {

using namespace vitrine;
using namespace vitrine::commerce;

void expect(bool holds) {
  if (!holds) std::abort();
}

void expect_shown(const Problems& problems) {
  for (const auto& problem : problems) expect(!find_unsafe_character(problem.text()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const TableRules rules{{{'C', 'N', 'Y'}, 10'000'000}, {{"a1.jpg", "A1.jpg"}}};
  const auto table = read_item_table({reinterpret_cast<const char*>(data), size}, rules);
  if (!table) {
    expect(!find_unsafe_character(table.error().message));
    return 0;
  }
  int64_t row = table->title_row;
  for (const auto& read : table->items) {
    expect(read.row > row);
    row = read.row;
    expect(check_row(read.item, rules.rows).empty());
    expect(!read.item.reference_price || read.item.reference_price->minor > read.item.price.minor);
    expect(read.item.title.find('\n') == std::string::npos);
    expect_shown(read.remarks);
  }
  for (const auto& refused : table->refused) {
    expect(!refused.problems.empty());
    expect_shown(refused.problems);
  }
  return 0;
}
