// SPDX-License-Identifier: Apache-2.0
#include "desk/evidence/as_run.h"

#include "core/json_text.h"
#include "core/object_reader.h"
#include "core/program_state.h"
#include "core/text_rules.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;

constexpr int64_t kMostFrames = int64_t{1} << 53;
constexpr size_t kMostLayers = 256;
constexpr int64_t kMostRate = 1'000'000;

/// Keys that are not known are left alone, here and below: a newer studio may say more.
void check_visible_layer(ObjectReader layer) {
  (void)layer.id("id");
  (void)layer.text("template", {.max_bytes = 200});
  const size_t form = layer.one_of("form", {"hidden", "normal", "ended", "neutral"});
  if (form == 0) return;
  (void)layer.instant("valid_until");
  if (layer.any("data") == nullptr) layer.refuse("data", "nothing", "what the layer showed");
}

void check_visible(ObjectReader& record, Problems& problems) {
  (void)record.integer("frame", 0, kMostFrames);
  (void)record.integer("pts_ms", 0, kMostFrames);
  (void)record.integer("revision", 0, static_cast<int64_t>(kMaxRevision));
  if (record.any("layers") == nullptr) record.refuse("layers", "nothing", "what was on screen");
  record.values("layers", 0, kMostLayers, [&](const json& value, const std::string& where) {
    if (value.is_object())
      check_visible_layer({value, where, problems});
    else
      problems.push_back({where, describe(value), "an object"});
  });
}

void check_session(ObjectReader& record) {
  if (record.one_of("event", {"started", "ended"}) == 1) return;
  (void)record.integer("fps_num", 1, kMostRate);
  (void)record.integer("fps_den", 1, kMostRate);
}

void check_recording(ObjectReader& record) {
  const size_t event = record.one_of("event", {"opened", "closed", "failed", "gap"});
  (void)record.integer("first_pts_ms", 0, kMostFrames);
  (void)record.integer("last_pts_ms", 0, kMostFrames);
  const std::string file = record.text("file", {.max_bytes = 255, .may_be_empty = true});
  if (!file.empty() && !is_recording_name(file)) record.refuse("file", "\"" + file + "\"", "a file's name");
  if (file.empty() && event < 2) record.refuse("file", "nothing", "a file's name");
  if (!file.empty()) (void)record.integer("first_frame", 0, kMostFrames);
}

}  // namespace

bool is_recording_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name.front() != '.' &&
         name.find_first_of("/\\\n") == std::string_view::npos && !find_unsafe_character(name);
}

Result<AsRunRecord> read_as_run_line(std::string_view line, std::string_view program,
                                     std::string_view session) {
  auto parsed = parse_json(line, kMaxAsRunLine);
  if (!parsed) return tl::unexpected(parsed.error());
  if (!parsed->is_object()) return fail(ErrorCode::kInvalidInput, "not an object: " + describe(*parsed));
  AsRunRecord record;
  Problems problems;
  ObjectReader reader(*parsed, "", problems);
  record.type = reader.id("type");
  record.at = reader.instant("utc");
  if (reader.id("program") != program) reader.refuse("program", "another one", std::string(program));
  if (reader.id("session") != session) reader.refuse("session", "another one", std::string(session));
  if (record.type == "visible") check_visible(reader, problems);
  if (record.type == "session") check_session(reader);
  if (record.type == "recording") check_recording(reader);
  if (!problems.empty()) return tl::unexpected(to_error(problems));
  record.fields = std::move(*parsed);
  return record;
}

}  // namespace vitrine::desk
