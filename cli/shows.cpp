// SPDX-License-Identifier: Apache-2.0
#include "cli/shows.h"

#include <fstream>
#include <iostream>
#include <iterator>

#include <fmt/format.h>

#include "cli/desk_text.h"
#include "cli/exit_code.h"
#include "core/json_text.h"

namespace vitrine::cli {
namespace {

using nlohmann::json;

constexpr size_t kMostPlanBytes = size_t{1} << 20;

Result<json> json_of(const std::string& path) {
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& input = path == "-" ? std::cin : file;
  if (!input) return fail(ErrorCode::kNotFound, path + ": can't be read");
  const std::string text((std::istreambuf_iterator<char>(input)), std::istreambuf_iterator<char>());
  auto parsed = parse_json(text, kMostPlanBytes);
  if (!parsed) return tl::unexpected(parsed.error().with_context(path));
  return parsed;
}

}  // namespace

ShowCommands::ShowCommands(CLI::App& app) {
  show_ = app.add_subcommand("show", "Shows: what is planned, what is on, what was");
  show_->require_subcommand(1);
  list_ = show_->add_subcommand("list", "All shows, the newest first");
  print_ = show_->add_subcommand("print", "A show's plan, to change it and put it again");
  put_ = show_->add_subcommand("put", "Takes a plan: a new show, or a new version of one");
  copy_ = show_->add_subcommand("copy", "A new show with another one's plan");
  check_ = show_->add_subcommand("check", "What stands in the way of a show");
  start_ =
      show_->add_subcommand("start", "Goes on air with a show; with an unplanned one when none is named");
  stop_ = show_->add_subcommand("stop", "Ends the show that is on");
  next_ = show_->add_subcommand("next", "Goes on with the next segment");
  go_ = show_->add_subcommand("go", "Goes on with a segment");
  slate_ = show_->add_subcommand("slate", "Hides everything behind the slate; \"off\" shows it again");
  now_ = show_->add_subcommand("now", "What is on now");
  figures_ = show_->add_subcommand("figures", "What was sold in a show");
  for (auto* command : {print_, copy_, check_, figures_})
    command->add_option("id", id_, "The show's number")->required();
  put_->add_option("file", file_, "JSON as it is printed; - reads standard input")->required();
  put_->add_option("id", id_, "The show's number; a new one when left out");
  start_->add_option("id", id_, "The show's number");
  start_->add_option("--override", override_, "Why it starts although the check says no; this is recorded");
  go_->add_option("segment", segment_, "The segment's number")->required();
  slate_->add_option("message", message_, "What stands on it, or \"off\"");
  layer_ =
      app.add_subcommand("layer", "Layers beside those of the show: a lottery, a question, a certificate");
  layer_->require_subcommand(1);
  on_ = layer_->add_subcommand("on", "Switches one on");
  on_->add_option("name", name_, "What it is called, to switch it off again")->required();
  on_->add_option("template", template_, "The template")->required();
  on_->add_option("data", file_, "Its data, a JSON file; - reads standard input");
  on_->add_option("--source", source_,
                  "Instead of data: \"orders\" fills a ticker with the show's newest orders");
  on_->add_option("--seconds", seconds_, "For how long")->capture_default_str();
  on_->add_option("--after", after_, "What it turns into then: hide, ended, neutral")->capture_default_str();
  off_ = layer_->add_subcommand("off", "Switches one off");
  off_->add_option("name", name_, "What it is called")->required();
}

std::optional<int> ShowCommands::run(const DeskLine& line) const {
  if (on_->parsed()) return switch_on(line);
  if (off_->parsed()) {
    const auto answer = line.desk.send("DELETE", "/api/v1/live/layers/" + escaped(name_), nullptr);
    if (!answer) return line.print_failure(answer.error());
    std::cout << (line.is_json ? answer->dump(2) + "\n" : name_ + " is off\n");
    return kDone;
  }
  return show_->parsed() ? run_show(line) : std::nullopt;
}

std::optional<int> ShowCommands::run_show(const DeskLine& line) const {
  const std::string show = fmt::format("/api/v1/shows/{}", id_);
  const auto print = [&](const DeskClient::Answered<json>& answer) {
    if (!answer) return line.print_failure(answer.error());
    std::cout << answer->dump(2) << "\n";
    return static_cast<int>(kDone);
  };
  if (list_->parsed()) return list(line);
  if (print_->parsed()) return print(line.desk.get(show));
  if (figures_->parsed()) return print(line.desk.get(show + "/figures"));
  if (copy_->parsed()) return print(line.desk.send("POST", show + "/copy", json::object()));
  if (put_->parsed()) return put(line);
  if (check_->parsed()) return check(line);
  if (now_->parsed()) return print(line.desk.get("/api/v1/live"));
  if (start_->parsed()) {
    json body = json::object();
    if (id_ != 0) body["show"] = id_;
    if (!override_.empty()) body["override"] = override_;
    return tell(line, "/api/v1/live/start", body);
  }
  if (stop_->parsed()) return tell(line, "/api/v1/live/stop", json::object());
  if (next_->parsed()) return tell(line, "/api/v1/live/go", {{"to", "next"}});
  if (go_->parsed()) return tell(line, "/api/v1/live/go", {{"segment", segment_}});
  if (slate_->parsed()) {
    json body = {{"on", message_ != "off"}};
    if (!message_.empty() && message_ != "off") body["message"] = message_;
    return tell(line, "/api/v1/live/slate", body);
  }
  return std::nullopt;
}

int ShowCommands::list(const DeskLine& line) const {
  const auto answer = line.desk.get("/api/v1/shows");
  if (!answer) return line.print_failure(answer.error());
  std::cout << (line.is_json ? answer->dump(2) + "\n" : format_shows(*answer));
  return kDone;
}

int ShowCommands::put(const DeskLine& line) const {
  const auto content = json_of(file_);
  if (!content) return line.print_failure(refusal_json(content.error()));
  if (!content->is_object() || !content->contains("plan"))
    return line.print_failure(
        refusal_json({ErrorCode::kInvalidInput,
                      file_ + ": found no \"plan\", allowed: what vitrinectl show print prints"}));
  json body = {{"plan", (*content)["plan"]}};
  if (id_ != 0) body["version"] = content->value("version", json(0));
  const auto answer = id_ == 0 ? line.desk.send("POST", "/api/v1/shows", body)
                               : line.desk.send("PUT", fmt::format("/api/v1/shows/{}", id_), body);
  if (!answer) return line.print_failure(answer.error());
  std::cout << (line.is_json ? answer->dump(2) + "\n"
                             : fmt::format("show {} has version {}\n", (*answer)["id"].get<int64_t>(),
                                           (*answer)["version"].get<int64_t>()));
  return kDone;
}

int ShowCommands::check(const DeskLine& line) const {
  const auto answer = line.desk.get(fmt::format("/api/v1/shows/{}/preflight", id_));
  if (!answer) return line.print_failure(answer.error());
  std::cout << (line.is_json ? answer->dump(2) + "\n" : format_preflight(*answer));
  return (*answer)["level"] == "green" ? kDone : kNeedsAttention;
}

int ShowCommands::tell(const DeskLine& line, const std::string& path, const json& body) const {
  const auto answer = line.desk.send("POST", path, body);
  if (!answer) return line.print_failure(answer.error());
  std::cout << (line.is_json ? answer->dump(2) + "\n" : format_live(*answer));
  return answer->value("is_shown", true) ? kDone : kNeedsAttention;
}

int ShowCommands::switch_on(const DeskLine& line) const {
  json body = {{"template", template_}, {"seconds", seconds_}, {"after", after_}};
  if (!source_.empty()) body["source"] = source_;
  if (!file_.empty()) {
    auto content = json_of(file_);
    if (!content) return line.print_failure(refusal_json(content.error()));
    body["data"] = std::move(*content);
  }
  const auto answer = line.desk.send("PUT", "/api/v1/live/layers/" + escaped(name_), body);
  if (!answer) return line.print_failure(answer.error());
  std::cout << (line.is_json ? answer->dump(2) + "\n" : name_ + " is on\n");
  return kDone;
}

}  // namespace vitrine::cli
