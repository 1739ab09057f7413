// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace SQLite {
class Database;
}

namespace vitrine::commerce::detail {

/// Brings one line of the outbox's journal into a restored database: an operation it has not heard of comes
/// back as unknown, because it may have been sent; one that has ended is ended. Lines that were cut by the
/// crash are left out.
void replay_outbox_line(SQLite::Database& database, std::string_view line);

}  // namespace vitrine::commerce::detail
