// SPDX-License-Identifier: Apache-2.0
#include "cli/papers.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sodium.h>

#include <fmt/format.h>

#include "cli/desk_text.h"
#include "cli/exit_code.h"
#include "core/json_text.h"

namespace vitrine::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr size_t kMostFileBytes = size_t{16} << 20;  // the desk's own limits are lower for pictures
constexpr size_t kMostPaperBytes = size_t{1} << 19;

/// In one sentence.
std::string reason_of(const DeskClient::Refusal& refusal) {
  const json& error = refusal["error"];
  if (!error.contains("problems")) return error.value("message", "");
  const json& first = error["problems"][0];
  return Problem{first.value("where", ""), first.value("found", ""), first.value("allowed", "")}.text();
}

Result<std::string> read_whole(const fs::path& path) {
  std::ifstream file;
  const bool is_stdin = path == "-";
  if (!is_stdin) file.open(path, std::ios::binary);
  std::istream& input = is_stdin ? std::cin : file;
  std::error_code error;
  if (fs::is_directory(path, error))
    return fail(ErrorCode::kNotFound, path.string() + ": is a folder, not a file");
  if (!input)
    return fail(ErrorCode::kNotFound,
                fmt::format("{}: can't be read: {}", path.string(), std::strerror(errno)));
  std::string text(kMostFileBytes + 1, '\0');
  input.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(input.gcount()));
  if (text.empty()) return fail(ErrorCode::kInvalidInput, path.string() + ": is empty");
  if (text.size() > kMostFileBytes)
    return fail(ErrorCode::kInvalidInput,
                fmt::format("{}: larger than {} bytes", path.string(), kMostFileBytes));
  return text;
}

/// The bytes of a file as they stand in JSON.
Result<std::string> base64_of(const fs::path& path) {
  const auto bytes = read_whole(path);
  if (!bytes) return tl::unexpected(bytes.error());
  std::string text(sodium_base64_ENCODED_LEN(bytes->size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes->data()),
                    bytes->size(), sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // its closing zero
  return text;
}

Result<json> files_of(const std::string& folder) {
  json names = json::array();
  if (folder.empty()) return names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) names.push_back(entry->path().filename().string());
  }
  if (error) return fail(ErrorCode::kNotFound, fmt::format("{}: can't be read: {}", folder, error.message()));
  return names;
}

}  // namespace

PaperCommands::PaperCommands(CLI::App& app) {
  import_ = app.add_subcommand("import", "Brings a table of items in, for a shop without a mall");
  import_->add_option("table", table_, "The table, saved as CSV")->required();
  import_->add_option("--photos", folder_, "The folder with the photos that the table names");
  import_->add_flag("--try", is_trial_, "Says what would become of it, and changes nothing");
  documents_ =
      app.add_subcommand("documents", "The shop's licences, reports and other documents, and its payees");
  document_ = app.add_subcommand("document", "Prints a document, or takes it from a file");
  document_->add_option("--picture", scan_, "A scan or photo of it: JPEG, PNG or WebP");
  payee_ = app.add_subcommand("payee", "Prints who is paid, or takes it from a file");
  note_ =
      app.add_subcommand("note", "Prints what the staff wrote down about an item, or takes it from a file");
  for (auto* command : {document_, payee_, note_}) {
    command->add_option(command == note_ ? "item" : "id", id_, command == note_ ? "Its number" : "Its id")
        ->required();
    command->add_option("file", file_, "JSON as it is printed, changed; - reads standard input");
  }
  picture_ = app.add_subcommand("picture", "Writes a picture that is kept here into a file");
  picture_->add_option("blob", id_, "Its name, as items --json and document say it")->required();
  picture_->add_option("output", file_, "The file")->required();
}

std::optional<int> PaperCommands::run(const DeskLine& line) const {
  if (import_->parsed()) return import_table(line);
  if (documents_->parsed()) return list_documents(line);
  if (document_->parsed()) return paper(line, "document", "/api/v1/documents/" + escaped(id_));
  if (payee_->parsed()) return paper(line, "payee", "/api/v1/payees/" + escaped(id_));
  if (note_->parsed()) return paper(line, "note", "/api/v1/items/" + escaped(id_) + "/note");
  if (picture_->parsed()) return save_picture(line);
  return std::nullopt;
}

int PaperCommands::import_table(const DeskLine& line) const {
  const auto table = base64_of(table_);
  if (!table) return line.print_failure(refusal_json(table.error()));
  const auto names = files_of(folder_);
  if (!names) return line.print_failure(refusal_json(names.error()));
  json request = {{"table", *table}, {"photos", *names}, {"trial", true}};
  auto answer = line.desk.send("POST", "/api/v1/items/import", request);
  if (!answer) return line.print_failure(answer.error());
  json photo_problems = json::array();
  size_t brought = 0;
  if (!is_trial_) {
    for (const auto& name : (*answer)["photos"]) {
      const std::string file = name.get<std::string>();
      const auto photo = read_whole(fs::path(folder_) / file);
      const auto taken =
          photo ? line.desk.upload("/api/v1/photos/" + escaped(file), *photo, "application/octet-stream")
                : tl::unexpected(refusal_json(photo.error()));
      if (taken)
        ++brought;
      else
        photo_problems.push_back(reason_of(taken.error()));
    }
    request["trial"] = false;
    answer = line.desk.send("POST", "/api/v1/items/import", request);
    if (!answer) return line.print_failure(answer.error());
  }
  json& body = *answer;
  body["trial"] = is_trial_;
  body["photos_brought"] = brought;
  body["photo_problems"] = photo_problems;
  std::cout << (line.is_json ? body.dump(2) + "\n" : format_import(body));
  return body["refused_rows"] == 0 && photo_problems.empty() ? kDone : kNeedsAttention;
}

int PaperCommands::list_documents(const DeskLine& line) const {
  const auto answer = line.desk.get("/api/v1/documents");
  if (!answer) return line.print_failure(answer.error());
  const json& body = *answer;
  std::cout << (line.is_json ? body.dump(2) + "\n" : format_documents(body));
  const bool has_expired = std::ranges::any_of(
      body["documents"], [](const json& document) { return document["state"] == "expired"; });
  return has_expired ? kNeedsAttention : kDone;
}

int PaperCommands::paper(const DeskLine& line, const std::string& kind, const std::string& path) const {
  json request;
  if (!file_.empty()) {
    const auto text = read_whole(file_);
    if (!text) return line.print_failure(refusal_json(text.error()));
    const auto content = parse_json(*text, kMostPaperBytes);
    if (!content) return line.print_failure(refusal_json(content.error().with_context(file_)));
    if (!content->is_object() || !content->contains(kind))
      return line.print_failure(
          refusal_json({ErrorCode::kInvalidInput,
                        fmt::format("{}: found no \"{}\", allowed: {{\"version\": N, \"{}\": {{…}}}}, "
                                    "as vitrinectl {} {} prints it (version 0: there is none yet)",
                                    file_, kind, kind, kind, id_)}));
    request = {{kind, (*content)[kind]}, {"version", content->value("version", json(0))}};
  }
  if (!scan_.empty()) {
    if (file_.empty())
      return line.print_failure(
          refusal_json({ErrorCode::kInvalidInput, "--picture goes with the document's file"}));
    const auto scan = base64_of(scan_);
    if (!scan) return line.print_failure(refusal_json(scan.error()));
    request["picture"] = *scan;
  }
  const auto answer = request.is_null() ? line.desk.get(path) : line.desk.send("PUT", path, request);
  if (!answer) return line.print_failure(answer.error());
  const json& body = *answer;
  json newest = {{"version", 0}, {kind, json::object()}};
  if (!body["versions"].empty())
    newest = {{"version", body["versions"][0]["version"]}, {kind, body["versions"][0][kind]}};
  std::cout << (line.is_json ? body : newest).dump(2) << "\n";
  return kDone;
}

int PaperCommands::save_picture(const DeskLine& line) const {
  const auto picture = line.desk.download("/api/v1/pictures/" + escaped(id_));
  if (!picture) return line.print_failure(picture.error());
  std::ofstream file(file_, std::ios::binary);
  file << *picture;
  file.flush();
  if (!file) return line.print_failure(refusal_json({ErrorCode::kIo, file_ + ": can't be written"}));
  std::cout << (line.is_json ? json{{"bytes", picture->size()}}.dump(2)
                             : fmt::format("{}: {} bytes", file_, picture->size()))
            << "\n";
  return kDone;
}

}  // namespace vitrine::cli
