// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "commerce/blob_store.h"
#include "commerce/item.h"
#include "commerce/store.h"
#include "core/error.h"
#include "core/geometry.h"
#include "core/media_time.h"

namespace vitrine::commerce {

/// Which photo each item of one backend has. The last good one stays until a better one comes. Threads: any.
class PhotoBook {
 public:
  PhotoBook(Store& store, std::string backend) : store_(store), backend_(std::move(backend)) {}

  struct Picture {
    std::string blob;
    Size size;
  };
  struct Photo {
    std::optional<Picture> picture;
    std::optional<Instant> fetched_at;  // when it was last known to be what the shop shows
    std::string problem;                // why there is none, or none newer; empty: nothing is wrong
  };
  [[nodiscard]] Result<std::map<Ref, Photo>> list() const;
  /// The last good one of an item; nothing where there is none.
  [[nodiscard]] Result<std::optional<Picture>> find(const Ref& ref) const;

  /// An address that items show and that is to be asked.
  struct Due {
    std::string url;
    std::optional<Picture> known;  // what `etag` stands for
    std::string etag;
    int failures = 0;
  };
  [[nodiscard]] Result<std::vector<Due>> due(Instant now) const;
  /// When the next one is; nullopt: never.
  [[nodiscard]] Result<std::optional<Instant>> next_due() const;

  /// All items that show `url` have this one now.
  struct Found {
    Picture picture;
    std::string etag;
    Instant at{};
    Instant next_at{};
  };
  Status take(const std::string& url, const Found& found);
  /// Nothing came. What items have of before stays.
  struct Missed {
    std::string problem;
    int failures = 0;
    Instant next_at{};
  };
  Status miss(const std::string& url, const Missed& missed);

  /// Blobs that are gone (the store was restored from a backup) are asked for again.
  Status ask_again_for_lost(const BlobStore& blobs);

  /// Photos that a shop without a mall brought in. Items that show "photo:NAME" are due with it.
  Status put_shop_photo(const std::string& name, const Picture& picture, Instant now);
  [[nodiscard]] Result<std::optional<Picture>> find_shop_photo(const std::string& name) const;
  [[nodiscard]] Result<std::set<std::string>> shop_photo_names() const;

 private:
  Store& store_;
  const std::string backend_;
};

}  // namespace vitrine::commerce
