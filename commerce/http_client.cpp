// SPDX-License-Identifier: Apache-2.0
#include "commerce/http_client.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <curl/curl.h>
#include <fmt/format.h>

#include "core/url.h"

namespace vitrine::commerce {
namespace {

struct SlistFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Slist = std::unique_ptr<curl_slist, SlistFree>;

void append(Slist& list, const std::string& line) {
  if (curl_slist* longer = curl_slist_append(list.get(), line.c_str()); longer != nullptr) {
    (void)list.release();
    list.reset(longer);
  }
}

ErrorCode code_of(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return ErrorCode::kResolveFailed;
    case CURLE_COULDNT_CONNECT:
      return ErrorCode::kConnectRefused;
    case CURLE_OPERATION_TIMEDOUT:
      return ErrorCode::kTimeout;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
      return ErrorCode::kTlsFailed;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return ErrorCode::kInvalidInput;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
      return ErrorCode::kIo;
    default:
      return ErrorCode::kProtocol;
  }
}

struct Answer {
  HttpResponse response;
  size_t most_bytes = 0;
  bool is_too_large = false;
};

size_t take_body(const char* data, size_t size, size_t count, void* user) {
  auto& answer = *static_cast<Answer*>(user);
  if (answer.response.body.size() + size * count > answer.most_bytes) {
    answer.is_too_large = true;
    return 0;
  }
  answer.response.body.append(data, size * count);
  return size * count;
}

size_t take_header(const char* data, size_t size, size_t count, void* user) {
  constexpr size_t kMostHeaders = 100;
  auto& headers = static_cast<Answer*>(user)->response.headers;
  const std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) headers.clear();  // what stood before it was an interim answer
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size * count;  // that, or the empty line at the end
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && static_cast<unsigned char>(value.back()) <= ' ') value.remove_suffix(1);
  if (headers.size() < kMostHeaders || headers.contains(name)) headers[name] = value;
  return size * count;
}

}  // namespace

class HttpClient::Connection {
 public:
  Connection() : easy_(curl_easy_init()) {}
  ~Connection() { curl_easy_cleanup(easy_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  [[nodiscard]] CURL* easy() const { return easy_; }

 private:
  CURL* easy_;
};

std::optional<std::chrono::milliseconds> HttpResponse::retry_after(Instant now) const {
  constexpr std::chrono::milliseconds kLongest = std::chrono::hours(1);
  const auto found = headers.find("retry-after");
  if (found == headers.end()) return std::nullopt;
  const std::string& text = found->second;
  int64_t seconds = 0;
  if (const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
      error == std::errc{} && end == text.data() + text.size())
    return std::clamp<std::chrono::milliseconds>(std::chrono::seconds(std::clamp<int64_t>(seconds, 0, 86400)),
                                                 std::chrono::milliseconds{0}, kLongest);
  const time_t at = curl_getdate(text.c_str(), nullptr);
  if (at < 0) return std::nullopt;
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(Instant{std::chrono::seconds{at}} -
                                                                          date().value_or(now));
  return std::clamp(wait, std::chrono::milliseconds{0}, kLongest);
}

std::optional<Instant> HttpResponse::date() const {
  const auto found = headers.find("date");
  if (found == headers.end()) return std::nullopt;
  const time_t at = curl_getdate(found->second.c_str(), nullptr);
  if (at < 0) return std::nullopt;
  return Instant{std::chrono::seconds{at}};
}

HttpClient::HttpClient(Config config) : config_(std::move(config)) {
}
HttpClient::~HttpClient() = default;

tl::expected<HttpResponse, HttpClient::Failure> HttpClient::send(const HttpRequest& request,
                                                                 MediaTime deadline) {
  std::unique_ptr<Connection> connection;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!connection) connection = std::make_unique<Connection>();
  CURL* easy = connection->easy();
  curl_easy_reset(easy);

  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_now());
  const auto timeout = std::min(left, config_.timeout);
  const auto failed = [&](ErrorCode code, const std::string& why, bool has_been_sent) {
    return tl::unexpected(Failure{
        Error{code, fmt::format("{} {}: {}", request.method, redact_url(request.url), why)}, has_been_sent});
  };
  if (timeout.count() <= 0) return failed(ErrorCode::kTimeout, "no time was left for it", false);

  Slist headers;
  for (const auto& header : request.headers) append(headers, header);
  if (request.bearer != nullptr) append(headers, "authorization: Bearer " + request.bearer->reveal());
  append(headers, "expect:");  // a server that does not know 100-continue would cost a second
  Answer answer;
  answer.most_bytes = config_.most_bytes;
  std::array<char, CURL_ERROR_SIZE> reason{};
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, reason.data());
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(std::min(config_.connect_timeout, timeout).count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(config_.most_bytes));
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &answer);
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "vitrine");
  if (!request.is_safe && request.method != "GET") curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  if (!config_.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, config_.ca_file.c_str());
  if (!request.body.empty() || request.method != "GET") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  }

  const CURLcode code = curl_easy_perform(easy);
  long sent_bytes = 0;
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  if (code != CURLE_OK) {  // and its connection goes: nobody knows what else would come over it
    if (answer.is_too_large || code == CURLE_FILESIZE_EXCEEDED)
      return failed(ErrorCode::kProtocol,
                    fmt::format("the answer is larger than {} bytes", config_.most_bytes), true);
    return failed(code_of(code), reason[0] != '\0' ? reason.data() : curl_easy_strerror(code),
                  sent_bytes > 0);
  }
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
  }
  if (answer.response.headers.contains("content-encoding") &&
      answer.response.headers.at("content-encoding") != "identity")
    return failed(ErrorCode::kProtocol, "the answer is compressed, and that was not asked for", true);
  if (status >= 300 && status < 400 && status != 304)
    return failed(
        ErrorCode::kProtocol,
        fmt::format("status {}: the server sends us elsewhere, and we don't go; put the new address into "
                    "the configuration",
                    status),
        true);
  answer.response.status = static_cast<int>(status);
  return std::move(answer.response);
}

}  // namespace vitrine::commerce
