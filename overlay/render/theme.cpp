// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/theme.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

namespace vitrine::overlay {
namespace {

constexpr size_t kMaxManifestBytes = 256 * 1024;

}  // namespace

tl::expected<std::string, Problems> read_text_file(const std::filesystem::path& path, size_t max_bytes) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return tl::unexpected(Problems{{path.string(), std::strerror(errno), "a file that can be read"}});
  std::string text(max_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > max_bytes) {
    return tl::unexpected(
        Problems{{path.string(), fmt::format("more than {} bytes", max_bytes), "a smaller file"}});
  }
  return text;
}

tl::expected<std::unique_ptr<Theme>, Problems> Theme::load(std::filesystem::path directory) {
  const auto path = directory / "theme.toml";
  const auto text = read_text_file(path, kMaxManifestBytes);
  if (!text) return tl::unexpected(text.error());
  auto rules = parse_theme_rules(*text, path.filename().string());
  if (!rules) return tl::unexpected(rules.error());
  return std::unique_ptr<Theme>(new Theme(std::move(directory), std::move(*rules)));
}

tl::expected<const Manifest*, Problems> Theme::manifest(const std::string& name) {
  if (const auto known = manifests_.find(name); known != manifests_.end()) return &known->second;
  const auto path = directory_ / (name + ".toml");
  const auto text = read_text_file(path, kMaxManifestBytes);
  if (!text) return tl::unexpected(text.error());
  auto manifest = parse_manifest(*text, name, path.filename().string());
  if (!manifest) return tl::unexpected(manifest.error());
  return &manifests_.emplace(name, std::move(*manifest)).first->second;
}

tl::expected<const Template*, Problems> Theme::find(const std::string& name, Orientation orientation,
                                                    TextShaper& shaper) {
  const auto key = std::pair(name, orientation);
  if (const auto known = templates_.find(key); known != templates_.end()) return &known->second;
  const auto manifest = this->manifest(name);
  if (!manifest) return tl::unexpected(manifest.error());
  const auto* placement = (*manifest)->placement(orientation);
  if (placement == nullptr) {
    const bool is_portrait = orientation == Orientation::kPortrait;
    return tl::unexpected(
        Problems{{name + ".toml", fmt::format("no [{}] table", is_portrait ? "portrait" : "landscape"),
                  "a drawing for this canvas, or a program without this layer"}});
  }
  const SvgDocument::Limits limits;
  const auto text = read_text_file(directory_ / placement->file, limits.max_bytes);
  if (!text) return tl::unexpected(text.error());
  auto document = SvgDocument::parse(*text, placement->file, limits);
  if (!document) return tl::unexpected(document.error());
  auto compiled = Template::compile(std::move(*document), **manifest, rules_, shaper);
  if (!compiled) return tl::unexpected(compiled.error());
  return &templates_.emplace(key, std::move(*compiled)).first->second;
}

}  // namespace vitrine::overlay
