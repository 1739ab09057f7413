// SPDX-License-Identifier: Apache-2.0
#include "encoder/platforms.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/object_reader.h"
#include "core/rfc3339.h"
#include "core/toml_document.h"
#include "core/url.h"

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;

constexpr ObjectReader::TextLimits kText{500, false};
// A key that ends sooner may end inside the show.
constexpr auto kSoon = 12h;
// Numbers outside are no times of a stream key: 2015 to 2100.
constexpr int64_t kEarliest = 1'420'070'400;
constexpr int64_t kLatest = 4'102'444'800;

std::optional<Rational> parse_aspect(std::string_view text) {
  Rational aspect{0, 0};
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::from_chars(text.data(), text.data() + colon, aspect.num);
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), aspect.den);
  if (aspect.num <= 0 || aspect.den <= 0) return std::nullopt;
  return aspect;
}

void read_texts(ObjectReader& reader, std::string_view key, size_t min,
                const std::function<bool(const std::string&)>& take, std::string_view allowed) {
  reader.values(key, min, 16, [&](const nlohmann::json& value, const std::string&) {
    if (!value.is_string() || !take(value.get<std::string>()))
      reader.refuse(key, value.dump(), std::string(allowed));
  });
}

Platform read_platform(ObjectReader& reader) {
  Platform platform;
  platform.id = reader.id("id");
  platform.name = reader.text("name", kText);
  platform.keyframe_interval_s = static_cast<int>(reader.integer("keyframe_interval_s", 1, 10));
  platform.b_frames = static_cast<int>(reader.integer("b_frames", 0, 4));
  const auto take_codec = [&](const std::string& codec) {
    platform.video_codecs.push_back(codec);
    return codec == "h264" || codec == "hevc" || codec == "av1";
  };
  read_texts(reader, "video_codecs", 1, take_codec, "\"h264\", \"hevc\" or \"av1\"");
  const auto take_aspect = [&](const std::string& text) {
    const auto aspect = parse_aspect(text);
    platform.aspects.push_back(aspect.value_or(Rational{1, 1}));
    return aspect.has_value();
  };
  read_texts(reader, "aspects", 0, take_aspect, "an aspect like \"9:16\"");
  platform.max_video_kbps = static_cast<int>(reader.integer_or("max_video_kbps", 0, 100, 100'000));
  platform.max_audio_kbps = static_cast<int>(reader.integer_or("max_audio_kbps", 0, 32, 1'000));
  platform.is_tls_required = reader.boolean_or("tls_required", false);

  reader.array("key_expiry", 0, 4, [&](ObjectReader& field) {
    platform.key_expiry.push_back({field.id("field"), static_cast<Platform::Notation>(field.one_of(
                                                          "notation", {"hex", "decimal", "either"}))});
  });
  platform.confidence =
      static_cast<Platform::Confidence>(reader.one_of("confidence", {"high", "medium", "low"}));
  platform.source = reader.text("source", kText);
  platform.notes = reader.text_or("notes", "", kText);
  return platform;
}

/// The value of `name` behind the '?' of the key; empty when there is none.
std::string_view field_of(std::string_view key, std::string_view name) {
  const size_t question = key.find('?');
  if (question == std::string_view::npos) return {};
  std::string_view rest = key.substr(question + 1);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

/// The number `text` begins with: some platforms write more behind it ("1761955200-0-0-<hash>").
std::optional<Instant> parse_time(std::string_view text, int base) {
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds, base);
  const bool is_whole = end == text.data() + text.size() || *end == '-';
  if (error != std::errc() || !is_whole || seconds < kEarliest || seconds > kLatest) return std::nullopt;
  return Instant(std::chrono::seconds(seconds));
}

std::optional<Instant> parse_time(std::string_view text, Platform::Notation notation) {
  constexpr int kHex = 16;
  constexpr int kDecimal = 10;
  switch (notation) {
    case Platform::Notation::kHex:
      return parse_time(text, kHex);
    case Platform::Notation::kDecimal:
      return parse_time(text, kDecimal);
    case Platform::Notation::kEither:
      break;
  }
  // Ten digits are decimal, eight are hex; read the other way neither lies in this century.
  if (const auto decimal = parse_time(text, kDecimal)) return decimal;
  return parse_time(text, kHex);
}

/// One destination's findings, in the words of the file the technician has open.
class Checker {
 public:
  Checker(const DestinationConfig& destination, const Platform& platform, DestinationCheck& check)
      : destination_(destination), platform_(platform), check_(check) {}

  void address() {
    const auto url = parse_url(destination_.url);
    if (platform_.is_tls_required && url && url->scheme != "rtmps") {
      note(check_.errors, "url", redact_url(destination_.url),
           fmt::format("rtmps://: {} lets nothing else in", platform_.name));
    }
  }

  void bitrates(const ProgramConfig& program) {
    ceiling("video_kbps", program.video_kbps, platform_.max_video_kbps);
    ceiling("audio_kbps", program.audio_kbps, platform_.max_audio_kbps);
  }

  void shape(Size size) {
    const auto fits = [size](Rational aspect) { return size.width * aspect.den == size.height * aspect.num; };
    if (platform_.aspects.empty() || std::ranges::any_of(platform_.aspects, fits)) return;
    std::vector<std::string> allowed;
    for (const auto& aspect : platform_.aspects)
      allowed.push_back(fmt::format("{}:{}", aspect.num, aspect.den));
    note(check_.warnings, "program", fmt::format("a picture of {}x{}", size.width, size.height),
         fmt::format("{} for {}", fmt::join(allowed, " or "), platform_.name));
  }

  void codec() {
    if (std::ranges::find(platform_.video_codecs, "h264") != platform_.video_codecs.end()) return;
    note(check_.errors, "platform", "H.264",
         fmt::format("{} for {}", fmt::join(platform_.video_codecs, ", "), platform_.name));
  }

  void expiry(const Secret& key, Instant now) {
    const auto end = key_expiry(key, platform_);
    if (!end) return;
    const std::string when = format_rfc3339(*end);
    if (*end <= now) {
      note(check_.errors, "key_credential",
           fmt::format("a stream key that ended at {} (it is {})", when, format_rfc3339(now)),
           "a new key from the platform");
    } else if (*end - now < kSoon) {
      note(check_.warnings, "key_credential",
           fmt::format("a stream key that ends at {}, in {:%H:%M} h", when,
                       std::chrono::floor<std::chrono::minutes>(*end - now)),
           "a key that outlives the show");
    }
  }

 private:
  void ceiling(std::string_view key, int found, int ceiling_kbps) {
    if (ceiling_kbps == 0 || found <= ceiling_kbps) return;
    auto& where = platform_.confidence == Platform::Confidence::kHigh ? check_.errors : check_.warnings;
    note(where, key, fmt::format("{} kbit/s", found),
         fmt::format("at most {} kbit/s for {}", ceiling_kbps, platform_.name));
  }

  void note(Problems& where, std::string_view key, std::string found, std::string allowed) const {
    where.push_back(
        {fmt::format("destination \"{}\": {}", destination_.id, key), std::move(found), std::move(allowed)});
  }

  const DestinationConfig& destination_;
  const Platform& platform_;
  DestinationCheck& check_;
};

}  // namespace

tl::expected<std::vector<Platform>, Problems> parse_platforms(std::string_view toml,
                                                              const std::string& file_name) {
  const auto document = TomlDocument::parse(toml, file_name);
  if (!document) return tl::unexpected(document.error());
  Problems problems;
  std::vector<Platform> platforms;
  ObjectReader root(document->json(), "", problems);
  root.array("platform", 1, 200, [&](ObjectReader& reader) {
    platforms.push_back(read_platform(reader));
    const auto& id = platforms.back().id;
    if (!id.empty() && std::ranges::count(platforms, id, &Platform::id) > 1) {
      reader.refuse("id", fmt::format("\"{}\" a second time", id), "each platform once");
    }
  });
  root.finish();
  if (problems.empty()) return platforms;
  return tl::unexpected(document->located(std::move(problems)));
}

tl::expected<std::vector<Platform>, Problems> load_platforms(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return tl::unexpected(Problems{
        {path.string(), std::strerror(errno), "the table of platforms, a part of the installation"}});
  }
  return parse_platforms(std::string(std::istreambuf_iterator<char>(file), {}), path.string());
}

const Platform* find_platform(const std::vector<Platform>& platforms, std::string_view id) {
  const auto found = std::ranges::find(platforms, id, &Platform::id);
  return found == platforms.end() ? nullptr : &*found;
}

StreamRules stream_rules(const Config& config, std::string_view program,
                         const std::vector<Platform>& platforms) {
  std::optional<StreamRules> rules;
  for (const auto& destination : config.destinations) {
    const Platform* const platform = find_platform(platforms, destination.platform);
    if (destination.program != program || platform == nullptr) continue;
    const StreamRules own{platform->keyframe_interval_s, platform->b_frames};
    const StreamRules before = rules.value_or(own);
    rules = {std::min(before.keyframe_interval_s, own.keyframe_interval_s),
             std::min(before.b_frames, own.b_frames)};
  }
  return rules.value_or(StreamRules{});
}

std::optional<Instant> key_expiry(const Secret& key, const Platform& platform) {
  for (const auto& field : platform.key_expiry) {
    if (const auto time = parse_time(field_of(key.reveal(), field.name), field.notation)) return time;
  }
  return std::nullopt;
}

DestinationCheck check_destination(const DestinationConfig& destination, const ProgramConfig& program,
                                   const std::vector<Platform>& platforms, const Secret* key, Instant now) {
  DestinationCheck check;
  const Platform* const platform = find_platform(platforms, destination.platform);
  if (platform == nullptr) {
    std::vector<std::string> ids;
    for (const auto& known : platforms) ids.push_back(known.id);
    check.errors.push_back({fmt::format("destination \"{}\": platform", destination.id),
                            fmt::format("\"{}\"", destination.platform),
                            fmt::format("one of {}", fmt::join(ids, ", "))});
    return check;
  }
  Checker checker(destination, *platform, check);
  checker.codec();
  checker.address();
  checker.bitrates(program);
  checker.shape(program.size);
  if (key != nullptr) checker.expiry(*key, now);
  return check;
}

}  // namespace vitrine::encoder
