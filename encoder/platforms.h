// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "core/error.h"
#include "core/media_time.h"
#include "core/secret.h"

namespace vitrine::encoder {

/// What a platform wants, as platforms.toml says it; the file explains each field.
struct Platform {
  enum class Confidence { kHigh = 0, kMedium, kLow };
  enum class Notation { kHex = 0, kDecimal, kEither };
  struct ExpiryField {
    std::string name;
    Notation notation = Notation::kEither;
  };

  std::string id;
  std::string name;
  int keyframe_interval_s = 2;
  int b_frames = 0;
  std::vector<std::string> video_codecs;
  int max_video_kbps = 0;  // 0: none known
  int max_audio_kbps = 0;
  std::vector<Rational> aspects;  // empty: any
  bool is_tls_required = false;

  std::vector<ExpiryField> key_expiry;
  Confidence confidence = Confidence::kLow;
  std::string source;
  std::string notes;
};

/// Reads and checks the whole file: every problem with file and line, as for vitrine.toml.
tl::expected<std::vector<Platform>, Problems> load_platforms(const std::filesystem::path& path);
tl::expected<std::vector<Platform>, Problems> parse_platforms(std::string_view toml,
                                                              const std::string& file_name);

/// nullptr when there is none of this id.
const Platform* find_platform(const std::vector<Platform>& platforms, std::string_view id);

/// What the encoder of a programme must keep to, so that one encode serves all its destinations.
struct StreamRules {
  int keyframe_interval_s = 2;
  int b_frames = 0;
};
/// The strictest of the platforms `program` goes to; those not in the table don't count.
StreamRules stream_rules(const Config& config, std::string_view program,
                         const std::vector<Platform>& platforms);

/// When the key ends, where it says so itself.
std::optional<Instant> key_expiry(const Secret& key, const Platform& platform);

/// What would go wrong with a destination, before a show instead of in it.
struct DestinationCheck {
  Problems errors;    // it can't work
  Problems warnings;  // it may not work, or not for long
};

/// `key` may be nullptr when it could not be read; that is somebody else's error.
DestinationCheck check_destination(const DestinationConfig& destination, const ProgramConfig& program,
                                   const std::vector<Platform>& platforms, const Secret* key, Instant now);

}  // namespace vitrine::encoder
