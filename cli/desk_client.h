// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "core/error.h"

namespace vitrine::cli {

/// The desk's API (docs/api.md) over its UNIX socket: what a page can do, and no more.
class DeskClient {
 public:
  /// {"ok": false, "error": {"code", "message", "problems"?}}, as the studio's refusals.
  using Refusal = nlohmann::json;
  struct Answer {
    nlohmann::json body;  // null where it is no JSON
    std::string bytes;    // as they came
  };
  template <typename T>
  using Answered = tl::expected<T, Refusal>;

  explicit DeskClient(std::filesystem::path socket) : socket_(std::move(socket)) {}

  [[nodiscard]] Answered<nlohmann::json> get(const std::string& path) const;
  [[nodiscard]] Answered<nlohmann::json> send(const std::string& method, const std::string& path,
                                              const nlohmann::json& body) const;
  [[nodiscard]] Answered<nlohmann::json> upload(const std::string& path, const std::string& bytes,
                                                const std::string& type) const;
  /// What is no JSON: a picture, a table.
  [[nodiscard]] Answered<std::string> download(const std::string& path) const;

 private:
  struct Question {
    std::string method;
    std::string path;
    std::string body;
    std::string type;
  };
  [[nodiscard]] Answered<Answer> ask(const Question& question) const;

  const std::filesystem::path socket_;
};

/// How a command speaks with the desk and with who typed it.
struct DeskLine {
  const DeskClient& desk;
  std::function<int(const DeskClient::Refusal& refusal)> print_failure;  // gives the exit code
  bool is_json = false;
};

/// An error of this side as one.
DeskClient::Refusal refusal_json(const Error& error);
/// One segment of a path, whatever is in it.
std::string escaped(const std::string& text);
/// "?a=1&b=2" of those that are not empty.
std::string query_of(const std::vector<std::pair<std::string, std::string>>& values);

}  // namespace vitrine::cli
