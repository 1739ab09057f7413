// SPDX-License-Identifier: Apache-2.0
#include "cli/desk_client.h"

#include <memory>

#include <curl/curl.h>
#include <fmt/format.h>

#include "core/error.h"
#include "core/json_text.h"

namespace vitrine::cli {
namespace {

using nlohmann::json;

constexpr long kPatience_s = 30;
constexpr long kPatienceWithFile_s = 300;  // a table of 50,000 rows on a slow disk; a chain of a year
constexpr size_t kMostAnswer = size_t{64} << 20;

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

size_t take(char* data, size_t size, size_t count, void* bytes) {
  auto& text = *static_cast<std::string*>(bytes);
  if (text.size() + size * count > kMostAnswer) return 0;
  text.append(data, size * count);
  return size * count;
}

/// Problem details (RFC 9457) in the words of the rest of this program.
json refusal_of(long status, const std::string& text) {
  const auto problem = parse_json(text, kMostAnswer);
  if (!problem || !problem->is_object())
    return refusal_json(
        {ErrorCode::kProtocol, fmt::format("the desk answered with status {} and no reason", status)});
  std::string message = problem->value("detail", problem->value("title", ""));
  json error = {{"code", problem->value("code", "unknown")}};
  if (problem->contains("problems")) {
    error["problems"] = (*problem)["problems"];
    // They are printed by themselves; what the detail says besides them stays.
    Problems problems;
    for (const auto& each : error["problems"])
      problems.push_back({each.value("where", ""), each.value("found", ""), each.value("allowed", "")});
    const std::string texts = to_error(problems).message;
    if (message.ends_with(texts)) message.resize(message.size() - texts.size());
    while (message.ends_with(' ')) message.pop_back();
    if (message.empty()) message = problem->value("title", "refused") + ":";
  }
  error["message"] = std::move(message);
  return {{"ok", false}, {"error", std::move(error)}};
}

}  // namespace

DeskClient::Answered<DeskClient::Answer> DeskClient::ask(const Question& question) const {
  const std::unique_ptr<CURL, FreeEasy> easy(curl_easy_init());
  std::string bytes;
  std::unique_ptr<curl_slist, FreeList> headers(curl_slist_append(nullptr, "Expect:"));
  headers.reset(curl_slist_append(headers.release(), ("Content-Type: " + question.type).c_str()));
  curl_easy_setopt(easy.get(), CURLOPT_UNIX_SOCKET_PATH, socket_.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_URL, ("http://localhost" + question.path).c_str());
  curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(easy.get(), CURLOPT_CUSTOMREQUEST, question.method.c_str());
  if (question.method != "GET") {
    curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, question.body.data());
    curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(question.body.size()));
    curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  }
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT,
                   question.body.size() > (1 << 16) ? kPatienceWithFile_s : kPatience_s);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &bytes);
  const CURLcode code = curl_easy_perform(easy.get());
  if (code == CURLE_COULDNT_CONNECT)
    return tl::unexpected(refusal_json(
        {ErrorCode::kConnectRefused,
         fmt::format("nobody answers at {}; is vitrine-desk running? (systemctl status vitrine-desk)",
                     socket_.string())}));
  if (code != CURLE_OK)
    return tl::unexpected(
        refusal_json({code == CURLE_OPERATION_TIMEDOUT ? ErrorCode::kTimeout : ErrorCode::kProtocol,
                      fmt::format("asking the desk at {}: {}", socket_.string(), curl_easy_strerror(code))}));
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status >= 400) return tl::unexpected(refusal_of(status, bytes));
  Answer answer;
  if (auto body = parse_json(bytes, kMostAnswer)) answer.body = std::move(*body);
  answer.bytes = std::move(bytes);
  return answer;
}

DeskClient::Answered<json> DeskClient::get(const std::string& path) const {
  auto answer = ask({"GET", path, "", ""});
  if (!answer) return tl::unexpected(answer.error());
  return std::move(answer->body);
}

DeskClient::Answered<json> DeskClient::send(const std::string& method, const std::string& path,
                                            const json& body) const {
  auto answer = ask({method, path, body.is_null() ? "" : body.dump(), "application/json"});
  if (!answer) return tl::unexpected(answer.error());
  return std::move(answer->body);
}

DeskClient::Answered<json> DeskClient::upload(const std::string& path, const std::string& bytes,
                                              const std::string& type) const {
  auto answer = ask({"PUT", path, bytes, type});
  if (!answer) return tl::unexpected(answer.error());
  return std::move(answer->body);
}

DeskClient::Answered<std::string> DeskClient::download(const std::string& path) const {
  auto answer = ask({"GET", path, "", ""});
  if (!answer) return tl::unexpected(answer.error());
  return std::move(answer->bytes);
}

json refusal_json(const Error& error) {
  return {{"ok", false}, {"error", {{"code", to_string(error.code)}, {"message", error.message}}}};
}

std::string escaped(const std::string& text) {
  const std::unique_ptr<char, decltype(&curl_free)> safe(
      curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size())), curl_free);
  return safe ? safe.get() : "";
}

std::string query_of(const std::vector<std::pair<std::string, std::string>>& values) {
  std::string query;
  for (const auto& [name, value] : values)
    if (!value.empty()) query += (query.empty() ? "?" : "&") + name + "=" + escaped(value);
  return query;
}

}  // namespace vitrine::cli
