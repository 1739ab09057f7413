// SPDX-License-Identifier: Apache-2.0
#include "cli/evidence.h"

#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <poll.h>
#include <spawn.h>
#include <unistd.h>

#include <fmt/format.h>

#include "cli/desk_client.h"
#include "cli/exit_code.h"
#include "core/money.h"
#include "core/rfc3339.h"
#include "core/text_rules.h"
#include "core/unique_fd.h"

namespace vitrine::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kFfmpegMs = 60'000;

std::string text_of(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (found == object.end() || found->is_null()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::string price_text(const json& price) {
  const std::string currency = text_of(price, "currency");
  if (currency.size() != 3 || !price.contains("minor") || !price["minor"].is_number_integer()) return "";
  Money money;
  currency.copy(money.currency.data(), 3);
  money.minor = price["minor"];
  return currency_symbol(money) + format_amount(money, Cents::kTrim);
}

/// What the desk knew about a layer, in one line.
std::string basis_text(const json& basis) {
  if (!basis.is_object()) return "not asked for by the desk";
  std::string text;
  const auto add = [&](const std::string& part) {
    if (!part.empty()) text += (text.empty() ? "" : " · ") + part;
  };
  if (basis.contains("item"))
    add(fmt::format("{} {} version {}", text_of(basis["item"], "sku"), text_of(basis["item"], "title"),
                    text_of(basis["item"], "version")));
  if (basis.contains("price")) add(price_text(basis["price"]));
  if (const auto offer = text_of(basis, "offer"); !offer.empty()) add("offer " + offer);
  if (basis.contains("document"))
    add(fmt::format("document {} version {}", text_of(basis["document"], "id"),
                    text_of(basis["document"], "version")));
  return text;
}

/// Runs ffmpeg to its end, without a shell; what it complained of is the error.
Status run_ffmpeg(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"ffmpeg", "-nostdin", "-v", "error", "-y"});
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  if (const int error = ::posix_spawnp(&pid, "ffmpeg", nullptr, nullptr, argv.data(), environ); error != 0) {
    return fail(ErrorCode::kNotFound,
                fmt::format("ffmpeg can't be run ({}); install it (apt install ffmpeg), or open the file and "
                            "position named above in any player",
                            std::generic_category().message(error)));
  }
  const UniqueFd child(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd wait{child.get(), POLLIN, 0};
  const bool has_ended = child.is_open() && ::poll(&wait, 1, kFfmpegMs) == 1;
  if (!has_ended) ::kill(pid, SIGKILL);
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (!has_ended)
    return fail(ErrorCode::kTimeout, fmt::format("ffmpeg took longer than {} s", kFfmpegMs / 1000));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail(ErrorCode::kIo, "ffmpeg could not read the recording there; what it said stands above");
  return {};
}

struct Place {
  std::string file;  // as ffmpeg takes it, whatever its name
  double frame_s = 0;
  double at_s = 0;
};
Result<Place> place_of(const json& at, const fs::path& recordings) {
  const json none = json::object();
  const json& recording = at.contains("recording") && at["recording"].is_object() ? at["recording"] : none;
  const std::string program = text_of(recording, "program");
  const std::string session = text_of(recording, "session");
  const std::string file = text_of(recording, "file");
  if (file.empty()) return fail(ErrorCode::kNotFound, "that moment was not recorded");
  if (!is_id(program) || !is_id(session) || file.find('/') != std::string::npos)
    return fail(ErrorCode::kProtocol, "the desk named a recording that can't be one");
  const fs::path path = recordings / program / session / file;
  std::error_code error;
  if (!fs::exists(path, error))
    return fail(ErrorCode::kNotFound,
                fmt::format("{}: is not there (any more), or you may not read it", path.string()));
  Place place;
  place.file = "file:" + path.string();
  place.frame_s = recording.value("fps_den", 1.0) / recording.value("fps_num", 1.0);
  place.at_s = recording.value("frame", 0.0) * place.frame_s;
  return place;
}

}  // namespace

Status extract_picture(const json& at, const fs::path& recordings, const fs::path& output) {
  const auto place = place_of(at, recordings);
  if (!place) return tl::unexpected(place.error());
  // Half a picture before its time: the next one is it, however the time is rounded.
  const double seek = std::max(0.0, place->at_s - place->frame_s / 2);
  return run_ffmpeg({"-ss", fmt::format("{:.6f}", seek), "-i", place->file, "-map", "0:v:0", "-frames:v", "1",
                     "-c:v", "png", "-f", "image2pipe", "file:" + output.string()});
}

Status extract_clip(const json& at, const fs::path& recordings, int seconds, const fs::path& output) {
  const auto place = place_of(at, recordings);
  if (!place) return tl::unexpected(place.error());
  const double seek = std::max(0.0, place->at_s - seconds / 2.0);
  return run_ffmpeg({"-ss", fmt::format("{:.6f}", seek), "-i", place->file, "-t", std::to_string(seconds),
                     "-c", "copy", "-f", "mp4", "file:" + output.string()});
}

EvidenceCommands::EvidenceCommands(CLI::App& app) {
  auto* evidence = app.add_subcommand("evidence", "What was on screen, and that nobody changed it since");
  evidence->require_subcommand(1);
  verify_ = evidence->add_subcommand("verify", "Checks the whole chain and every seal");
  show_ = evidence->add_subcommand("show", "What was on screen at a time");
  show_->add_option("--at", at_, "The time, as 2026-11-11T20:00:00+08:00")->required();
  show_->add_option("--program", program_, "The program")->required();
  show_->add_option("--picture", picture_, "Writes the picture that was sent then as PNG (needs ffmpeg)");
  show_->add_option("--clip", clip_, "Writes the programme around it as MP4 (needs ffmpeg)");
  show_->add_option("--seconds", seconds_, "How long the clip is")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  sessions_ = evidence->add_subcommand("sessions", "Times on air, the newest first");
  sessions_->add_option("--program", program_, "One program; all when left out");
  export_ = evidence->add_subcommand("export", "Makes a folder that can be checked on any other machine");
  auto* program = export_->add_option("--program", program_, "The program; all of a window when left out");
  auto* session = export_->add_option("--session", session_, "One time on air, as `sessions` names it");
  session->needs(program);
  auto* from = export_->add_option("--from", from_, "A window instead: its begin")->excludes(session);
  auto* until = export_->add_option("--until", until_, "Its end")->needs(from);
  from->needs(until);
  export_->add_flag("--without-recordings", is_without_recordings_, "Leaves the recordings out");
  key_ = evidence->add_subcommand("key", "The key that signs, to be published before anybody doubts");
}

std::optional<int> EvidenceCommands::run(const DeskLine& line, const fs::path& recordings) const {
  if (verify_->parsed()) return verify(line);
  if (show_->parsed()) return show(line, recordings);
  if (export_->parsed()) return make_export(line);
  if (!sessions_->parsed() && !key_->parsed()) return std::nullopt;
  const auto answer =
      line.desk.get(sessions_->parsed() ? "/api/v1/evidence/sessions" + query_of({{"program", program_}})
                                        : "/api/v1/evidence/key");
  if (!answer) return line.print_failure(answer.error());
  if (line.is_json)
    std::cout << answer->dump(2) << "\n";
  else if (sessions_->parsed())
    std::cout << format_sessions(*answer);
  else
    std::cout << fmt::format("device {}\n{}", text_of(*answer, "device"), text_of(*answer, "public_key"));
  return kDone;
}

int EvidenceCommands::verify(const DeskLine& line) const {
  const auto answer = line.desk.send("POST", "/api/v1/evidence/verify", nullptr);
  if (!answer) return line.print_failure(answer.error());
  std::cout << (line.is_json ? answer->dump(2) + "\n" : format_verdict(*answer));
  return answer->value("ok", false) ? kDone : kNeedsAttention;
}

int EvidenceCommands::show(const DeskLine& line, const fs::path& recordings) const {
  const auto answer = line.desk.get("/api/v1/evidence/at" + query_of({{"program", program_}, {"time", at_}}));
  if (!answer) return line.print_failure(answer.error());
  std::cout << (line.is_json ? answer->dump(2) + "\n" : format_on_screen(*answer));
  for (const auto& [output, extract] :
       {std::pair(picture_, std::function([&] { return extract_picture(*answer, recordings, picture_); })),
        std::pair(clip_,
                  std::function([&] { return extract_clip(*answer, recordings, seconds_, clip_); }))}) {
    if (output.empty()) continue;
    if (const auto done = extract(); !done) return line.print_failure(refusal_json(done.error()));
    if (!line.is_json) std::cout << "written: " << output << "\n";
  }
  return kDone;
}

int EvidenceCommands::make_export(const DeskLine& line) const {
  json wish = {{"recordings", !is_without_recordings_}};
  for (const auto& [name, value] : {std::pair("program", program_), std::pair("session", session_),
                                    std::pair("from", from_), std::pair("until", until_)})
    if (!value.empty()) wish[name] = value;
  const auto answer = line.desk.send("POST", "/api/v1/evidence/export", wish);
  if (!answer) return line.print_failure(answer.error());
  if (line.is_json)
    std::cout << answer->dump(2) << "\n";
  else
    std::cout << fmt::format(
        "{}: rows {} to {}, {} seals, {} recordings; to check it anywhere: python3 verify.py\n",
        text_of(*answer, "directory"), answer->at("rows").at(0).dump(), answer->at("rows").at(1).dump(),
        text_of(*answer, "seals"), text_of(*answer, "recordings"));
  return kDone;
}

std::string format_verdict(const json& answer) {
  if (answer.value("ok", false))
    return fmt::format("{} rows follow from each other, {} seals hold; signed up to row {} by device {}\n",
                       text_of(answer, "rows"), text_of(answer, "seals"), text_of(answer, "sealed_until"),
                       text_of(answer, "device"));
  const json& wrong = answer.at("wrong");
  return fmt::format("row {}: {}\nwhat stands before it holds; an export made earlier shows what was here\n",
                     text_of(wrong, "sequence"), text_of(wrong, "what"));
}

std::string format_on_screen(const json& answer) {
  if (!answer.value("on_air", false))
    return fmt::format("{} was not on air at {}\n", text_of(answer, "program"), text_of(answer, "time"));
  const json& body = answer["row"]["body"];
  const json about = body.contains("basis") ? body["basis"] : json(nullptr);
  std::string text =
      fmt::format("{} at {}: row {}, revision {}, on screen since {}\n", text_of(answer, "program"),
                  text_of(answer, "time"), text_of(answer["row"], "sequence"), text_of(body, "revision"),
                  text_of(body, "at"));
  text +=
      fmt::format("  session {}, picture {}, camera {}\n", text_of(body, "session"), text_of(answer, "frame"),
                  text_of(body, "camera").empty() ? "none (the slate)" : text_of(body, "camera"));
  if (about.is_object())
    text += fmt::format("  show {}, segment {}, by {}\n", text_of(about, "show"), text_of(about, "segment"),
                        text_of(about, "operator"));
  for (const auto& layer : body["layers"]) {
    text += fmt::format("  {:<14} {:<8} {}\n", text_of(layer, "id"), text_of(layer, "form"),
                        basis_text(layer.value("basis", json(nullptr))));
    if (!layer.value("lease_ok", true))
      text += fmt::format("  {:<14} shown past its lease, which ended at {}\n", "!",
                          text_of(layer, "valid_until"));
  }
  const json& recording = answer["recording"];
  if (!recording.is_object()) return text + "  not recorded\n";
  text += fmt::format("  {}/{}/{} at {:.3f} s: picture {} of the file, fragment {}{}\n",
                      text_of(recording, "program"), text_of(recording, "session"),
                      text_of(recording, "file"), recording.value("offset_ms", 0.0) / 1000,
                      text_of(recording, "frame"), text_of(recording, "fragment"),
                      recording.value("exists", false) ? "" : "; the file is gone");
  return text;
}

std::string format_sessions(const json& answer) {
  std::string text;
  for (const auto& session : answer.at("sessions")) {
    const std::string ended = text_of(session, "ended_at");
    text += fmt::format("{:<12} {}  {} to {}{}\n", text_of(session, "program"), text_of(session, "session"),
                        text_of(session, "started_at"), ended.empty() ? "now" : ended,
                        session.value("lost", false) ? ", cut off" : "");
  }
  return text.empty() ? "nothing has been on air\n" : text;
}

}  // namespace vitrine::cli
