// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/desk_client.h"

namespace vitrine::cli {

/// What the shop adds to its items: import, documents, document, payee, note, picture. The desk opens no file
/// of the caller's: files are read here, with the caller's rights, and their bytes go along.
class PaperCommands {
 public:
  explicit PaperCommands(CLI::App& app);
  /// The exit code, where one of these commands was given.
  [[nodiscard]] std::optional<int> run(const DeskLine& line) const;

 private:
  [[nodiscard]] int import_table(const DeskLine& line) const;
  [[nodiscard]] int list_documents(const DeskLine& line) const;
  [[nodiscard]] int paper(const DeskLine& line, const std::string& kind, const std::string& path) const;
  [[nodiscard]] int save_picture(const DeskLine& line) const;

  CLI::App* import_;
  CLI::App* documents_;
  CLI::App* document_;
  CLI::App* payee_;
  CLI::App* note_;
  CLI::App* picture_;
  std::string table_;
  std::string folder_;
  std::string id_;
  std::string file_;
  std::string scan_;
  bool is_trial_ = false;
};

}  // namespace vitrine::cli
