// SPDX-License-Identifier: Apache-2.0
#include "desk/support_routes.h"

#include <fmt/format.h>

#include "core/rfc3339.h"
#include "desk/api/answers.h"
#include "desk/journal.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;

constexpr int64_t kUsualLines = 200;
constexpr int64_t kMostLines = 1000;

std::string origin_of(const std::string& address) {
  if (address.empty()) return "";
  const auto url = parse_url(address);
  if (!url) return "(not a URL)";
  return fmt::format("{}://{}{}", url->scheme, url->host,
                     url->port == 0 ? "" : fmt::format(":{}", url->port));
}

std::string source_of(const SourceAddress& source) {
  return source.kind == SourceAddress::Kind::kRtsp ? origin_of(source.value) : source.text();
}

json cameras_of(const Config& config) {
  json list = json::array();
  for (const auto& camera : config.cameras)
    list.push_back({{"id", camera.id},
                    {"name", camera.name},
                    {"source", source_of(camera.source)},
                    {"transport", camera.transport == CameraConfig::Transport::kTcp ? "tcp" : "udp"},
                    {"credential", camera.credential}});
  return list;
}

json microphones_of(const Config& config) {
  json list = json::array();
  for (const auto& microphone : config.microphones)
    list.push_back({{"id", microphone.id},
                    {"name", microphone.name},
                    {"source", source_of(microphone.source)},
                    {"gain_db", microphone.gain_db},
                    {"delay_ms", microphone.delay.count()}});
  return list;
}

json programs_of(const Config& config) {
  json list = json::array();
  for (const auto& program : config.programs)
    list.push_back({{"id", program.id},
                    {"size", {program.size.width, program.size.height}},
                    {"fps", fmt::format("{}/{}", program.frame_rate.num, program.frame_rate.den)},
                    {"video_kbps", program.video_kbps},
                    {"audio_kbps", program.audio_kbps},
                    {"preset", program.preset},
                    {"theme", program.theme},
                    {"record", program.is_recorded}});
  return list;
}

json destinations_of(const Config& config) {
  json list = json::array();
  for (const auto& destination : config.destinations)
    list.push_back({{"id", destination.id},
                    {"name", destination.name},
                    {"program", destination.program},
                    {"platform", destination.platform},
                    {"url", origin_of(destination.url)},
                    {"key_credential", destination.key_credential}});
  return list;
}

json commerce_of(const CommerceConfig& commerce) {
  constexpr std::array kBackends = {"local", "vendure", "medusa"};
  json licences = json::array();
  for (const auto& licence : commerce.category_licences)
    licences.push_back({{"category", licence.category}, {"document", licence.document}});
  return {{"backend", kBackends.at(static_cast<size_t>(commerce.backend))},
          {"url", origin_of(commerce.url)},
          {"credential", commerce.credential},
          {"events_listen", commerce.events_listen ? json(commerce.events_listen->text()) : json()},
          {"events_credential", commerce.events_credential},
          {"currency", std::string(commerce.currency.data(), commerce.currency.size())},
          {"highest_price_minor", commerce.highest_price_minor},
          {"price_lasts_s", commerce.price_lasts.count()},
          {"photo_hosts", commerce.photo_hosts},
          {"category_licences", std::move(licences)}};
}

json desk_of(const DeskConfig& desk) {
  json listen_tls = json::array();
  for (const auto& address : desk.listen_tls) listen_tls.push_back(address.text());
  return {{"listen", desk.listen.text()},
          {"listen_tls", std::move(listen_tls)},
          {"host_names", desk.host_names},
          {"pages_dir", desk.pages_dir.string()}};
}

/// What can't be seen now says why: a bundle is made when something is wrong.
json seen(const SupportRoutes::Look& look) {
  auto found = look();
  if (!found) return {{"error", found.error().message}};
  return std::move(*found);
}

}  // namespace

json config_without_secrets(const Config& config) {
  return {{"studio",
           {{"name", config.studio_name},
            {"locale", config.locale},
            {"state_dir", config.state_dir.string()},
            {"run_dir", config.run_dir.string()},
            {"theme_dir", config.theme_dir.string()},
            {"platforms_file", config.platforms_file.string()},
            {"media_dir", config.media_dir.string()},
            {"credentials_dir", config.credentials_dir.string()}}},
          {"recording",
           {{"directory", config.recording.directory.string()},
            {"segment_minutes", config.recording.segment.count()},
            {"keep_days", config.recording.keep_days},
            {"min_free_mib", config.recording.min_free_mib}}},
          {"cameras", cameras_of(config)},
          {"microphones", microphones_of(config)},
          {"programs", programs_of(config)},
          {"destinations", destinations_of(config)},
          {"commerce", commerce_of(config.commerce)},
          {"desk", desk_of(config.desk)}};
}

std::vector<Route> SupportRoutes::routes() {
  return {{"GET",
           "/api/v1/logs",
           kTechnicians,
           "The newest lines of the journal, of the studio and the desk; the oldest of them first",
           [this](const ApiRequest& request) { return logs(request); },
           {.query = {"lines"}}},
          {"GET", "/api/v1/support", kTechnicians,
           "All that is known of the box in one file, to hand on; no secret is in it",
           [this](const ApiRequest& request) { return bundle(request); }}};
}

json SupportRoutes::newest_log(size_t most) const {
  const auto found = newest_lines(most, parts_.journal);
  if (!found) return {{"available", false}, {"why", found.error().message}};
  json lines = json::array();
  for (const auto& line : *found)
    lines.push_back({{"at", format_rfc3339(line.at)},
                     {"unit", line.unit},
                     {"priority", line.priority},
                     {"text", line.text}});
  return {{"available", true}, {"lines", std::move(lines)}};
}

Result<ApiAnswer> SupportRoutes::logs(const ApiRequest& request) const {
  const auto lines = number_or(request, "lines", kUsualLines);
  if (!lines) return tl::unexpected(lines.error());
  if (*lines < 1 || *lines > kMostLines)
    return tl::unexpected(
        to_error(Problems{{"lines", fmt::format("{}", *lines), fmt::format("1 to {}", kMostLines)}}));
  return ApiAnswer{.body = newest_log(static_cast<size_t>(*lines))};
}

Result<ApiAnswer> SupportRoutes::bundle(const ApiRequest& /*request*/) const {
  const std::string now = format_rfc3339(system_now());
  std::string stamp = now.substr(0, now.find('.'));
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  return ApiAnswer{
      .body = {{"made_at", now},
               {"version", parts_.version},
               {"config", config_without_secrets(parts_.config)},
               {"status", seen(parts_.status)},
               {"sync", seen(parts_.sync)},
               {"preflight", seen(parts_.preflight)},
               {"log", newest_log(kMostLines)}},
      .headers = {{"Content-Disposition", fmt::format("attachment; filename=\"vitrine-{}Z.json\"", stamp)}}};
}

}  // namespace vitrine::desk
