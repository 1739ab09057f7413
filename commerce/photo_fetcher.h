// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "commerce/blob_store.h"
#include "commerce/http_client.h"
#include "commerce/photo_book.h"
#include "core/error.h"

namespace vitrine::commerce {

/// Brings each item's photo here, one after the other, in one thread: from the shop's own server and the
/// hosts that the configuration allows, and from nowhere else, because who edits a row must not choose what
/// this box asks. A photo that can't be had is a problem of its item and of nothing else.
class PhotoFetcher {
 public:
  struct Parts {
    PhotoBook& book;
    BlobStore& blobs;
  };
  struct Config {
    std::string shop_url;                  // its host and port are allowed; empty: it has none
    std::vector<std::string> other_hosts;  // "cdn.example" or "cdn.example:8443"
    std::chrono::milliseconds timeout{15'000};
    std::chrono::milliseconds first_retry{60'000};  // of an address; doubled up to the longest
    std::chrono::milliseconds longest_retry{6 * 3'600'000};
    std::chrono::milliseconds look_again{24 * 3'600'000};  // whether a good one has changed
  };

  PhotoFetcher(const Parts& parts, Config config);
  ~PhotoFetcher();  // ends the thread, after the call that is under way
  PhotoFetcher(const PhotoFetcher&) = delete;
  PhotoFetcher& operator=(const PhotoFetcher&) = delete;

  /// Items have changed. Thread: any; never blocks.
  void poke();
  /// Why photos can't be kept on this box: the disk. What a shop's server says stands with the item.
  [[nodiscard]] std::optional<Error> fault() const;

 private:
  struct Host {
    int failures = 0;
    MediaTime not_before{};
  };
  struct Got {
    std::string bytes;                        // of a new one
    std::optional<PhotoBook::Picture> known;  // it is still this one
    Size size;
    std::string etag;
  };
  struct Miss {
    std::string problem;
    bool is_hosts_fault = false;  // others of that host would fail as well
    std::optional<std::chrono::milliseconds> retry_after;
  };
  using Outcome = tl::expected<Got, Miss>;

  void run(const std::stop_token& stop);
  /// Asks for all that is due, and gives when something is again.
  Result<MediaTime> fetch_due(const std::stop_token& stop);
  Outcome fetch_from_folder(const std::string& url);
  Outcome fetch_from_server(const PhotoBook::Due& due);
  /// On the disk, and in the store.
  Status keep(const std::string& url, const Got& got);
  Status note(const PhotoBook::Due& due, const Miss& miss, Host& host);

  const Parts parts_;
  const Config config_;
  HttpClient http_;
  std::map<std::string, Host> hosts_;  // the thread's
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  bool is_poked_ = false;       // guarded by mutex_
  std::optional<Error> fault_;  // guarded by mutex_
  std::jthread thread_;         // last: it ends before the rest goes
};

}  // namespace vitrine::commerce
