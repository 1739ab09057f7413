// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "commerce/item.h"
#include "core/error.h"
#include "core/media_time.h"
#include "desk/evidence/evidence_book.h"

namespace vitrine::desk {

/// What the evidence says, for people and pages. Answers are JSON as the API gives it; docs/evidence.md has
/// their form. Threads: any; each question is one snapshot of the store.
class EvidenceLookup {
 public:
  /// `book` must outlive it.
  explicit EvidenceLookup(const EvidenceBook& book) : book_(book) {}

  /// What was on screen of a program at an instant: {"on_air", "row": {"sequence", "hash", "body"}, "frame",
  /// "session", "recording": {"program", "session", "file", "offset_ms", "frame", "fragment", "exists", …} or
  /// null}. Instants are those of the show clock, as the rows' `at`.
  [[nodiscard]] Result<nlohmann::json> at(const std::string& program, Instant instant) const;

  struct Filter {
    std::string program;  // empty, here and below: all
    std::string session;
    std::string kind;
    std::optional<commerce::Ref> item;
    std::optional<Instant> from;
    std::optional<Instant> until;
    int64_t before = INT64_MAX;  // sequence: the next page
    int limit = 100;             // 1 to 500
  };
  /// The newest first: {"rows": [{"sequence", "hash", "body"}, …], "next": sequence or null}.
  [[nodiscard]] Result<nlohmann::json> list(const Filter& filter) const;
  /// The newest first: {"sessions": [{"program", "session", "started_at", "ended_at", "lost", …}, …]}.
  [[nodiscard]] Result<nlohmann::json> sessions(const std::string& program, int limit) const;

  struct LastVisible {
    EvidenceBook::Visible now;    // the last change
    EvidenceBook::Visible first;  // since when this revision is on screen
  };
  /// Of a program's newest session; nullopt where none has been.
  [[nodiscard]] Result<std::optional<LastVisible>> last_visible(const std::string& program) const;

  /// When an item could be seen, and with which price: {"shown": [{"program", "session", "layer", "form",
  /// "price", "offer", "item", "from", "until", "rows": [first, last]}, …]}, oldest first. "until" is null
  /// where it still stands.
  [[nodiscard]] Result<nlohmann::json> item_on_air(const commerce::Ref& item, Instant from,
                                                   Instant until) const;

  /// {"device", "public_key" (PEM), "rows", "sealed_until", "sealed_at", "recordings_to_hash"}
  [[nodiscard]] Result<nlohmann::json> summary() const;

 private:
  const EvidenceBook& book_;
};

}  // namespace vitrine::desk
