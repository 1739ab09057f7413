// SPDX-License-Identifier: Apache-2.0
#include "commerce/adapters/shop_session.h"

#include <algorithm>

#include <fmt/format.h>

#include "commerce/adapters/json_at.h"
#include "commerce/backend_json.h"
#include "core/text_rules.h"

namespace vitrine::commerce {
namespace {

using nlohmann::json;

constexpr MediaTime kFreshToken = std::chrono::seconds(10);  // refused so soon, a new one will be too
constexpr MediaTime kPauseAfterRefusal = std::chrono::seconds(30);

/// What the server says about its refusal: REST and GraphQL, in the shapes that were seen.
struct Told {
  std::string code;
  std::string text;
};
Told told(const Result<json>& answer) {
  if (!answer) return {};
  if (const json& errors = list_at(*answer, {"errors"}); !errors.empty())
    return {text_at(errors.front(), {"extensions", "code"}), text_at(errors.front(), {"message"})};
  const std::string code = text_at(*answer, {"code"});
  return {code.empty() ? text_at(*answer, {"type"}) : code, text_at(*answer, {"message"})};
}

struct Meaning {
  ErrorCode code;
  WriteResult as_write;
};
Meaning meaning_of(int status) {
  switch (status) {
    case 401:
    case 403:
      return {ErrorCode::kAuthRejected, WriteResult::kUnauthorised};
    case 404:
      return {ErrorCode::kNotFound, WriteResult::kRejected};
    case 400:
    case 405:
    case 410:
    case 413:
    case 415:
    case 422:
      return {ErrorCode::kProtocol, WriteResult::kRejected};
    case 409:
      return {ErrorCode::kProtocol, WriteResult::kConflict};
    case 429:
      return {ErrorCode::kRateLimited, WriteResult::kThrottled};
    default:
      return {ErrorCode::kProtocol, WriteResult::kUnknown};
  }
}

}  // namespace

WriteOutcome CallFailure::outcome_before_write() const {
  WriteOutcome result = outcome();
  if (result.result == WriteResult::kUnknown) result.result = WriteResult::kUnavailable;
  return result;
}

CallFailure not_understood(const std::string& what) {
  return {Error{ErrorCode::kProtocol, "the server's answer: " + what, 0}, WriteResult::kUnknown, {}, {}};
}

WriteOutcome write_outcome(WriteResult result, std::string text) {
  return {result, {}, std::move(text), {}, {}};
}

std::string printable(const std::string& text) {
  constexpr size_t kMostBytes = 300;
  if (find_unsafe_character(text)) return "(text that can't be shown)";
  if (text.size() <= kMostBytes) return text;
  size_t end = kMostBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::string percent_encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                          c == '-' || c == '_' || c == '.' || c == '~';
    if (is_plain)
      encoded += c;
    else
      encoded += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return encoded;
}

Called<json> judge_by_status(const HttpResponse& response) {
  auto answer = parse_backend_json(response.body);
  if (response.status >= 200 && response.status < 300) {
    if (answer) return std::move(*answer);
    const auto type = response.headers.find("content-type");
    if (type != response.headers.end() && type->second.starts_with("text/html"))
      return tl::unexpected(not_understood("a web page and not JSON; is the shop's address right?"));
    return tl::unexpected(
        CallFailure{answer.error().with_context("the server's answer"), WriteResult::kUnknown, {}, {}});
  }
  const Meaning meaning = meaning_of(response.status);
  const Told said = told(answer);
  return tl::unexpected(CallFailure{Error{meaning.code,
                                          fmt::format("the server answers {}{}{}", response.status,
                                                      said.text.empty() ? "" : ": ", printable(said.text)),
                                          0},
                                    meaning.as_write, printable(said.code),
                                    response.retry_after(system_now())});
}

Called<HttpResponse> ShopSession::send(const HttpRequest& request, MediaTime deadline) {
  if (auto wait = told_to_wait()) return tl::unexpected(std::move(*wait));
  const Instant sent = system_now();
  auto response = client_.send(request, deadline);
  if (!response)
    return tl::unexpected(
        CallFailure{response.error().error,
                    response.error().has_been_sent ? WriteResult::kUnknown : WriteResult::kUnavailable,
                    std::string(to_string(response.error().error.code)),
                    {}});
  if (const auto date = response->date()) clock_.note(*date, sent, system_now());
  note_retry_after(*response);
  return std::move(*response);
}

std::optional<CallFailure> ShopSession::told_to_wait() const {
  const std::lock_guard lock(pause_mutex_);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(not_before_ - steady_now());
  if (left.count() <= 0) return std::nullopt;
  return CallFailure{
      Error{ErrorCode::kRateLimited,
            fmt::format("the server wished to be left alone; {} s of that are left, and nothing was sent",
                        std::chrono::ceil<std::chrono::seconds>(left).count()),
            0},
      WriteResult::kThrottled,
      {},
      left};
}

void ShopSession::note_retry_after(const HttpResponse& response) {
  if (response.status != 429 && response.status != 503) return;
  const auto wait = response.retry_after(system_now());
  if (!wait) return;
  const std::lock_guard lock(pause_mutex_);
  not_before_ = std::max(not_before_, steady_now() + *wait);
}

Called<json> ShopSession::call(HttpRequest request, Judge judge, MediaTime deadline) {
  auto with = token(nullptr, deadline);
  for (bool is_renewed = false;; is_renewed = true) {
    if (!with) return tl::unexpected(with.error());
    request.bearer = &(*with)->value;
    auto response = send(request, deadline);
    if (!response) return tl::unexpected(response.error());
    auto answer = judge(*response);
    if (answer || answer.error().as_write != WriteResult::kUnauthorised || is_renewed ||
        steady_now() - (*with)->since < kFreshToken)
      return answer;
    with = token(*with, deadline);
  }
}

Called<ShopSession::TokenPtr> ShopSession::token(const TokenPtr& refused, MediaTime deadline) {
  const std::lock_guard lock(login_mutex_);
  if (token_ && token_ != refused) return token_;
  if (refusal_ && steady_now() < refusal_until_) return tl::unexpected(*refusal_);
  refusal_.reset();
  auto fresh = log_in_(*this, deadline);
  if (!fresh) {
    CallFailure failure = fresh.error();
    failure.error = failure.error.with_context("logging in");
    if (failure.as_write == WriteResult::kUnauthorised) {
      refusal_ = failure;
      refusal_until_ = steady_now() + kPauseAfterRefusal;
    } else if (failure.as_write != WriteResult::kThrottled) {
      failure.as_write = WriteResult::kUnavailable;  // whatever became of the login, the write was not sent
    }
    return tl::unexpected(std::move(failure));
  }
  token_ = std::make_shared<const Token>(Token{std::move(*fresh), steady_now()});
  return token_;
}

}  // namespace vitrine::commerce
