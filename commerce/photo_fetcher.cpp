// SPDX-License-Identifier: Apache-2.0
#include "commerce/photo_fetcher.h"

#include <algorithm>
#include <pthread.h>

#include <fmt/format.h>

#include "commerce/csv_import.h"
#include "commerce/detail/backoff.h"
#include "commerce/picture.h"
#include "core/text_rules.h"
#include "core/url.h"

namespace vitrine::commerce {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestRest{60'000};  // when nothing is known to be due
constexpr size_t kMostEtagBytes = 256;
constexpr int kTooManyRequests = 429;
constexpr int kUnavailable = 503;

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

/// "host:port", with the port that the scheme has when none is written.
std::string origin_of(const Url& url) {
  return fmt::format("{}:{}", lower_case(url.host),
                     url.port != 0           ? url.port
                     : url.scheme == "https" ? 443
                                             : 80);
}

/// Without query and fragment: a photo's address may carry a signature.
std::string shown_address(const Url& url) {
  return fmt::format("{}://{}{}", url.scheme, origin_of(url), url.path);
}

bool is_allowed(const Url& url, const PhotoFetcher::Config& config) {
  const std::string origin = origin_of(url);
  if (const auto shop = parse_url(config.shop_url); shop && origin_of(*shop) == origin) return true;
  return std::ranges::any_of(config.other_hosts, [&](const std::string& host) {
    const auto other = parse_url(url.scheme + "://" + host);
    return other && origin_of(*other) == origin;
  });
}

/// Nobody there could be spoken to, so the next address of it need not be tried now.
bool is_hosts_fault(ErrorCode code) {
  return code == ErrorCode::kResolveFailed || code == ErrorCode::kConnectRefused ||
         code == ErrorCode::kTlsFailed || code == ErrorCode::kTimeout || code == ErrorCode::kIo;
}

}  // namespace

PhotoFetcher::PhotoFetcher(const Parts& parts, Config config)
    : parts_(parts),
      config_(std::move(config)),
      http_({.most_bytes = kMostPictureBytes, .timeout = config_.timeout, .ca_file = ""}) {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "photos");
    run(stop);
  });
}

PhotoFetcher::~PhotoFetcher() = default;

void PhotoFetcher::poke() {
  const std::lock_guard lock(mutex_);
  is_poked_ = true;
  wake_.notify_all();
}

std::optional<Error> PhotoFetcher::fault() const {
  const std::lock_guard lock(mutex_);
  return fault_;
}

void PhotoFetcher::run(const std::stop_token& stop) {
  bool has_looked_for_lost = false;
  int store_failures = 0;
  while (!stop.stop_requested()) {
    {
      const std::lock_guard lock(mutex_);
      is_poked_ = false;
    }
    if (!has_looked_for_lost) has_looked_for_lost = parts_.book.ask_again_for_lost(parts_.blobs).has_value();
    const auto next = fetch_due(stop);
    store_failures = next ? 0 : store_failures + 1;
    const MediaTime until = next ? *next : steady_now() + detail::backoff(store_failures);
    std::unique_lock lock(mutex_);
    fault_ = next ? std::nullopt : std::optional(next.error());
    wake_.wait_until(lock, stop, std::chrono::steady_clock::time_point(until), [&] { return is_poked_; });
  }
}

Result<MediaTime> PhotoFetcher::fetch_due(const std::stop_token& stop) {
  auto list = parts_.book.due(system_now());
  if (!list) return tl::unexpected(list.error());
  MediaTime next = steady_now() + kLongestRest;
  bool has_waiting_host = false;
  for (const auto& due : *list) {
    if (stop.stop_requested()) return next;
    const auto url = parse_url(due.url);
    Host& host = hosts_[url ? origin_of(*url) : ""];
    if (steady_now() < host.not_before) {
      next = std::min(next, host.not_before);
      has_waiting_host = true;
      continue;
    }
    const bool is_of_folder = due.url.starts_with(kShopPhoto);
    const auto outcome = is_of_folder ? fetch_from_folder(due.url) : fetch_from_server(due);
    if (outcome) host = {};
    auto settled = outcome ? keep(due.url, *outcome) : note(due, outcome.error(), host);
    if (!settled) return tl::unexpected(settled.error());
  }
  const auto next_due = parts_.book.next_due();
  if (!next_due) return tl::unexpected(next_due.error());
  // What is due already waits for its host, or became due while we were at it.
  if (const Instant now = system_now(); *next_due && (**next_due > now || !has_waiting_host))
    next = std::min<MediaTime>(next, steady_now() + std::max<MediaTime>(**next_due - now, MediaTime{0}));
  return next;
}

PhotoFetcher::Outcome PhotoFetcher::fetch_from_folder(const std::string& url) {
  const std::string name = url.substr(kShopPhoto.size());
  const auto picture = parts_.book.find_shop_photo(name);
  if (!picture) return tl::unexpected(Miss{picture.error().message, false, std::nullopt});
  if (*picture && parts_.blobs.has((*picture)->blob)) return Got{"", **picture, (*picture)->size, ""};
  return tl::unexpected(
      Miss{fmt::format("the photo \"{}\" is not on this box; bring the table in again with its "
                       "folder of photos",
                       name),
           false, std::nullopt});
}

PhotoFetcher::Outcome PhotoFetcher::fetch_from_server(const PhotoBook::Due& due) {
  const auto miss = [](std::string problem) {
    return tl::unexpected(Miss{std::move(problem), false, std::nullopt});
  };
  const auto url = parse_url(due.url);
  if (!url || (url->scheme != "http" && url->scheme != "https") || url->has_user_info)
    return miss("its address is none that begins with https:// or http://, without a password");
  const std::string shown = shown_address(*url);
  if (!is_allowed(*url, config_)) {
    return miss(fmt::format(
        "{}: not asked, {} is not the shop's own server; if the shop keeps its photos there, add it "
        "to photo_hosts in [commerce]",
        shown, origin_of(*url)));
  }
  HttpRequest request;
  request.url = due.url;
  request.headers = {"accept: image/jpeg, image/png, image/webp"};
  const bool is_known = due.known && parts_.blobs.has(due.known->blob);
  if (is_known) request.headers.push_back("if-none-match: " + due.etag);
  const auto answer = http_.send(request, steady_now() + config_.timeout);
  if (!answer)
    return tl::unexpected(
        Miss{answer.error().error.message, is_hosts_fault(answer.error().error.code), std::nullopt});
  if (is_known && answer->status == 304) return Got{"", due.known, due.known->size, due.etag};
  if (answer->status != 200) {
    const bool is_busy = answer->status == kTooManyRequests || answer->status == kUnavailable;
    return tl::unexpected(Miss{fmt::format("{}: the server answers with status {}", shown, answer->status),
                               is_busy, answer->retry_after(system_now())});
  }
  const auto info = check_picture(shown, answer->body);
  if (!info) return miss(info.error().message);
  const auto etag = answer->headers.find("etag");
  const bool has_etag = etag != answer->headers.end() && etag->second.size() <= kMostEtagBytes &&
                        !find_unsafe_character(etag->second);
  return Got{answer->body, std::nullopt, info->size, has_etag ? etag->second : ""};
}

Status PhotoFetcher::keep(const std::string& url, const Got& got) {
  const auto adding = parts_.blobs.begin_adding();
  PhotoBook::Picture picture{"", got.size};
  if (got.known) {
    picture.blob = got.known->blob;
  } else {
    auto put = parts_.blobs.put(adding, got.bytes);
    if (!put) return tl::unexpected(put.error());
    picture.blob = std::move(*put);
  }
  const Instant now = system_now();
  return parts_.book.take(url,
                          {std::move(picture), got.etag, now,
                           now + std::chrono::duration_cast<std::chrono::microseconds>(config_.look_again)});
}

Status PhotoFetcher::note(const PhotoBook::Due& due, const Miss& miss, Host& host) {
  if (miss.is_hosts_fault) {
    ++host.failures;
    host.not_before = steady_now() + std::max<milliseconds>(detail::backoff(host.failures),
                                                            miss.retry_after.value_or(milliseconds{0}));
  }
  const int failures = due.failures + 1;
  const auto doubled = config_.first_retry * (int64_t{1} << std::min(due.failures, 16));
  const milliseconds pause = std::max(std::min<milliseconds>(doubled, config_.longest_retry),
                                      miss.retry_after.value_or(milliseconds{0}));
  return parts_.book.miss(due.url, {miss.problem, failures, system_now() + pause});
}

}  // namespace vitrine::commerce
