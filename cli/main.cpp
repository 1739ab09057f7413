// SPDX-License-Identifier: Apache-2.0
// vitrinectl: what a technician, a script or a designer types. Everything but `check` and `render` is a
// question to the running studio; those two are answered by the programs that know (vitrine-studio --check,
// vitrine-render --once).
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/desk_client.h"
#include "cli/desk_text.h"
#include "cli/evidence.h"
#include "cli/exit_code.h"
#include "cli/papers.h"
#include "cli/shows.h"
#include "cli/status_text.h"
#include "core/config.h"
#include "core/control_socket.h"
#include "core/json_text.h"
#include "core/program_state.h"
#include "core/shared_memory.h"

namespace vitrine::cli {
namespace {

using nlohmann::json;

constexpr size_t kMostAttachmentBytes = size_t{64} << 20;  // a canvas of 4096×4096 as PNG

struct Options {
  std::string config = "/etc/vitrine/vitrine.toml";
  std::string socket;
  bool is_json = false;
  std::string program;
  std::string camera;
  std::string destination;
  std::string state_file;
  std::string output;
  std::string which = "all";
  std::string from;
  std::string until;
  std::string room;
  bool is_now = false;
  bool is_csv = false;
  std::vector<std::string> prices;
  std::string name;
  int64_t minutes = 0;
  int64_t quantity = 0;
  int64_t offer = 0;
};

void print_problems(const json& problems) {
  for (const auto& problem : problems) {
    std::cerr << Problem{problem.value("where", ""), problem.value("found", ""), problem.value("allowed", "")}
                     .text()
              << "\n";
  }
}

int print_failure(const Options& options, const json& body) {
  const auto& error = body["error"];
  if (options.is_json) {
    std::cout << body.dump(2) << "\n";
  } else {
    std::cerr << error.value("message", "") << "\n";
    if (error.contains("problems")) print_problems(error["problems"]);
  }
  const std::string code = error.value("code", "");
  if (code == to_string(ErrorCode::kConnectRefused)) return kNoStudio;
  return code == to_string(ErrorCode::kInvalidInput) || code == to_string(ErrorCode::kStaleRevision)
             ? kRefused
             : kFailed;
}

int print_failure(const Options& options, const Error& error) {
  return print_failure(
      options, json{{"ok", false}, {"error", {{"code", to_string(error.code)}, {"message", error.message}}}});
}

enum class Daemon { kStudio, kDesk };

Result<std::filesystem::path> socket_path(const Options& options, Daemon daemon) {
  if (!options.socket.empty()) return std::filesystem::path(options.socket);
  const auto config = load_config(options.config);
  if (config) return daemon == Daemon::kStudio ? config->control_socket() : config->desk_socket();
  return tl::unexpected(to_error(config.error()));
}

/// Where the studio records; empty where the configuration can't be read, which whoever needs it will find.
std::filesystem::path recordings_of(const Options& options) {
  const auto config = load_config(options.config);
  return config ? config->recording.directory : std::filesystem::path();
}

/// The studio's answer, or the refusal as JSON.
tl::expected<ControlServer::Answer, json> call(const Options& options, const json& request) {
  constexpr std::chrono::seconds kPatience{20};  // a destination's test takes 15 at most
  const auto path = socket_path(options, Daemon::kStudio);
  if (!path) return tl::unexpected(refusal_json(path.error()));
  auto answer = call_control(*path, request, kPatience);
  if (!answer) {
    Error error = answer.error();
    if (error.code == ErrorCode::kConnectRefused)
      error.message += "; is vitrine-studio running? (systemctl status vitrine-studio)";
    return tl::unexpected(refusal_json(error));
  }
  if (!answer->body.value("ok", false)) return tl::unexpected(std::move(answer->body));
  return std::move(*answer);
}

/// Asks the studio, prints what went wrong, and hands the answer to `use` when nothing did.
template <typename Use>
int ask(const Options& options, const json& request, Use use) {
  auto answer = call(options, request);
  return answer ? use(*answer) : print_failure(options, answer.error());
}

/// The same of what the desk answered.
template <typename Use>
int with(const Options& options, const DeskClient::Answered<json>& answer, Use use) {
  return answer ? use(*answer) : print_failure(options, answer.error());
}

int print_done(const Options& options, const json& body, const std::string& sentence) {
  if (options.is_json) {
    std::cout << body.dump(2) << "\n";
  } else {
    std::cout << sentence << "\n";
    if (const std::string warning = body.value("warning", ""); !warning.empty()) std::cerr << warning << "\n";
  }
  return kDone;
}

int status(const Options& options) {
  return ask(options, {{"op", "status"}}, [&](const auto& answer) {
    std::cout << (options.is_json ? answer.body.dump(2) + "\n" : format_status(answer.body));
    return answer.body["problems"].empty() ? kDone : kNeedsAttention;
  });
}

int try_destination(const Options& options) {
  return ask(options, {{"op", "try_destination"}, {"destination", options.destination}},
             [&](const auto& answer) {
               const json& trial = answer.body["trial"];
               std::cout << (options.is_json ? answer.body.dump(2) + "\n" : format_trial(trial));
               return trial.value("ok", false) ? kDone : kFailed;
             });
}

int set_on_air(const Options& options, const char* op) {
  json request = {{"op", op}};
  if (!options.program.empty()) request["program"] = options.program;
  return ask(options, request, [&](const auto& answer) {
    const std::string what = options.program.empty() ? "every program" : options.program;
    return print_done(options, answer.body,
                      fmt::format("{} is {} the air (revision {})", what,
                                  std::string_view(op) == "start" ? "going on" : "going off",
                                  answer.body["revision"].template get<uint64_t>()));
  });
}

int apply(const Options& options) {
  std::ifstream file;
  const bool is_stdin = options.state_file == "-";
  if (!is_stdin) file.open(options.state_file, std::ios::binary);
  std::istream& input = is_stdin ? std::cin : file;
  if (!input)
    return print_failure(options, Error{ErrorCode::kNotFound, options.state_file + ": can't be read"});
  const std::string text((std::istreambuf_iterator<char>(input)), std::istreambuf_iterator<char>());
  auto state = parse_json(text, kMaxStateBytes);
  if (!state) return print_failure(options, state.error().with_context(options.state_file));
  return ask(options, {{"op", "apply"}, {"state", std::move(*state)}}, [&](const auto& answer) {
    return print_done(options, answer.body,
                      fmt::format("revision {} is shown", answer.body["revision"].template get<uint64_t>()));
  });
}

int print_state(const Options& options) {
  return ask(options, {{"op", "state"}}, [&](const auto& answer) {
    std::cout << answer.body["state"].dump(2) << "\n";
    return kDone;
  });
}

/// All pages of the items as one answer, with those that were refused.
DeskClient::Answered<json> read_items(const DeskClient& desk) {
  constexpr size_t kPage = 500;
  json all;
  for (size_t offset = 0;; offset += kPage) {
    auto page = desk.get(fmt::format("/api/v1/items?offset={}&limit={}", offset, kPage));
    if (!page) return page;
    const auto total = (*page)["total"].get<size_t>();
    if (all.is_null())
      all = std::move(*page);
    else
      all["items"].insert(all["items"].end(), (*page)["items"].begin(), (*page)["items"].end());
    if (offset + kPage >= total) break;
  }
  auto refused = desk.get("/api/v1/items/refused");
  if (!refused) return refused;
  all["refused"] = (*refused)["refused"];
  return all;
}

int items(const Options& options, const DeskClient& desk) {
  return with(options, read_items(desk), [&](const json& all) {
    std::cout << (options.is_json ? all.dump(2) + "\n" : format_items(all));
    return all["refused"].empty() ? kDone : kNeedsAttention;
  });
}

int sync(const Options& options, const DeskClient& desk) {
  const auto answer =
      options.is_now ? desk.send("POST", "/api/v1/sync", json::object()) : desk.get("/api/v1/sync");
  return with(options, answer, [&](const json& body) {
    std::cout << (options.is_json ? body.dump(2) + "\n" : format_sync(body));
    return body["problems"].empty() ? kDone : kNeedsAttention;
  });
}

/// Those of one show, with what they are of.
int orders_of_show(const Options& options, const DeskClient& desk) {
  const auto query = query_of({{"from", options.from}, {"until", options.until}, {"room", options.room}});
  return with(options, desk.get("/api/v1/sales" + query), [&](const json& body) {
    std::cout << (options.is_json ? body.dump(2) + "\n" : format_show_orders(body));
    return kDone;
  });
}

int orders(const Options& options, const DeskClient& desk) {
  if (!options.from.empty()) return orders_of_show(options, desk);
  if (options.is_csv) {
    const auto table =
        desk.download("/api/v1/orders" + query_of({{"which", options.which}, {"format", "csv"}}));
    if (!table) return print_failure(options, table.error());
    std::cout << *table;
    return kDone;
  }
  return with(options, desk.get("/api/v1/orders" + query_of({{"which", options.which}})),
              [&](const json& body) {
                std::cout << (options.is_json ? body.dump(2) + "\n" : format_orders(body));
                return body["refused"].empty() ? kDone : kNeedsAttention;
              });
}

int offers(const Options& options, const DeskClient& desk) {
  return with(options, desk.get("/api/v1/offers"), [&](const json& body) {
    std::cout << (options.is_json ? body.dump(2) + "\n" : format_offers(body));
    return kDone;
  });
}

/// Each price as SKU=AMOUNT, the SKU as it is on the label.
int start_offer(const Options& options, const DeskClient& desk) {
  json prices = json::array();
  for (const auto& text : options.prices) {
    const auto equals = text.rfind('=');
    if (equals == std::string::npos)
      return print_failure(options,
                           Error{ErrorCode::kInvalidInput, fmt::format("\"{}\"; allowed: SKU=PRICE", text)});
    const auto item = desk.get("/api/v1/items/" + escaped(text.substr(0, equals)));
    if (!item) return print_failure(options, item.error());
    prices.push_back({{"product", (*item)["product"]},
                      {"variant", (*item)["variant"]},
                      {"amount", text.substr(equals + 1)}});
  }
  json wish = {{"name", options.name}, {"seconds", options.minutes * 60}, {"prices", prices}};
  if (options.quantity > 0) wish["quantity"] = options.quantity;
  return with(options, desk.send("POST", "/api/v1/offers", wish), [&](const json& offer) {
    return print_done(
        options, offer,
        fmt::format("offer {} is on its way to the shop; `vitrinectl offers` shows when it is confirmed",
                    offer["id"].get<int64_t>()));
  });
}

int end_offer(const Options& options, const DeskClient& desk) {
  return with(options, desk.send("DELETE", fmt::format("/api/v1/offers/{}", options.offer), nullptr),
              [&](const json& body) {
                return print_done(options, body,
                                  fmt::format("offer {} is off the air and ends in the shop", options.offer));
              });
}

/// The picture that came with an answer, into a file; gives its bytes. Errors: kProtocol, kIo.
Result<size_t> save_attachment(const ControlServer::Answer& answer, const std::filesystem::path& output) {
  const auto size = verify_memfd(answer.attachment.get(), Sealing::kImmutable, kMostAttachmentBytes);
  if (!size) return fail(ErrorCode::kProtocol, "no picture came: " + size.error().message);
  const auto mapping = Mapping::create(answer.attachment.get(), 0, *size, Mapping::Access::kRead);
  if (!mapping) return tl::unexpected(mapping.error());
  std::ofstream file(output, std::ios::binary);
  file.write(reinterpret_cast<const char*>(mapping->data()), static_cast<std::streamsize>(*size));
  file.flush();
  if (!file) return fail(ErrorCode::kIo, output.string() + ": can't be written");
  return *size;
}

int snapshot(const Options& options) {
  json request = {{"op", "snapshot"}};
  if (!options.program.empty()) request["program"] = options.program;
  if (!options.camera.empty()) request["camera"] = options.camera;
  return ask(options, request, [&](const auto& answer) {
    const auto saved = save_attachment(answer, options.output);
    if (!saved) return print_failure(options, saved.error());
    return print_done(options, answer.body, fmt::format("{}: {} bytes", options.output, *saved));
  });
}

/// Beside this program in a build, in libexec when installed.
std::filesystem::path companion(const std::string& name) {
  std::error_code ignored;
  const auto here = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const auto& candidate : {here / name, here / "../libexec/vitrine" / name}) {
    if (std::filesystem::exists(candidate, ignored)) return candidate.lexically_normal();
  }
  return here / name;
}

int hand_over(const std::string& program, std::vector<std::string> arguments) {
  std::string path = companion(program).string();
  std::vector<char*> argv{path.data()};
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::execv(path.c_str(), argv.data());
  std::cerr << path << ": " << std::generic_category().message(errno) << "\n";
  return kFailed;
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Asks and tells the studio of this box.", "vitrinectl");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("-c,--config", options.config, "The configuration, which names the control socket")
      ->capture_default_str();
  app.add_option("--socket", options.socket, "The control socket itself");
  app.add_flag("--json", options.is_json, "Machine-readable answers");

  auto* check = app.add_subcommand(
      "check", "Reads the whole configuration, its secrets, theme and destinations, and names every mistake");
  auto* start = app.add_subcommand("start", "Goes on air");
  start->add_option("program", options.program, "One program; all when left out");
  auto* stop = app.add_subcommand("stop", "Goes off air");
  stop->add_option("program", options.program, "One program; all when left out");
  auto* show_status = app.add_subcommand(
      "status", "What is on air, where, from which camera, at what rate, and what is wrong");
  auto* state =
      app.add_subcommand("state", "Prints the program state that is shown, to change it and apply it again");
  auto* apply_state = app.add_subcommand("apply", "Shows a new program state, as one");
  apply_state->add_option("state", options.state_file, "The state's JSON file; - reads standard input")
      ->required();
  auto* take = app.add_subcommand("snapshot", "Writes the picture that is on the canvas now as PNG");
  take->add_option("output", options.output, "The PNG file")->required();
  auto* of_program = take->add_option("--program", options.program, "One program; the first when left out");
  take->add_option("--camera", options.camera, "What this camera sees, instead")->excludes(of_program);
  auto* retry = app.add_subcommand(
      "retry", "Dials every destination that is not live at once, without waiting for its pause");
  auto* try_one = app.add_subcommand(
      "try", "Tests a destination before a show: dials and publishes with its key, without any picture");
  try_one->add_option("destination", options.destination, "Its id")->required();
  auto* show_items =
      app.add_subcommand("items", "The shop's items as they are known here, and rows that were refused");
  auto* show_sync =
      app.add_subcommand("sync", "How equal this box and the shop's server are, and what is on its way");
  show_sync->add_flag("--now", options.is_now, "Also reads everything again, at once");
  auto* show_orders = app.add_subcommand("orders", "The shop's orders, the newest first");
  show_orders->add_option("which", options.which, "all, unpaid, open_balance or unshipped")
      ->check(CLI::IsMember({"all", "unpaid", "open_balance", "unshipped"}));
  show_orders->add_flag("--csv", options.is_csv, "As a table for a spreadsheet program");
  auto* from =
      show_orders->add_option("--from", options.from, "Those of a show: its begin, as 2026-11-11T12:00:00Z");
  auto* until = show_orders->add_option("--until", options.until, "Its end");
  show_orders->add_option("--room", options.room, "Its live room: orders of other rooms are left out")
      ->needs(from);
  from->needs(until);
  until->needs(from);
  auto* show_offers =
      app.add_subcommand("offers", "Prices for a time, and how far each has come; the newest first");
  auto* begin_offer =
      app.add_subcommand("offer", "Starts a price for a time: the shop first, the screen when it charges it");
  begin_offer->add_option("prices", options.prices, "SKU=PRICE for each variant of one product")->required();
  begin_offer->add_option("--minutes", options.minutes, "How long, from now on")
      ->required()
      ->check(CLI::Range(1, 44'640));
  begin_offer
      ->add_option("--quantity", options.quantity, "Pieces, of all its variants; no limit when left out")
      ->check(CLI::PositiveNumber);
  begin_offer->add_option("--name", options.name, "As it is called");
  auto* stop_offer = app.add_subcommand("end-offer", "Ends a price for a time now, here and in the shop");
  stop_offer->add_option("id", options.offer, "Its number, as `offers` shows it")->required();
  const PaperCommands papers(app);
  const ShowCommands shows(app);
  const EvidenceCommands evidence(app);
  auto* render = app.add_subcommand(
      "render", "Draws a template with data as PNG, for designers: TEMPLATE DATA.json OUT.png");
  render->prefix_command()->fallthrough(false);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  if (check->parsed()) {
    std::vector<std::string> arguments = {"--check", "--config", options.config};
    if (options.is_json) arguments.emplace_back("--json");
    return hand_over("vitrine-studio", std::move(arguments));
  }
  if (render->parsed()) {
    // All that stands behind the word, in its order, which CLI11 doesn't keep for it.
    std::vector<std::string> arguments(
        std::find_if(argv, argv + argc, [](const char* word) { return word == std::string_view("render"); }),
        argv + argc);
    arguments.front() = "--once";
    if (options.is_json) arguments.emplace_back("--json");
    return hand_over("vitrine-render", std::move(arguments));
  }
  if (start->parsed()) return set_on_air(options, "start");
  if (stop->parsed()) return set_on_air(options, "stop");
  if (show_status->parsed()) return status(options);
  if (state->parsed()) return print_state(options);
  if (apply_state->parsed()) return apply(options);
  if (retry->parsed()) {
    return ask(options, {{"op", "retry"}},
               [&](const auto& answer) { return print_done(options, answer.body, "dialling again"); });
  }
  if (try_one->parsed()) return try_destination(options);
  if (take->parsed()) return snapshot(options);
  const auto socket = socket_path(options, Daemon::kDesk);
  if (!socket) return print_failure(options, socket.error());
  const DeskClient desk(*socket);
  if (show_items->parsed()) return items(options, desk);
  if (show_sync->parsed()) return sync(options, desk);
  if (show_orders->parsed()) return orders(options, desk);
  if (show_offers->parsed()) return offers(options, desk);
  if (begin_offer->parsed()) return start_offer(options, desk);
  if (stop_offer->parsed()) return end_offer(options, desk);
  const DeskLine line{desk, [&](const json& refused) { return print_failure(options, refused); },
                      options.is_json};
  if (const auto code = papers.run(line)) return *code;
  if (const auto code = shows.run(line)) return *code;
  if (const auto code = evidence.run(line, recordings_of(options))) return *code;
  return kUsage;
}

}  // namespace
}  // namespace vitrine::cli

int main(int argc, char** argv) {
  return vitrine::cli::run(argc, argv);
}
