// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <optional>

#include <CLI/CLI.hpp>

#include "core/log.h"
#include "core/rfc3339.h"
#include "core/text_rules.h"
#include "core/worker_session.h"
#include "overlay/render/once.h"
#include "overlay/render/render_worker.h"
#include "overlay/render/shut_in.h"

namespace vitrine::overlay {
namespace {

/// A tile takes milliseconds; a template that takes this long takes for ever (nested filters, a million
/// dashes).
constexpr std::chrono::seconds kMaxDrawing{4};

int fail_with(const Error& error) {
  fmt::print(stderr, "vitrine-render: {}\n", error.message);
  return 1;
}

int run_worker(const TileMaker::Directories& directories) {
  auto session = WorkerSession::open();
  if (!session) return fail_with(session.error());
  const auto sandbox = shut_in(directories);
  if (!sandbox) {
    session->announce_end(sandbox.error());
    return 1;
  }
  // Not before: the log has a thread of its own, which would stay outside the sandbox.
  log::open("vitrine-render", log::Level::kInfo);
  log::info("render", "vitrine-render started: {}", *sandbox);

  RenderWorker worker(session->channel(), directories, [&](const Error& error) {
    session->announce_end(error);
    std::_Exit(1);  // crash-only: the studio starts another
  });
  const auto heartbeat = [&] {
    const auto busy = worker.busy();
    if (busy && steady_now() - busy->since > kMaxDrawing) {
      // The drawing thread can't be stopped, so the process ends; but first the studio learns which want not
      // to repeat.
      const Problem problem{fmt::format("template '{}'", busy->template_name),
                            fmt::format("a drawing that is not done after {} s", kMaxDrawing.count()),
                            "templates that draw in milliseconds: fewer filters, masks and dashes"};
      (void)session->channel().send(encode_refused(busy->generation, {problem}));
      session->announce_end({ErrorCode::kRenderFailed, problem.text()});
      std::_Exit(1);
    }
    return nlohmann::json({{"drawn", worker.tiles_drawn()}});
  };
  const auto on_message = [&](Channel::Message message) -> Status {
    auto want = decode_want(message);
    if (!want) return tl::unexpected(want.error());
    worker.want(std::move(*want));
    return {};
  };
  const auto ended = session->run(on_message, heartbeat);
  // The studio is gone or its messages are broken; the drawing thread may be deep in a library.
  std::_Exit(ended ? 0 : 1);
}

std::optional<Size> parse_canvas(const std::string& text) {
  Size size;
  char rest = 0;
  if (std::sscanf(text.c_str(), "%dx%d%c", &size.width, &size.height, &rest) != 2) return std::nullopt;
  if (size.width < 16 || size.height < 16 || size.width > Tile::kMaxSide || size.height > Tile::kMaxSide)
    return std::nullopt;
  return size;
}

struct Options {
  bool is_worker = false;
  std::vector<std::string> once;
  std::string theme_to_check;
  std::string theme_dir = VITRINE_THEME_DIR;
  std::string theme = "classic";
  std::string media_dir;
  std::string canvas = "1920x1080";
  std::string form = "normal";
  std::string at;
  bool prints_json = false;
};

int run_once(const Options& options) {
  OnceOptions once;
  const auto canvas = parse_canvas(options.canvas);
  if (!canvas)
    return fail_with({ErrorCode::kInvalidInput,
                      fmt::format("--canvas {}: allowed are sizes like 1920x1080, 16 to {} a side",
                                  options.canvas, Tile::kMaxSide)});
  once.at = system_now();
  if (!options.at.empty()) {
    const auto at = parse_rfc3339(options.at);
    if (!at)
      return fail_with({ErrorCode::kInvalidInput,
                        fmt::format("--at {}: allowed are times like 2026-11-22T12:00:00Z", options.at)});
    once.at = *at;
  }
  for (const auto& [option, name] :
       {std::pair("--theme", options.theme), std::pair("--once", options.once[0])}) {
    if (is_id(name)) continue;
    return fail_with({ErrorCode::kInvalidInput,
                      fmt::format("{} {}: allowed are names of a-z A-Z 0-9 - _ .", option, name)});
  }
  const LayerForm form = options.form == "ended"     ? LayerForm::kEnded
                         : options.form == "neutral" ? LayerForm::kNeutral
                                                     : LayerForm::kNormal;
  const std::filesystem::path themes(options.theme_dir);
  once.directories = {themes, options.media_dir.empty() ? themes / options.theme / "media"
                                                        : std::filesystem::path(options.media_dir)};
  once.spec = {options.theme, options.once[0], *canvas, form, {}};
  once.data = options.once[1];
  once.out = options.once[2];
  once.prints_json = options.prints_json;
  return render_once(std::move(once));
}

int run(int argc, char** argv) {
  CLI::App app("Draws Vitrine's overlays: SVG templates and data to pictures.", "vitrine-render");
  Options options;
  auto* worker =
      app.add_flag("--worker", options.is_worker, "be the studio's worker (descriptor 3 is its channel)");
  auto* once = app.add_option("--once", options.once, "draw TEMPLATE with DATA.json to OUT.png and end")
                   ->expected(3)
                   ->type_name("TEMPLATE DATA OUT");
  auto* check = app.add_option("--check-theme", options.theme_to_check,
                               "check every template of a theme with its samples")
                    ->type_name("DIR");
  app.add_option("--theme-dir", options.theme_dir, "the directory that holds the themes")
      ->capture_default_str();
  app.add_option("--theme", options.theme, "with --once: the theme")->capture_default_str();
  app.add_option("--media-dir", options.media_dir,
                 "the directory that holds photos; with --once the theme's own by default");
  app.add_option("--canvas", options.canvas, "with --once: size of the canvas")->capture_default_str();
  app.add_option("--form", options.form, "with --once: what the layer is shown as")
      ->check(CLI::IsMember({"normal", "ended", "neutral"}))
      ->capture_default_str();
  app.add_option("--at", options.at, "with --once: the moment, RFC 3339; now by default");
  app.add_flag("--json", options.prints_json, "with --once: print place, validity and time taken");
  worker->excludes(once)->excludes(check);
  once->excludes(check);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (options.is_worker) {
    return run_worker({options.theme_dir, options.media_dir});
  }
  if (!options.theme_to_check.empty()) return check_theme(options.theme_to_check);
  if (!options.once.empty()) return run_once(options);
  fmt::print(stderr, "{}", app.help());
  return 2;
}

}  // namespace
}  // namespace vitrine::overlay

int main(int argc, char** argv) {
  try {
    return vitrine::overlay::run(argc, argv);
  } catch (const std::exception& exception) {
    fmt::print(stderr, "vitrine-render: {}\n", exception.what());
    return 1;
  }
}
