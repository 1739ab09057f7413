// SPDX-License-Identifier: Apache-2.0
#include "core/config.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "core/json_text.h"
#include "core/money.h"
#include "core/object_reader.h"
#include "core/toml_document.h"

namespace vitrine {
namespace {

constexpr size_t kMaxConfigBytes = 1 << 20;

constexpr ObjectReader::TextLimits kName{120, false};
constexpr ObjectReader::TextLimits kPath{1024, false};

std::filesystem::path absolute_path(ObjectReader& reader, std::string_view key,
                                    std::filesystem::path fallback) {
  std::filesystem::path path = reader.text_or(key, fallback.string(), kPath);
  if (!path.is_absolute()) {
    reader.refuse(key, fmt::format("\"{}\"", path.string()), "an absolute path");
    return fallback;
  }
  return path.lexically_normal();
}

std::string credential_name(ObjectReader& reader, std::string_view key) {
  return reader.has(key) ? reader.id(key) : reader.text_or(key, "", kName);
}

SourceAddress source_address(ObjectReader& reader, Result<SourceAddress> (*parse)(std::string_view)) {
  const std::string text = reader.text("source", kPath);
  if (text.empty()) return {};
  auto address = parse(text);
  if (!address) {
    // A password that somebody wrote into the URL must not be repeated on the screen or in the journal.
    reader.refuse("source",
                  fmt::format("\"{}\"", text.find("://") == std::string::npos ? text : redact_url(text)),
                  address.error().message);
    return {};
  }
  return *address;
}

void refuse_duplicates(const auto& items, std::string_view section, Problems& problems) {
  std::set<std::string> seen;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!items[i].id.empty() && !seen.insert(items[i].id).second) {
      problems.push_back({fmt::format("{}[{}].id", section, i),
                          fmt::format("\"{}\" a second time", items[i].id),
                          fmt::format("each {} with an id of its own", section)});
    }
  }
}

CameraConfig read_camera(ObjectReader& reader) {
  CameraConfig camera;
  camera.id = reader.id("id");
  camera.name = reader.text_or("name", camera.id, kName);
  camera.source = source_address(reader, &parse_camera_address);
  camera.transport = reader.one_of_or_first("transport", {"tcp", "udp"}) == 0 ? CameraConfig::Transport::kTcp
                                                                              : CameraConfig::Transport::kUdp;
  camera.credential = credential_name(reader, "credential");
  const bool is_rtsp = camera.source.kind == SourceAddress::Kind::kRtsp;
  for (const auto* key : {"transport", "credential"}) {
    if (reader.has(key) && !is_rtsp) reader.refuse(key, "a value", "nothing: only rtsp:// sources have one");
  }
  return camera;
}

MicrophoneConfig read_microphone(ObjectReader& reader) {
  MicrophoneConfig microphone;
  microphone.id = reader.id("id");
  microphone.name = reader.text_or("name", microphone.id, kName);
  microphone.source = source_address(reader, &parse_microphone_address);
  microphone.gain_db = reader.number_or("gain_db", 0, -60, 30);
  microphone.delay = std::chrono::milliseconds(reader.integer_or("delay_ms", 0, 0, 1000));
  return microphone;
}

ProgramConfig read_program(ObjectReader& reader) {
  ProgramConfig program;
  program.id = reader.id("id");
  program.size.width = static_cast<int>(reader.integer_or("width", program.size.width, 320, 3840));
  program.size.height = static_cast<int>(reader.integer_or("height", program.size.height, 180, 3840));
  if (program.size.width % 2 != 0)
    reader.refuse("width", std::to_string(program.size.width), "an even number");
  if (program.size.height % 2 != 0)
    reader.refuse("height", std::to_string(program.size.height), "an even number");
  if (const auto* fps = reader.any("fps")) {
    // 29.97 and 59.94 are written as text, "30000/1001": a float would not say which rate is meant.
    if (*fps == "30000/1001") {
      program.frame_rate = {30000, 1001};
    } else if (*fps == "60000/1001") {
      program.frame_rate = {60000, 1001};
    } else if (fps->is_number_integer()) {
      program.frame_rate = {static_cast<int>(reader.integer_or("fps", 30, 5, 60)), 1};
    } else {
      reader.refuse("fps", fps->dump(), "an integer from 5 to 60, \"30000/1001\" or \"60000/1001\"");
    }
  }
  program.video_kbps = static_cast<int>(reader.integer_or("video_kbps", program.video_kbps, 200, 50'000));
  program.audio_kbps = static_cast<int>(reader.integer_or("audio_kbps", program.audio_kbps, 48, 320));
  const auto presets = {"veryfast", "ultrafast", "superfast", "faster", "fast", "medium"};
  program.preset = *(presets.begin() + reader.one_of_or_first("preset", {"veryfast", "ultrafast", "superfast",
                                                                         "faster", "fast", "medium"}));
  if (reader.has("theme")) program.theme = reader.id("theme");
  program.is_recorded = reader.boolean_or("record", program.is_recorded);
  return program;
}

DestinationConfig read_destination(ObjectReader& reader) {
  DestinationConfig destination;
  destination.id = reader.id("id");
  destination.name = reader.text_or("name", destination.id, kName);
  destination.program = reader.id("program");
  if (reader.has("platform")) destination.platform = reader.id("platform");
  destination.url = reader.text("url", kPath);
  destination.key_credential = reader.id("key_credential");
  if (destination.url.empty()) return destination;
  constexpr std::string_view kAllowed = "rtmp://host[:port]/app or rtmps://host[:port]/app";
  const auto url = parse_url(destination.url);
  if (!url || (url->scheme != "rtmp" && url->scheme != "rtmps") || url->path.size() < 2) {
    reader.refuse("url", url ? fmt::format("\"{}\"", redact_url(destination.url)) : url.error().message,
                  std::string(kAllowed));
  } else if (!url->query.empty() || url->has_user_info) {
    reader.refuse(
        "url", "a stream key or password in the URL",
        std::string(kAllowed) + "; the key goes into the credential file that key_credential names");
  }
  return destination;
}

void read_studio(ObjectReader& reader, Config& config) {
  config.studio_name = reader.text("name", kName);
  config.locale = reader.one_of_or_first("locale", {"zh-CN", "en"}) == 0 ? "zh-CN" : "en";
  config.state_dir = absolute_path(reader, "state_dir", "/var/lib/vitrine");
  config.run_dir = absolute_path(reader, "run_dir", "/run/vitrine");
  config.theme_dir = absolute_path(reader, "theme_dir", "/usr/share/vitrine/themes");
  config.platforms_file = absolute_path(reader, "platforms_file", "/usr/share/vitrine/platforms.toml");
  config.media_dir = absolute_path(reader, "media_dir", config.state_dir / "media");
  config.credentials_dir = absolute_path(reader, "credentials_dir", "/etc/vitrine/credentials");
}

void read_recording(ObjectReader& reader, const Config& config, RecordingConfig& recording) {
  recording.directory = absolute_path(reader, "directory", config.state_dir / "recordings");
  recording.segment =
      std::chrono::minutes(reader.integer_or("segment_minutes", recording.segment.count(), 1, 60));
  recording.keep_days = static_cast<int>(reader.integer_or("keep_days", recording.keep_days, 1, 36'500));
  recording.min_free_mib =
      static_cast<int>(reader.integer_or("min_free_mib", recording.min_free_mib, 64, 1 << 20));
}

/// The name of a field of the shop's: it becomes a word of the question that we ask.
void read_field_name(ObjectReader& reader, std::string_view key, const nlohmann::json& value,
                     std::string& name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto is_plain = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); };
  const std::string text = value.is_string() ? value.get<std::string>() : "";
  if (!text.empty() && text.size() <= 64 && is_letter(text.front()) && std::ranges::all_of(text, is_plain))
    name = text;
  else
    reader.refuse(key, describe(value), "the name of a field: letters, digits and _");
}

void read_field_name_if_there(ObjectReader& reader, std::string_view key, std::string& name) {
  if (const auto* value = reader.any(key)) read_field_name(reader, key, *value, name);
}

void read_vendure(ObjectReader& reader, CommerceConfig::Vendure& vendure) {
  read_field_name_if_there(reader, "reference_price_field", vendure.reference_price_field);
  auto& fields = vendure.timed_price_fields;
  size_t next = 0;
  if (reader.any("timed_price_fields") != nullptr)
    reader.values("timed_price_fields", fields.size(), fields.size(),
                  [&](const nlohmann::json& value, const std::string& /*where*/) {
                    read_field_name(reader, "timed_price_fields", value, fields.at(next++));
                  });
  vendure.category_facet = reader.text_or("category_facet", vendure.category_facet, kName);
}

void read_medusa(ObjectReader& reader, CommerceConfig::Medusa& medusa) {
  for (const auto& [key, id] :
       {std::pair{"region", &medusa.region}, std::pair{"publishable_key", &medusa.publishable_key},
        std::pair{"stock_location", &medusa.stock_location}})
    *id = reader.text_or(key, "", kName);
}

void read_page_address(ObjectReader& reader, std::string& address) {
  address = reader.text_or("page_address", "", kPath);
  if (address.empty()) return;
  const auto url = parse_url(address);
  if (!url || (url->scheme != "https" && url->scheme != "http") ||
      address.find("{handle}") == std::string::npos)
    reader.refuse("page_address", fmt::format("\"{}\"", address), "https://shop.example/p/{handle}");
}

void read_events(ObjectReader& reader, CommerceConfig& commerce) {
  const std::string listen = reader.text_or("events_listen", "", kName);
  commerce.events_credential = credential_name(reader, "events_credential");
  if (listen.empty() != commerce.events_credential.empty())
    reader.refuse(listen.empty() ? "events_listen" : "events_credential", "nothing",
                  "both or neither: where the shop's events come in, and the secret that signs them");
  if (listen.empty()) return;
  const auto address = parse_listen_address(listen);
  if (address)
    commerce.events_listen = *address;
  else
    reader.refuse("events_listen", fmt::format("\"{}\"", listen), address.error().message);
}

CategoryLicence read_category_licence(ObjectReader& reader) {
  CategoryLicence rule{reader.text("category", kName), reader.id("document")};
  // As items are held: a blank that nobody sees would make a rule that never asks for anything.
  if (!rule.category.empty() && (rule.category.front() == ' ' || rule.category.back() == ' '))
    reader.refuse("category", fmt::format("\"{}\"", rule.category), "a category without blanks around it");
  return rule;
}

void read_commerce(ObjectReader& reader, CommerceConfig& commerce) {
  using Backend = CommerceConfig::Backend;
  commerce.backend = static_cast<Backend>(reader.one_of_or_first("backend", {"local", "vendure", "medusa"}));
  const std::string currency = reader.text_or("currency", "CNY", kName);
  const int64_t highest_price =
      reader.integer_or("highest_price", 100'000, 1, 100'000'000);  // in whole units
  if (const auto digits = minor_digits(currency)) {
    currency.copy(commerce.currency.data(), commerce.currency.size());
    int64_t scale = 1;
    for (int i = 0; i < *digits; ++i) scale *= 10;
    commerce.highest_price_minor = highest_price * scale;
  } else {
    reader.refuse("currency", fmt::format("\"{}\"", currency),
                  "an ISO 4217 code that Vitrine knows, such as CNY, USD, EUR");
  }
  commerce.price_lasts = std::chrono::seconds(reader.integer_or("price_lasts_s", 60, 20, 600));
  reader.values("photo_hosts", 0, 20, [&](const nlohmann::json& value, const std::string& where) {
    const std::string host = value.is_string() ? value.get<std::string>() : "";
    const auto url = parse_url("https://" + host);
    if (!url || host.find_first_of("/@?#") != std::string::npos)
      reader.refuse(where.substr(where.rfind('.') + 1), describe(value),
                    "a host, such as cdn.example or cdn.example:8443");
    else
      commerce.photo_hosts.push_back(host);
  });
  read_page_address(reader, commerce.page_address);
  read_field_name_if_there(reader, "presale_field", commerce.presale_field);
  reader.array("category_licence", 0, 100, [&](ObjectReader& table) {
    commerce.category_licences.push_back(read_category_licence(table));
  });
  reader.object_if_present("vendure", [&](ObjectReader& table) { read_vendure(table, commerce.vendure); });
  reader.object_if_present("medusa", [&](ObjectReader& table) { read_medusa(table, commerce.medusa); });
  if (commerce.backend == Backend::kLocal) {
    for (const auto* key : {"url", "credential", "events_listen", "events_credential"})
      if (reader.any(key) != nullptr)
        reader.refuse(key, "a value", "nothing: backend \"local\" is this box itself");
    return;
  }
  commerce.url = reader.text("url", kPath);
  commerce.credential = reader.id("credential");
  read_events(reader, commerce);
  if (commerce.url.empty()) return;
  const auto url = parse_url(commerce.url);
  if (!url || (url->scheme != "https" && url->scheme != "http") || url->has_user_info || !url->query.empty())
    reader.refuse("url", url ? fmt::format("\"{}\"", redact_url(commerce.url)) : url.error().message,
                  "https://shop.example; user and password go into the credential file");
}

bool is_loopback(const ListenAddress& address) {
  return address.host.starts_with("127.") || address.host == "::1";
}

/// A name of DNS, in small letters: browsers send it so.
bool is_host_name(std::string_view name) {
  const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (name.empty() || name.size() > 253) return false;
  bool is_address = true;  // of nothing but digits: the addresses are known without it
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('.', begin), name.size());
    const std::string_view label = name.substr(begin, end - begin);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' ||
        !std::ranges::all_of(label, is_plain))
      return false;
    is_address = label.find_first_not_of("0123456789") == std::string_view::npos;
    begin = end + 1;
  }
  return !is_address;
}

void read_desk(ObjectReader& reader, DeskConfig& desk) {
  const std::string listen = reader.text_or("listen", desk.listen.text(), kName);
  const auto address = parse_listen_address(listen);
  if (address && is_loopback(*address))
    desk.listen = *address;
  else
    reader.refuse("listen", fmt::format("\"{}\"", listen),
                  address
                      ? "a loopback address, such as 127.0.0.1:8080: nothing else may hear PINs in clear; "
                        "the network's addresses go into listen_tls"
                      : address.error().message);
  reader.values("listen_tls", 0, 8, [&](const nlohmann::json& value, const std::string& where) {
    const auto tls = parse_listen_address(value.is_string() ? value.get<std::string>() : "");
    if (tls)
      desk.listen_tls.push_back(*tls);
    else
      reader.refuse(where.substr(where.rfind('.') + 1), describe(value), tls.error().message);
  });
  reader.values("host_names", 0, 16, [&](const nlohmann::json& value, const std::string& where) {
    const std::string name = value.is_string() ? value.get<std::string>() : "";
    if (is_host_name(name))
      desk.host_names.push_back(name);
    else
      reader.refuse(where.substr(where.rfind('.') + 1), describe(value),
                    "a name in small letters without port, such as vitrine.local");
  });
  desk.pages_dir = absolute_path(reader, "pages_dir", desk.pages_dir);
}

/// What no single section can know.
void check_references(const Config& config, Problems& problems) {
  refuse_duplicates(config.cameras, "camera", problems);
  refuse_duplicates(config.microphones, "microphone", problems);
  refuse_duplicates(config.programs, "program", problems);
  refuse_duplicates(config.destinations, "destination", problems);
  const auto ids = [](const auto& items) {
    std::string list;
    for (const auto& item : items) list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", item.id);
    return list.empty() ? std::string("(none is configured)") : list;
  };
  for (size_t i = 0; i < config.destinations.size(); ++i) {
    const auto& program = config.destinations[i].program;
    if (!program.empty() && config.find_program(program) == nullptr) {
      problems.push_back({fmt::format("destination[{}].program", i), fmt::format("\"{}\"", program),
                          "the id of a [[program]]: " + ids(config.programs)});
    }
  }
  for (size_t i = 0; i < config.microphones.size(); ++i) {
    const auto& source = config.microphones[i].source;
    if (source.kind == SourceAddress::Kind::kCameraSound && config.find_camera(source.value) == nullptr) {
      problems.push_back({fmt::format("microphone[{}].source", i), fmt::format("\"camera:{}\"", source.value),
                          "the id of a [[camera]]: " + ids(config.cameras)});
    }
  }
}

template <typename T>
const T* find_by_id(const std::vector<T>& items, std::string_view id) {
  const auto found = std::ranges::find(items, id, &T::id);
  return found == items.end() ? nullptr : &*found;
}

}  // namespace

const CameraConfig* Config::find_camera(std::string_view id) const {
  return find_by_id(cameras, id);
}
const MicrophoneConfig* Config::find_microphone(std::string_view id) const {
  return find_by_id(microphones, id);
}
const ProgramConfig* Config::find_program(std::string_view id) const {
  return find_by_id(programs, id);
}

tl::expected<Config, Problems> parse_config(std::string_view toml, const std::string& file_name) {
  const auto document = TomlDocument::parse(toml, file_name);
  if (!document) return tl::unexpected(document.error());
  Problems problems;
  Config config;
  ObjectReader root(document->json(), "", problems);
  root.object("studio", [&](ObjectReader& reader) { read_studio(reader, config); });
  config.recording.directory = config.state_dir / "recordings";
  root.object_if_present("recording",
                         [&](ObjectReader& reader) { read_recording(reader, config, config.recording); });
  root.array("camera", 1, 16, [&](ObjectReader& reader) { config.cameras.push_back(read_camera(reader)); });
  root.array("microphone", 0, 16,
             [&](ObjectReader& reader) { config.microphones.push_back(read_microphone(reader)); });
  root.array("program", 1, 4, [&](ObjectReader& reader) { config.programs.push_back(read_program(reader)); });
  root.array("destination", 0, kMaxDestinations,
             [&](ObjectReader& reader) { config.destinations.push_back(read_destination(reader)); });
  root.object_if_present("commerce", [&](ObjectReader& reader) { read_commerce(reader, config.commerce); });
  root.object_if_present("desk", [&](ObjectReader& reader) { read_desk(reader, config.desk); });
  root.finish();
  check_references(config, problems);
  if (problems.empty()) return config;
  return tl::unexpected(document->located(std::move(problems)));
}

tl::expected<Config, Problems> load_config(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return tl::unexpected(Problems{{path.string(), std::strerror(errno),
                                    "a readable configuration file; the annotated "
                                    "default is /usr/share/vitrine/vitrine.toml"}});
  }
  std::string text(kMaxConfigBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxConfigBytes) {
    return tl::unexpected(Problems{{path.string(), "more than 1 MiB", "a configuration file"}});
  }
  return parse_config(text, path.string());
}

}  // namespace vitrine
