// SPDX-License-Identifier: Apache-2.0
#include "desk/stage/stage_book.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include "commerce/table_access.h"

namespace vitrine::desk {

using commerce::instant_of;
using commerce::micros;
using commerce::read_from;
using nlohmann::json;

std::string_view to_string(StageLayer::Source source) {
  return source == StageLayer::Source::kOrders ? "orders" : "given";
}

Status StageBook::put(const StageLayer& layer) {
  return store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement put(
        database,
        "INSERT OR REPLACE INTO stage_layer(program, layer, template, data, after, valid_from, "
        "valid_until, changed_by, changed_at, source) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    put.bind(1, layer.program);
    put.bind(2, layer.id);
    put.bind(3, layer.template_name);
    put.bind(4, layer.data.dump());
    put.bind(5, layer.after);
    put.bind(6, micros(layer.valid_from));
    put.bind(7, micros(layer.valid_until));
    put.bind(8, layer.by.name);
    put.bind(9, micros(layer.by.at));
    put.bind(10, std::string(to_string(layer.source)));
    put.exec();
    return {};
  });
}

Status StageBook::remove(const std::string& program, const std::string& id) {
  return store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement remove(database, "DELETE FROM stage_layer WHERE program = ? AND layer = ?");
    remove.bind(1, program);
    remove.bind(2, id);
    remove.exec();
    return {};
  });
}

Result<std::vector<StageLayer>> StageBook::layers() const {
  using Layers = std::vector<StageLayer>;
  return read_from<Layers>(store_, [](SQLite::Database& database) -> Result<Layers> {
    SQLite::Statement row(
        database,
        "SELECT program, layer, template, data, after, valid_from, valid_until, changed_by, "
        "changed_at, source FROM stage_layer ORDER BY changed_at, program, layer");
    Layers layers;
    while (row.executeStep())
      layers.push_back({row.getColumn(0).getString(),
                        row.getColumn(1).getString(),
                        row.getColumn(2).getString(),
                        json::parse(row.getColumn(3).getString(), nullptr, false),
                        row.getColumn(4).getString(),
                        instant_of(row.getColumn(5).getInt64()),
                        instant_of(row.getColumn(6).getInt64()),
                        {row.getColumn(7).getString(), instant_of(row.getColumn(8).getInt64())},
                        row.getColumn(9).getString() == to_string(StageLayer::Source::kOrders)
                            ? StageLayer::Source::kOrders
                            : StageLayer::Source::kGiven});
    return layers;
  });
}

Status StageBook::put(const StageView& view) {
  return store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement put(
        database,
        "INSERT OR REPLACE INTO stage_view(program, body, changed_by, changed_at) VALUES(?, ?, ?, ?)");
    put.bind(1, view.program);
    put.bind(2, view.body.dump());
    put.bind(3, view.by.name);
    put.bind(4, micros(view.by.at));
    put.exec();
    return {};
  });
}

Result<std::map<std::string, StageView>> StageBook::views() const {
  using Views = std::map<std::string, StageView>;
  return read_from<Views>(store_, [](SQLite::Database& database) -> Result<Views> {
    SQLite::Statement row(database, "SELECT program, body, changed_by, changed_at FROM stage_view");
    Views views;
    while (row.executeStep()) {
      const std::string program = row.getColumn(0).getString();
      views[program] = {program,
                        json::parse(row.getColumn(1).getString(), nullptr, false),
                        {row.getColumn(2).getString(), instant_of(row.getColumn(3).getInt64())}};
    }
    return views;
  });
}

}  // namespace vitrine::desk
