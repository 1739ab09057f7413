// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/geometry.h"
#include "core/source_address.h"
#include "core/url.h"

namespace vitrine {

inline constexpr size_t kMaxDestinations = 16;

/// What a technician sets in vitrine.toml. systemd/vitrine.toml is the annotated default and the reference
/// manual; a test holds it against the keys read here.

struct CameraConfig {
  enum class Transport { kTcp, kUdp };
  std::string id;
  std::string name;  // for people; the id when not set
  SourceAddress source;
  Transport transport = Transport::kTcp;
  std::string credential;  // file with "user:password"; empty: none
};

struct MicrophoneConfig {
  std::string id;
  std::string name;
  SourceAddress source;
  double gain_db = 0;
  std::chrono::milliseconds delay{0};
};

struct ProgramConfig {
  std::string id;
  Size size{1920, 1080};
  Rational frame_rate{30, 1};
  int video_kbps = 4000;
  int audio_kbps = 128;
  std::string preset = "veryfast";
  std::string theme = "classic";
  bool is_recorded = true;
};

struct DestinationConfig {
  std::string id;
  std::string name;
  std::string program;
  std::string platform = "generic";
  std::string url;
  std::string key_credential;
};

struct RecordingConfig {
  std::filesystem::path directory;
  std::chrono::minutes segment{10};
  int keep_days = 1095;
  int min_free_mib = 2048;
};

/// What the law asks of who sells goods of a category.
struct CategoryLicence {
  std::string category;  // as the shop's items have it
  std::string document;  // a kind of document ("food_licence"), or the id of one
};

/// The server that owns the shop's items, prices and orders.
struct CommerceConfig {
  enum class Backend { kLocal = 0, kVendure, kMedusa };
  Backend backend = Backend::kLocal;
  std::string url;         // empty for kLocal
  std::string credential;  // file with "user:password"; empty for kLocal
  std::array<char, 3> currency{'C', 'N', 'Y'};
  int64_t highest_price_minor = 10'000'000;
  std::chrono::seconds price_lasts{60};  // a price on air, after it was last known to be charged
  std::vector<std::string> photo_hosts;  // beside the shop's own: "cdn.example", "cdn.example:8443"
  std::string page_address;              // "https://shop.example/p/{handle}"; empty: none
  std::string presale_field;             // kVendure: custom field, kMedusa: key of metadata; empty: none
  struct Vendure {
    std::string reference_price_field;              // empty: none
    std::array<std::string, 4> timed_price_fields;  // price, from, until, operation; empty: none
    std::string category_facet = "category";
  } vendure;
  struct Medusa {
    std::string region;           // empty: the first with the currency
    std::string publishable_key;  // empty: the shop's first
    std::string stock_location;   // empty: all
  } medusa;
  std::optional<ListenAddress> events_listen;  // for the shop's webhooks; nothing: none are taken
  std::string events_credential;               // file with the secret that signs them
  std::vector<CategoryLicence> category_licences;
};

/// Where the pages and the API are reached.
struct DeskConfig {
  ListenAddress listen{"127.0.0.1", 8080};  // plain HTTP, for the box's own screen: a loopback address
  std::vector<ListenAddress> listen_tls;    // for the shop's network
  std::vector<std::string> host_names;      // by which browsers may call the box, beside its addresses
  std::filesystem::path pages_dir = "/usr/share/vitrine/pages";
};

struct Config {
  std::string studio_name;
  std::string locale = "zh-CN";
  std::filesystem::path state_dir;
  std::filesystem::path run_dir;
  std::filesystem::path theme_dir;
  std::filesystem::path platforms_file;
  std::filesystem::path media_dir;
  std::filesystem::path credentials_dir;
  RecordingConfig recording;
  std::vector<CameraConfig> cameras;
  std::vector<MicrophoneConfig> microphones;
  std::vector<ProgramConfig> programs;
  std::vector<DestinationConfig> destinations;
  CommerceConfig commerce;
  DeskConfig desk;

  [[nodiscard]] const CameraConfig* find_camera(std::string_view id) const;
  [[nodiscard]] const MicrophoneConfig* find_microphone(std::string_view id) const;
  [[nodiscard]] const ProgramConfig* find_program(std::string_view id) const;
  [[nodiscard]] std::filesystem::path control_socket() const { return run_dir / "studio.sock"; }
  [[nodiscard]] std::filesystem::path desk_socket() const { return run_dir / "desk.sock"; }
};

/// Reads and checks the whole file. Returns every problem, each with file and line; a file with one problem
/// is refused.
tl::expected<Config, Problems> load_config(const std::filesystem::path& path);

/// The same for text; `file_name` stands in the problems.
tl::expected<Config, Problems> parse_config(std::string_view toml, const std::string& file_name);

}  // namespace vitrine
