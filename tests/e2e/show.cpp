// SPDX-License-Identifier: Apache-2.0
#include "show.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <signal.h>
#include <stdexcept>

#include <fmt/format.h>

#include "cli/desk_client.h"
#include "core/rfc3339.h"
#include "tests/fakes/sockets.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::e2e {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

Instant seconds_from_now(double seconds) {
  return system_now() + std::chrono::microseconds(static_cast<int64_t>(seconds * 1e6));
}

}  // namespace

Show::Show(ShowConfig config)
    : config_(std::move(config)),
      first_(std::make_unique<fakes::NginxRtmp>()),
      second_(std::make_unique<fakes::NginxRtmp>()) {
  std::filesystem::create_directories(directory() / "credentials");
  std::map<std::string, std::string> credentials = {{"first-key", "show"}, {"second-key", "show"}};
  if (config_.desk) credentials.insert(config_.desk->credentials.begin(), config_.desk->credentials.end());
  for (const auto& [name, secret] : credentials) {
    std::ofstream(directory() / "credentials" / name) << secret << "\n";
    std::filesystem::permissions(directory() / "credentials" / name, std::filesystem::perms(0600));
  }
  const bool has_rtsp =
      std::ranges::any_of(config_.cameras, [](const auto& camera) { return camera.source.empty(); });
  if (has_rtsp) restart_cameras();
  write_config();
  start_studio();
  if (config_.desk) start_desk();
}

Show::~Show() {
  if (desk_ && desk_->is_running()) {
    desk_->signal(SIGTERM);
    desk_->wait();
  }
  stop_studio();
}

void Show::restart_cameras() {
  std::vector<std::string> command = {VITRINE_BIN_DIR "/rtsp-server"};
  if (rtsp_port_ != 0) command.insert(command.end(), {"--port", std::to_string(rtsp_port_)});
  for (const auto& camera : config_.cameras) {
    if (camera.source.empty())
      command.insert(command.end(), {"--mount", fmt::format("/{},{}", camera.id, camera.mount)});
  }
  const auto log = directory() / "rtsp-server.log";
  rtsp_server_.reset();
  rtsp_server_.emplace(command, log);
  const bool is_serving = fakes::wait_for([&] {
    const std::string text = fakes::read_file(log);
    const size_t at = text.rfind("listening on ");
    if (at == std::string::npos) return !rtsp_server_->is_running();
    rtsp_port_ = std::atoi(text.c_str() + at + 13);
    return true;
  });
  if (!is_serving || rtsp_port_ == 0)
    throw std::runtime_error("the RTSP server did not start: " + fakes::read_file(log));
}

void Show::kill_cameras() {
  rtsp_server_.reset();
}

void Show::write_config() const {
  std::string cameras;
  for (const auto& camera : config_.cameras) {
    const bool is_rtsp = camera.source.empty();
    cameras +=
        fmt::format("[[camera]]\nid = \"{}\"\nsource = \"{}\"\n", camera.id,
                    is_rtsp ? fmt::format("rtsp://127.0.0.1:{}/{}", rtsp_port_, camera.id) : camera.source);
    if (is_rtsp) cameras += fmt::format("transport = \"{}\"\n", camera.transport);
  }
  const std::string microphone =
      config_.microphone.empty()
          ? ""
          : fmt::format("[[microphone]]\nid = \"host\"\nsource = \"{}\"\n", config_.microphone);
  std::string destinations;
  for (const auto& [id, server] : {std::pair("first", first_.get()), std::pair("second", second_.get())}) {
    destinations += fmt::format(
        "[[destination]]\nid = \"{}\"\nprogram = \"main\"\nurl = \"{}\"\nkey_credential = \"{}-key\"\n", id,
        server->url(), id);
  }
  const std::string desk = config_.desk
                               ? fmt::format("[desk]\nlisten = \"127.0.0.1:{}\"\n[commerce]\n{}\n{}\n",
                                             fakes::free_port(), config_.desk->commerce, config_.desk->more)
                               : "";
  std::ofstream(directory() / "vitrine.toml") << fmt::format(
      "[studio]\nname = \"老李生鲜\"\nstate_dir = \"{0}/state\"\nrun_dir = \"{0}/run\"\ntheme_dir = "
      "\"{1}/themes\"\n"
      "platforms_file = \"{1}/encoder/platforms.toml\"\n"
      "media_dir = \"{10}\"\ncredentials_dir = "
      "\"{0}/credentials\"\n\n[recording]\nmin_free_mib = 64\n\n{2}\n{3}\n"
      "[[program]]\nid = \"main\"\nwidth = {4}\nheight = {5}\nvideo_kbps = {6}\npreset = \"{7}\"\nrecord = "
      "{8}\n\n{9}\n{11}",
      directory().string(), VITRINE_SOURCE_DIR, cameras, microphone, config_.size.width, config_.size.height,
      config_.video_kbps, config_.preset, config_.is_recorded, destinations, media_directory().string(),
      desk);
}

std::filesystem::path Show::media_directory() const {
  return config_.desk ? directory() / "media" : VITRINE_SOURCE_DIR "/themes/classic/media";
}

void Show::start_desk() {
  desk_.emplace(std::vector<std::string>{VITRINE_BIN_DIR "/vitrine-desk", "--config",
                                         (directory() / "vitrine.toml").string()},
                directory() / "desk.log");
  const bool is_answering = fakes::wait_for([&] {
    return !desk_->is_running() ||
           cli::DeskClient(directory() / "run" / "desk.sock").get("/api/v1/sync").has_value();
  });
  if (!is_answering || !desk_->is_running())
    throw std::runtime_error("the desk did not start: " + fakes::read_file(directory() / "desk.log"));
}

void Show::kill_desk() {
  desk_->signal(SIGKILL);
  desk_->wait();
}

json Show::api(const std::string& method, const std::string& path, const json& body) const {
  const cli::DeskClient client(directory() / "run" / "desk.sock");
  auto answer = method == "GET" ? client.get("/api/v1" + path) : client.send(method, "/api/v1" + path, body);
  if (!answer) throw std::runtime_error(fmt::format("{} {}: {}", method, path, answer.error().dump()));
  return std::move(*answer);
}

json Show::on_screen() const {
  const auto all = records();
  const auto found = std::ranges::find(all.rbegin(), all.rend(), "visible",
                                       [](const json& record) { return record.value("type", ""); });
  return found == all.rend() ? json() : *found;
}

void Show::start_studio() {
  studio_.emplace(std::vector<std::string>{VITRINE_BIN_DIR "/vitrine-studio", "--config",
                                           (directory() / "vitrine.toml").string(), "--verbose"},
                  directory() / "studio.log");
  const bool is_answering = fakes::wait_for([&] {
    return !studio_->is_running() ||
           call_control(directory() / "run" / "studio.sock", {{"op", "state"}}, 5s).has_value();
  });
  if (!is_answering || !studio_->is_running()) throw std::runtime_error("the studio did not start: " + log());
}

void Show::kill_studio() {
  studio_->signal(SIGKILL);
  studio_->wait();
}

void Show::stop_studio() {
  if (!studio_ || !studio_->is_running()) return;
  studio_->signal(SIGTERM);
  studio_->wait();
}

ControlServer::Answer Show::call(const json& request) const {
  auto answer = call_control(directory() / "run" / "studio.sock", request, 30s);
  if (!answer) throw std::runtime_error(fmt::format("{}: {}", request.dump(), answer.error().message));
  return std::move(*answer);
}

json Show::apply(const json& scene) {
  const auto state = call({{"op", "state"}}).body["state"];
  revision_ = std::max(revision_, state["revision"].get<uint64_t>()) + 1;
  const bool is_on_air = state["programs"][0].value("on_air", false);
  json program = {{"id", "main"}, {"on_air", is_on_air}, {"scene", scene}};
  const json next = {{"version", 1}, {"revision", revision_}, {"programs", json::array({program})}};
  return call({{"op", "apply"}, {"state", next}}).body;
}

void Show::start_broadcast() const {
  const auto body = call({{"op", "start"}}).body;
  if (!body.value("ok", false)) throw std::runtime_error(body.dump());
}

void Show::stop_broadcast() const {
  call({{"op", "stop"}});
  wait_until([](const json& status) { return status["programs"][0]["state"] == "off air"; });
}

bool Show::wait_until(const std::function<bool(const json&)>& condition) const {
  return fakes::wait_for([&] { return condition(status()); });
}

bool Show::wait_for_cameras() const {
  return wait_until([](const json& status) {
    return std::ranges::all_of(status["cameras"],
                               [](const json& camera) { return camera["state"] == "live"; });
  });
}

bool Show::wait_for_frames(int frames) const {
  const auto frames_of = [](const json& status) {
    return status["programs"][0].value("/encoder/frames"_json_pointer, int64_t{0});
  };
  const int64_t goal = frames_of(status()) + frames;
  return wait_until([&](const json& status) { return frames_of(status) >= goal; });
}

int Show::pid_of_camera(const std::string& id) const {
  const auto now = status();
  const auto found = std::ranges::find(now["cameras"], id,
                                       [](const json& camera) { return camera["id"].get<std::string>(); });
  return (*found)["pid"].get<int>();
}

int Show::pid_of_renderer() const {
  return status()["render"]["pid"].get<int>();
}

std::string Show::log() const {
  return fakes::read_file(directory() / "studio.log");
}

std::filesystem::path Show::session_directory() const {
  std::vector<std::filesystem::path> sessions;
  for (const auto& entry : std::filesystem::directory_iterator(directory() / "state" / "recordings" / "main"))
    sessions.push_back(entry.path());
  if (sessions.empty()) throw std::runtime_error("there is no session");
  return *std::ranges::max_element(sessions);
}

std::vector<std::filesystem::path> Show::recordings() const {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(session_directory())) {
    if (entry.path().extension() == ".mp4") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::vector<json> Show::records() const {
  std::ifstream file(session_directory() / "as-run.jsonl");
  std::vector<json> records;
  std::string line;
  while (std::getline(file, line)) {
    auto record = json::parse(line, nullptr, false);
    if (record.is_object()) records.push_back(std::move(record));  // one that is being written is not
  }
  return records;
}

json layer(const std::string& id, const std::string& template_name, const json& data, double seconds,
           const std::string& after) {
  return {{"id", id},
          {"template", template_name},
          {"data", data},
          {"valid_from", format_rfc3339(seconds_from_now(-2))},
          {"valid_until", format_rfc3339(seconds_from_now(seconds))},
          {"after", after}};
}

json layer_in(const json& record, const std::string& id) {
  if (record.is_null()) return nullptr;
  for (const auto& layer : record["layers"])
    if (layer["id"] == id) return layer;
  return nullptr;
}

json card_data() {
  return {{"number", "07"},
          {"name", "长白山天然矿泉水"},
          {"unit", "500 ml × 24 瓶 · 整箱"},
          {"photo", "water.jpg"},
          {"price", {{"minor", 3990}, {"currency", "CNY"}}},
          {"price_label", "直播价"},
          {"price_unit", "每箱"},
          {"reference_price", {{"minor", 5990}, {"currency", "CNY"}}},
          {"reference_basis", "门店价"}};
}

json shop_scene(Instant ends_at) {
  constexpr double kHour = 3600;
  json countdown = layer("countdown", "countdown",
                         {{"title", "距本场价结束"}, {"ends_at", format_rfc3339(ends_at)}}, kHour, "ended");
  countdown["valid_until"] = format_rfc3339(ends_at);
  json card = layer("card", "product_card", card_data(), kHour, "ended");
  card["valid_until"] = format_rfc3339(ends_at);
  const json certificate = {{"title", "检验报告"},
                            {"lines", {"样品 天然矿泉水", "锶 0.36 mg/L 合格", "编号 W2026-11-0457"}}};
  const json licence = {{"seller", "老李生鲜食品有限公司"},
                        {"credit_code", "91220101MA17XX4K2P"},
                        {"note", "收款账户与执照同名"}};
  return {{"id", "item-7"},
          {"pictures", json::array({json{{"camera", "counter"}}})},
          {"slate", {{"data", {{"shop", "老李生鲜"}}}}},
          {"sounds", json::array({json{{"microphone", "host"}}})},
          {"layers", json::array({layer("certificate", "certificate", certificate, kHour, "hide"),
                                  layer("licence", "licence", licence, kHour, "hide"), card, countdown})}};
}

std::filesystem::path people_clip() {
  return "/usr/share/doc/opencv-doc/examples/data/vtest.avi";
}

std::optional<std::filesystem::path> extra_clip(const std::string& name) {
  const char* directory = std::getenv("VITRINE_FOOTAGE");
  if (directory == nullptr) return std::nullopt;
  const auto path = std::filesystem::path(directory) / name;
  return std::filesystem::exists(path) ? std::optional(path) : std::nullopt;
}

std::filesystem::path speech(const std::filesystem::path& directory) {
  const auto file = directory / "speech.wav";
  if (std::filesystem::exists(file)) return file;
  const auto spoken = fakes::run(
      {"espeak-ng", "-v", "cmn", "-w", file.string(),
       "大家好，今天的苹果梨二十九块九一箱，门店价三十九块九，喜欢的朋友请点小黄车，数量不多，先到先得"});
  if (spoken.exit_code != 0) throw std::runtime_error("espeak-ng: " + spoken.errors);
  return file;
}

}  // namespace vitrine::e2e
