// SPDX-License-Identifier: Apache-2.0
#include "desk/uplink_book.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include "commerce/table_access.h"

namespace vitrine::desk {

using commerce::instant_of;
using commerce::micros;
using commerce::read_from;

Status UplinkBook::note(const Measure& measure) {
  return store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement put(
        database,
        "INSERT INTO uplink(day, bitrate_bps, measured_at) VALUES(?, ?, ?) ON CONFLICT(day) DO UPDATE SET "
        "bitrate_bps = excluded.bitrate_bps, measured_at = excluded.measured_at "
        "WHERE excluded.bitrate_bps > bitrate_bps");
    put.bind(1, std::chrono::floor<std::chrono::days>(measure.at).time_since_epoch().count());
    put.bind(2, measure.bitrate_bps);
    put.bind(3, micros(measure.at));
    put.exec();
    return {};
  });
}

Result<std::optional<UplinkBook::Measure>> UplinkBook::best(Instant now) const {
  using Found = std::optional<Measure>;
  return read_from<Found>(store_, [&](SQLite::Database& database) -> Result<Found> {
    // A clock that was set back leaves measures of the future: they are the newest, and no better than
    // others.
    SQLite::Statement row(database,
                          "SELECT bitrate_bps, measured_at FROM uplink ORDER BY measured_at >= ?1 DESC, "
                          "iif(measured_at >= ?1, bitrate_bps, measured_at) DESC LIMIT 1");
    row.bind(1, micros(now - kGoodFor));
    if (!row.executeStep()) return Found();
    return Found({row.getColumn(0).getInt64(), instant_of(row.getColumn(1).getInt64())});
  });
}

}  // namespace vitrine::desk
