// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <filesystem>
#include <string>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/rfc3339.h"
#include "core/unique_fd.h"

namespace vitrine::desk {

/// Writes a session's files as the studio does: each record one append, of one write.
class StudioFiles {
 public:
  StudioFiles(std::filesystem::path recordings, std::string program, std::string session, Instant begin)
      : directory_(recordings / program / session),
        program_(std::move(program)),
        session_(std::move(session)),
        begin_(begin) {
    std::filesystem::create_directories(directory_);
  }

  void started() { write(session_record(begin_, "started")); }
  void ended(int64_t frame) { write(session_record(at(frame), "ended")); }

  /// `layers` as in a visible record.
  void visible(int64_t frame, uint64_t revision, nlohmann::json layers) {
    write({{"type", "visible"},
           {"utc", format_rfc3339(at(frame))},
           {"frame", frame},
           {"pts_ms", frame * 1000 / kFps},
           {"revision", revision},
           {"scene", "default"},
           {"camera", "counter"},
           {"layers", std::move(layers)}});
  }
  /// The card of an item with its price, leased for `lease_s` from then on.
  [[nodiscard]] nlohmann::json card(int64_t frame, int64_t minor, int lease_s = 30,
                                    const char* form = "normal") const {
    nlohmann::json layer = {{"id", "card"}, {"template", "product_card"}, {"form", form}};
    if (form == std::string_view("hidden")) return layer;
    layer["tile"] = std::string(32, '7');
    layer["data"] = {{"name", "延边苹果梨"}, {"price", {{"minor", minor}, {"currency", "CNY"}}}};
    layer["valid_until"] = format_rfc3339(at(frame) + std::chrono::seconds(lease_s));
    return layer;
  }

  std::filesystem::path opened(int number, int64_t first_frame, const std::string& content) {
    recording("opened", number, first_frame, first_frame + kFps);
    std::ofstream(directory_ / file(number), std::ios::binary) << content;
    return directory_ / file(number);
  }
  void closed(int number, int64_t first_frame, int64_t end_frame) {
    recording("closed", number, first_frame, end_frame);
  }
  void recording(const char* event, int number, int64_t first_frame, int64_t end_frame) {
    write({{"type", "recording"},
           {"event", event},
           {"file", file(number)},
           {"first_frame", first_frame},
           {"first_pts_ms", first_frame * 1000 / kFps + 21},
           {"last_pts_ms", end_frame * 1000 / kFps + 21}});
  }

  void write(nlohmann::json record) {
    record["program"] = program_;
    record["session"] = session_;
    if (!record.contains("utc")) record["utc"] = format_rfc3339(begin_);
    append(record.dump() + "\n");
  }
  void append(const std::string& bytes) const {
    const UniqueFd fd(::open(records().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    if (::write(fd.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
  }

  [[nodiscard]] Instant at(int64_t frame) const {
    return begin_ + std::chrono::microseconds(frame * 1'000'000 / kFps);
  }
  [[nodiscard]] std::filesystem::path records() const { return directory_ / "as-run.jsonl"; }
  [[nodiscard]] std::string file(int number) const {
    return fmt::format("{}-{}-{:03}.mp4", program_, session_, number);
  }
  [[nodiscard]] const std::string& session() const { return session_; }

  static constexpr int64_t kFps = 30;

 private:
  [[nodiscard]] static nlohmann::json session_record(Instant at, const char* event) {
    return {{"type", "session"},
            {"event", event},
            {"utc", format_rfc3339(at)},
            {"fps_num", kFps},
            {"fps_den", 1}};
  }

  const std::filesystem::path directory_;
  const std::string program_;
  const std::string session_;
  const Instant begin_;
};

}  // namespace vitrine::desk
