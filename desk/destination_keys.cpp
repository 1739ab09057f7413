// SPDX-License-Identifier: Apache-2.0
#include "desk/destination_keys.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/control_socket.h"
#include "core/log.h"
#include "core/rfc3339.h"
#include "core/secret.h"
#include "desk/api/answers.h"

namespace vitrine::desk {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kStudioAnswers = 3s;
constexpr auto kTrialLimit = 18s;  // the studio ends one after 15

/// When the key was put there; null where there is none that the studio could read.
json changed_at(const Config& config, const std::string& credential) {
  if (!load_credential(config.credentials_dir, credential)) return nullptr;
  std::error_code error;
  const auto written = std::filesystem::last_write_time(config.credentials_dir / credential, error);
  if (error) return nullptr;  // it came from systemd
  return format_rfc3339(
      std::chrono::time_point_cast<Instant::duration>(std::chrono::file_clock::to_sys(written)));
}

/// People copy more than the key: a platform's page has the address beside it.
void check_key(ObjectReader& reader, const std::string& key) {
  if (key.find("://") != std::string::npos)
    reader.refuse("key", "a whole address", "only the key (串流密钥), without the address before it");
  else if (std::ranges::any_of(key, [](char c) { return c <= ' ' || c > '~'; }))
    reader.refuse("key", "spaces or other characters that no key has", "the key as the platform shows it");
}

}  // namespace

std::vector<Route> DestinationKeys::routes() {
  return {
      {"GET", "/api/v1/destinations", kOperators, "The destinations of this box, and which have a key",
       [this](const ApiRequest& /*request*/) { return list(); }},
      {"PUT",
       "/api/v1/destinations/{destination}/key",
       kOperators,
       "A destination's new stream key; what waits for it dials at once",
       [this](const ApiRequest& request) { return put(request); },
       {.schema = {{"type", "object"}}}},
      {"POST", "/api/v1/destinations/{destination}/try", kTechnicians,
       "Dials a destination and publishes with its key, without media: where it fails; 409 while it is on "
       "air there, or another one is tried",
       [this](const ApiRequest& request) { return try_out(request); }}};
}

Result<ApiAnswer> DestinationKeys::list() const {
  json destinations = json::array();
  for (const auto& each : config_.destinations) {
    const auto key = load_credential(config_.credentials_dir, each.key_credential);
    destinations.push_back({{"id", each.id},
                            {"name", each.name},
                            {"program", each.program},
                            {"platform", each.platform},
                            {"url", each.url},
                            {"has_key", key.has_value()},
                            {"key_changed_at", changed_at(config_, each.key_credential)}});
    if (!key) destinations.back()["no_key_because"] = key.error().message;
  }
  return ApiAnswer{.body = {{"destinations", std::move(destinations)}}};
}

Result<const DestinationConfig*> DestinationKeys::find(const std::string& id) const {
  const auto found = std::ranges::find(config_.destinations, id, &DestinationConfig::id);
  if (found == config_.destinations.end())
    return fail(ErrorCode::kNotFound, fmt::format("there is no destination \"{}\"", id));
  return &*found;
}

Result<ApiAnswer> DestinationKeys::try_out(const ApiRequest& request) const {
  const std::string& id = request.path.at("destination");
  if (const auto found = find(id); !found) return tl::unexpected(found.error());
  // It takes seconds: no more than one of the pool's threads may wait for it.
  const std::unique_lock lock(trial_mutex_, std::try_to_lock);
  if (!lock.owns_lock())
    return fail(ErrorCode::kDeviceBusy, "a destination is being tested; try again in 15 s");
  const auto tried =
      call_control(config_.control_socket(), {{"op", "try_destination"}, {"destination", id}}, kTrialLimit);
  if (!tried) return tl::unexpected(tried.error().with_context("asking the studio"));
  if (tried->body.value("ok", false)) return ApiAnswer{.body = tried->body.value("trial", json::object())};
  const json error = tried->body.value("error", json::object());
  const bool has_no_key = error.value("code", "") == to_string(ErrorCode::kNotFound);
  return fail(has_no_key ? ErrorCode::kNotFound : ErrorCode::kDeviceBusy,
              error.value("message", "the studio refused"));
}

Result<ApiAnswer> DestinationKeys::put(const ApiRequest& request) const {
  const std::string& id = request.path.at("destination");
  const auto found = find(id);
  if (!found) return tl::unexpected(found.error());
  Secret key;
  const auto read = read_body(request, [&](ObjectReader& reader) {
    std::string text = reader.text("key", {.max_bytes = 1024, .may_be_empty = false});
    check_key(reader, text);
    key = Secret(std::move(text));
  });
  if (!read) return tl::unexpected(read.error());
  if (auto stored = store_credential(config_.credentials_dir, (*found)->key_credential, key); !stored)
    return tl::unexpected(stored.error());
  log::info("destinations", "{} has a new key, from {}", id, request.caller.name);
  // Who is live notices nothing; who was refused, or was left out for want of a key, dials.
  const auto dialled = call_control(config_.control_socket(), {{"op", "retry"}}, kStudioAnswers);
  return ApiAnswer{.body = {{"destination", id}, {"is_told", dialled && dialled->body.value("ok", false)}}};
}

}  // namespace vitrine::desk
