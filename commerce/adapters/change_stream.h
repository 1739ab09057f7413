// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "commerce/adapters/shop_session.h"
#include "core/media_time.h"

namespace vitrine::commerce {

/// One row of a list of changes: when it changed, and what is to be read because of it.
struct Change {
  Instant at{};
  std::vector<std::string> ids;
};

/// How far one list of changes was read. Rows are asked for by time (at or after `from`), never by page
/// number: a row that is changed while we page moves to the end of the list, and everything behind it one
/// place forward.
struct StreamPosition {
  Instant from{};
  Instant newest{};  // of the rows seen; never later than the server's own clock

  bool operator==(const StreamPosition&) const = default;
};

class ChangeStream {
 public:
  /// Rows changed at or after `from`, the oldest first, at most `limit`, without the first `skip`.
  using ReadPage = std::function<Called<std::vector<Change>>(Instant from, size_t limit, size_t skip)>;
  struct Limits {
    size_t page = 100;
    size_t largest_page = 1000;        // that the server gives
    std::chrono::seconds overlap{10};  // rows may become visible so much later than their time says
  };

  ChangeStream(ReadPage read_page, Limits limits) : read_page_(std::move(read_page)), limits_(limits) {}

  struct Step {
    std::vector<std::string> ids;  // each perhaps more than once, and again in a later step
    StreamPosition next;
    bool is_complete = false;
  };
  /// The next page: all rows of its last moment but perhaps those come again with the next step.
  Called<Step> read(const StreamPosition& position, Instant server_now) const;

 private:
  Called<Step> read_one_moment(const StreamPosition& position) const;

  const ReadPage read_page_;
  const Limits limits_;
};

/// Positions by the name of their stream, as an `Adapter`'s cursor. An empty text has none.
/// Errors: kInvalidInput for what is no cursor of `backend`.
Result<std::map<std::string, StreamPosition>> parse_cursor(std::string_view text, std::string_view backend);
std::string format_cursor(const std::map<std::string, StreamPosition>& positions, std::string_view backend);

}  // namespace vitrine::commerce
