// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/error.h"
#include "core/media_time.h"
#include "desk/evidence/evidence_book.h"

namespace vitrine::desk {

struct ExportWish {
  // One session of a program, or all sessions that were on air in a window.
  std::string program;
  std::string session;
  std::optional<Instant> from;
  std::optional<Instant> until;
  enum class Recordings { kAlong = 0, kLeftOut };
  Recordings recordings = Recordings::kAlong;
};

struct Exported {
  std::filesystem::path directory;
  int64_t first = 0;  // rows
  int64_t last = 0;
  int64_t seals = 0;
  int64_t files = 0;
};

/// Makes `directory`, which must not be there: rows.jsonl, seals/, keys/, recordings/ (hard links where the
/// disk allows, else copies), verify.py and README.md, which say how to check it elsewhere. Rows of other
/// programs lie between those that were asked for: a chain has no holes. Seals first; hashes what was not
/// hashed yet. Thread: any; takes as long as reading the recordings does. Errors: kInvalidInput, kNotFound,
/// kIo, kDiskFull; then nothing is left of it.
Result<Exported> export_evidence(EvidenceBook& book, const ExportWish& wish,
                                 const std::filesystem::path& directory);

}  // namespace vitrine::desk
