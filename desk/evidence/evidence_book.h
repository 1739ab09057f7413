// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "commerce/store.h"
#include "core/error.h"
#include "core/media_time.h"
#include "desk/evidence/as_run.h"
#include "desk/evidence/device_key.h"

namespace vitrine::desk {

/// What was on screen, provably: each record of the studio, joined with why the desk had asked for it, as one
/// row of a chain that only grows, which this box's key signs every day. docs/evidence.md is the format.
/// Threads: any, all functions; each waits for the disk.
class EvidenceBook {
 public:
  struct Config {
    std::filesystem::path directory;   // of the chain and the key
    std::filesystem::path recordings;  // of the studio
  };
  /// Errors: those of Store::open and DeviceKey::open.
  static Result<std::unique_ptr<EvidenceBook>> open(Config config);

  /// Why `revision` is as it is; on the disk when it returns, so call it before the studio hears of the
  /// revision. `basis`: {"show", "segment", "operator", …, "programs": {<program>: {"layers": {<layer>:
  /// {"item": {"product", "variant", …}, "price": {"minor", "currency"}, "offer", "document", …}}}}}. With
  /// "digest" (`layer_digest`) in a layer it is joined only to a layer that shows exactly that: then a state
  /// set by hand under the same number is not taken for the desk's. Errors: kInvalidInput; kStaleRevision
  /// where another basis of this revision has been on screen.
  Status note_sent(uint64_t revision, const nlohmann::json& basis);
  /// The highest that was ever noted; 0: none. A studio that lost its state counts from the beginning again.
  [[nodiscard]] Result<uint64_t> newest_noted() const;
  static std::string layer_digest(std::string_view template_name, const nlohmann::json& data);

  /// A row that is there now, for who waits for it to be on screen.
  struct Visible {
    int64_t sequence = 0;
    std::string program;
    std::string session;
    uint64_t revision = 0;
    int64_t frame = 0;
    Instant at{};
  };
  struct Taken {
    std::vector<Visible> visible;
    bool has_ended_session = false;
    bool has_file_to_hash = false;
  };
  /// The lines' rows and how far the file was read, all or nothing. Errors: kStaleRevision where `from` is
  /// not where the last one ended.
  Result<Taken> take(const AsRunLines& lines);

  /// By program and session: bytes read.
  using Positions = std::map<std::pair<std::string, std::string>, uint64_t>;
  [[nodiscard]] Result<Positions> positions() const;
  /// Nothing more is to come of it: it ended, or another one began.
  [[nodiscard]] Result<bool> is_over(const std::string& program, const std::string& session) const;

  /// Signs the chain as it is now; nothing where its last row is signed.
  Status seal(std::string_view why);
  /// The same, once a UTC day and only where there are rows since.
  Status seal_if_due();

  struct Recording {
    std::string program;
    std::string session;
    std::string file;
    [[nodiscard]] std::filesystem::path below(const std::filesystem::path& recordings) const {
      return recordings / program / session / file;
    }
  };
  /// Files that nobody writes any more and whose hash is not in the chain; of one session, or of all.
  [[nodiscard]] Result<std::vector<Recording>> unhashed(const Recording* of_session = nullptr) const;
  struct FileHash {
    uint64_t bytes = 0;
    std::string blake2b;
    Instant written_at{};
    std::string fault;  // instead: "missing", or why it can't be read
  };
  /// A row of its own; nothing where it has one.
  Status note_hash(const Recording& recording, const FileHash& hash);

  [[nodiscard]] const commerce::Store& store() const { return *store_; }
  /// Copies of it are the owner's to order: Store::back_up. They are as large as it is.
  [[nodiscard]] commerce::Store& store() { return *store_; }
  [[nodiscard]] const DeviceKey& key() const { return key_; }
  [[nodiscard]] const Config& config() const { return config_; }

 private:
  EvidenceBook(Config config, std::unique_ptr<commerce::Store> store, DeviceKey key);
  Status begin_chain();

  const Config config_;
  const std::unique_ptr<commerce::Store> store_;
  const DeviceKey key_;
};

/// Pictures to a fragment of a recording: it ends before the picture that would make it longer than a second
/// (encoder/detail/segment.cpp). 0 where the rate is not known.
int64_t frames_per_fragment(int64_t fps_num, int64_t fps_den);

}  // namespace vitrine::desk
