// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/media_time.h"

namespace vitrine::desk {

/// One line of a session's as-run.jsonl (docs/manual.md, "Recordings and records"), taken for what it is: the
/// studio's words, in a file that a bad disk may have damaged. What is known of a type is checked; a type
/// that is not known is kept as it stands.
struct AsRunRecord {
  std::string type;  // "visible", "session", "recording", "destination", …
  Instant at{};
  nlohmann::json fields;  // all of the line
};

/// A line that is none: what it was, so that nothing goes unsaid.
struct BrokenLine {
  uint64_t bytes = 0;
  std::string hash;    // BLAKE2b-256 of it
  std::string begins;  // safe to show
  std::string why;
};

/// Lines of one file that nobody took before.
struct AsRunLines {
  std::string program;
  std::string session;
  uint64_t from = 0;   // bytes of the file before them
  uint64_t until = 0;  // and with them
  std::vector<std::variant<AsRunRecord, BrokenLine>> lines;
};

/// A whole state is at most 1 MiB, and a record of it adds little.
inline constexpr size_t kMaxAsRunLine = size_t{2} << 20;

/// `line` without its end. `program` and `session` are those of its directory. Errors: kInvalidInput with
/// every problem. Thread: any.
Result<AsRunRecord> read_as_run_line(std::string_view line, std::string_view program,
                                     std::string_view session);

/// What `Recorder` calls its files; never a path.
bool is_recording_name(std::string_view name);

}  // namespace vitrine::desk
