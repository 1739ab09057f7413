// SPDX-License-Identifier: Apache-2.0
#include "cli/status_text.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "core/rfc3339.h"

namespace vitrine::cli {
namespace {

using nlohmann::json;

std::string text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

double number(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : 0;
}

const json& child(const json& object, const char* key) {
  static const json nothing = json::object();
  const auto found = object.find(key);
  return found != object.end() ? *found : nothing;
}

std::string local_time(const std::string& rfc3339) {
  const auto instant = parse_rfc3339(rfc3339);
  if (!instant) return "?";
  const std::time_t seconds = std::chrono::system_clock::to_time_t(*instant);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return fmt::format("{:%H:%M:%S}", local);
}

std::string duration(double seconds) {
  const auto whole = static_cast<int64_t>(seconds);
  return fmt::format("{:02}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string rate(double kbps) {
  return kbps >= 1000 ? fmt::format("{:.1f} Mb/s", kbps / 1000) : fmt::format("{:.0f} kb/s", kbps);
}

std::string named(const json& item) {
  const std::string id = text(item, "id");
  const std::string name = text(item, "name");
  return name.empty() || name == id ? id : fmt::format("{} ({})", name, id);
}

std::string cause(const json& item) {
  const std::string sentence = text(item, "cause");
  return sentence.empty() ? "" : ": " + sentence;
}

std::string layer_line(const json& layer) {
  std::string line = fmt::format("{} {}", text(layer, "id"), text(layer, "form"));
  if (const double left = number(layer, "seconds_left"); left > 0) {
    line += left < 86'400 ? fmt::format(" ({} left)", duration(left)) : "";
  }
  return line;
}

std::string program_text(const json& program) {
  std::string out = fmt::format("\n{}  {}×{} {} fps  ", text(program, "id"), program["size"][0].get<int>(),
                                program["size"][1].get<int>(), text(program, "fps"));
  const std::string state = text(program, "state");
  if (state == "on air") {
    out += fmt::format("ON AIR for {}", duration(number(program, "elapsed_s")));
  } else {
    out += state + cause(program);
  }
  out += fmt::format(", scene {}\n", text(program, "scene"));
  const auto& picture = child(program, "picture");
  out += fmt::format("  picture     {}\n",
                     text(picture, "camera").empty() ? "the slate" : "camera " + text(picture, "camera"));
  std::string layers;
  for (const auto& layer : child(program, "layers"))
    layers += (layers.empty() ? "" : " · ") + layer_line(layer);
  out += fmt::format("  layers      {}\n", layers.empty() ? "none" : layers);
  const auto& sound = child(program, "sound");
  if (const double peak = number(sound, "peak_db"); state == "on air") {
    out += peak <= -99 ? "  sound       silent\n" : fmt::format("  sound       peak {:.0f} dB\n", peak);
  }
  const auto& frames = child(program, "frames");
  out +=
      fmt::format("  frames      {:.1f}/s, drawn in {:.1f} ms; late {:.0f}, repeated {:.0f}, lost {:.0f}\n",
                  number(frames, "fps"), number(frames, "compose_ms"), number(frames, "late"),
                  number(frames, "repeated"), number(frames, "skipped"));
  if (const auto& encoder = child(program, "encoder"); !encoder.empty()) {
    out += fmt::format("  encoder     {}, {:.0f} ms a frame, {:.0f} dropped\n", rate(number(encoder, "kbps")),
                       number(encoder, "encode_ms"), number(encoder, "dropped"));
  }
  for (const auto& destination : child(program, "destinations")) {
    out += fmt::format("  → {}  {}", named(destination), text(destination, "state"));
    if (text(destination, "state") == "live") {
      out += fmt::format(" since {}, {}, {:.0f} frames", local_time(text(destination, "since")),
                         rate(number(destination, "kbps")), number(destination, "frames_sent"));
      if (const double skipped = number(destination, "packets_skipped"); skipped > 0)
        out += fmt::format(", {:.0f} packets skipped", skipped);
      if (const double connects = number(destination, "connects"); connects > 1)
        out += fmt::format(", {:.0f} connects", connects);
    } else {
      out += cause(destination);
    }
    out += "\n";
  }
  if (const auto& recording = child(program, "recording"); !recording.empty()) {
    out += fmt::format("  recording   {}{}", text(recording, "state"), cause(recording));
    if (!text(recording, "file").empty()) {
      out += fmt::format("  {} ({:.0f} MB), room for {:.0f} h", text(recording, "file"),
                         number(recording, "megabytes"), number(recording, "hours_left"));
    }
    out += "\n";
  }
  return out;
}

std::string source_line(const json& source) {
  std::string line = fmt::format("  {}  {}", named(source), text(source, "state"));
  if (const auto size = source.find("size"); size != source.end()) {
    line += fmt::format(" {}×{} {:.1f} fps, {:.0f} ms old", (*size)[0].get<int>(), (*size)[1].get<int>(),
                        number(source, "fps"), number(source, "age_ms"));
  }
  if (source.contains("level_db")) {
    const double level = number(source, "level_db");
    line += level <= -99 ? ", silent" : fmt::format(", {:.0f} dB", level);
  }
  line += cause(source);
  for (const auto& warning : child(source, "warnings"))
    line += fmt::format(" [{}]", warning.get<std::string>());
  if (const double restarts = number(source, "restarts"); restarts > 0)
    line += fmt::format(", {:.0f} restarts", restarts);
  return line + fmt::format("  {}\n", text(source, "source"));
}

struct Wording {
  std::string_view code;
  std::string_view words;
};

constexpr std::array kSteps = {
    Wording{"resolve", "name to address"},  Wording{"connect", "connection"}, Wording{"tls", "TLS"},
    Wording{"handshake", "RTMP handshake"}, Wording{"publish", "stream key"},
};

constexpr std::array kRemedies = {
    Wording{"resolve_failed",
            "look at the internet and DNS of this box, then at the host in the destination's url"},
    Wording{"connect_refused",
            "look at the internet and the firewall, then at host and port in the destination's url"},
    Wording{"tls_failed", "look at the clock (timedatectl); else the platform's certificate is wrong"},
    Wording{"auth_rejected", "get a new key from the platform's page, put it in, and test again"},
    Wording{"not_found", "correct the part of the destination's url behind the host"},
    Wording{"ingest_busy", "wait two minutes; else another phone or box is live with this key"},
    Wording{"protocol", "the url leads to something that is no ingest: correct host and port"},
    Wording{"timeout",
            "look at the internet and the firewall; else the platform has a fault, try again later"},
    Wording{"ingest_disconnected", "try again; if it stays, look at the platform's page"},
    Wording{"stopped", "nothing: a show needed the destination, or the studio ended"},
};

template <typename Words>
std::string worded(const Words& words, const std::string& code) {
  const auto found = std::ranges::find(words, code, &Wording::code);
  return std::string(found == words.end() ? code : found->words);
}

}  // namespace

std::string format_trial(const json& trial) {
  const std::string address = text(trial, "address");
  const bool is_good = trial.value("ok", false);
  std::string out =
      fmt::format("{}{}  {}\n", text(trial, "destination"), address.empty() ? "" : " at " + address,
                  is_good ? "takes the stream" : "DOES NOT take the stream");
  const std::string failed = text(trial, "failed_step");
  for (const auto& step : child(trial, "steps")) {
    out += fmt::format("  {:<16}{:>6.0f} ms  {}\n", worded(kSteps, text(step, "step")), number(step, "ms"),
                       text(step, "step") == failed ? "FAILED" : "ok");
  }
  if (is_good) return out + "nothing was sent but the key; nobody saw a picture\n";
  const std::string code = text(trial, "cause_code");
  out += fmt::format("  ! {} [{}]\n", text(trial, "cause"), code);
  const std::string remedy = worded(kRemedies, code);
  return remedy == code ? out : out + fmt::format("  what to do: {}\n", remedy);
}

std::string format_status(const json& status) {
  std::string out =
      fmt::format("{} · vitrine {} · up {} · revision {:.0f}\n", text(status, "studio"),
                  text(status, "version"), duration(number(status, "uptime_s")), number(status, "revision"));
  for (const auto& program : child(status, "programs")) out += program_text(program);
  out += "\ncameras\n";
  for (const auto& camera : child(status, "cameras")) out += source_line(camera);
  if (!child(status, "microphones").empty()) {
    out += "microphones\n";
    for (const auto& microphone : child(status, "microphones")) out += source_line(microphone);
  }
  const auto& problems = child(status, "problems");
  out += problems.empty() ? "\nnothing is wrong\n" : "\nneeds attention\n";
  for (const auto& problem : problems) out += fmt::format("  ! {}\n", problem.get<std::string>());
  return out;
}

}  // namespace vitrine::cli
