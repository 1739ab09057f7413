// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "commerce/item.h"
#include "commerce/versioned.h"
#include "core/error.h"
#include "core/media_time.h"
#include "core/money.h"
#include "core/object_reader.h"
#include "desk/api/route.h"

namespace vitrine::desk {

/// What routes have alike: shapes of JSON that the API gives everywhere, and how it takes numbers and names.

nlohmann::json money_json(const Money& money);
nlohmann::json problems_json(const Problems& problems);
nlohmann::json ref_json(const commerce::Ref& ref);

struct PageWish {
  int64_t offset = 0;
  int64_t limit = 100;
};
inline const std::vector<std::string> kPageQuery = {"offset", "limit"};
/// `offset` and `limit` (1 to 1000) of the query. Errors: kInvalidInput.
Result<PageWish> page_of(const ApiRequest& request);
/// A number of the path or of the query. Errors: kInvalidInput; `fallback` where the query has none.
Result<int64_t> number_of(const ApiRequest& request, const char* name);
Result<int64_t> number_or(const ApiRequest& request, const char* name, int64_t fallback);
std::string text_or(const ApiRequest& request, const char* name, const std::string& fallback);
Result<Instant> instant_of(const ApiRequest& request, const char* name);

/// Who does it, now.
commerce::Author author_of(const ApiRequest& request);

/// Reads the body with `read`; every problem as one error.
Status read_body(const ApiRequest& request, const std::function<void(ObjectReader&)>& read);

}  // namespace vitrine::desk
