// SPDX-License-Identifier: Apache-2.0
// A line of an as-run.jsonl, as a bad disk may have left it: what is taken can be stored and read again.
#include <cstdlib>

#include "core/json_text.h"
#include "core/rfc3339.h"
#include "desk/evidence/as_run.h"
#include "desk/evidence/chain.h"

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vitrine;
  using namespace vitrine::desk;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto record = read_as_run_line(line, "main", "20261111T120000Z");
  if (!record) {
    // What was wrong with it becomes part of a row.
    expect(parse_json(canonical_text({{"why", record.error().message}}), kMaxAsRunLine).has_value());
    return 0;
  }
  const auto& fields = record->fields;
  expect(fields.at("session") == "20261111T120000Z" && fields.at("type") == record->type);
  expect(parse_rfc3339(format_rfc3339(record->at)).has_value());
  expect(parse_json(canonical_text(fields), 2 * kMaxAsRunLine) == fields);
  if (record->type == "visible") {
    expect(fields.at("frame").get<int64_t>() >= 0);
    (void)fields.at("revision").get<uint64_t>();
    for (const auto& layer : fields.at("layers")) {
      if (layer.at("form") == "hidden") continue;
      expect(parse_rfc3339(layer.at("valid_until").get<std::string>()).has_value() && layer.contains("data"));
      expect(layer.at("template").is_string());
    }
  }
  if (record->type == "session" && fields.at("event") == "started")
    expect(fields.at("fps_den").get<int64_t>() > 0);
  if (record->type == "recording" && !fields.at("file").get<std::string>().empty()) {
    expect(is_recording_name(fields.at("file").get<std::string>()));
    expect(fields.at("first_frame").get<int64_t>() >= 0);
  }
  return 0;
}
