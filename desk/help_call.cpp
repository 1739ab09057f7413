// SPDX-License-Identifier: Apache-2.0
#include "desk/help_call.h"

#include "core/log.h"
#include "core/rfc3339.h"
#include "desk/api/answers.h"

namespace vitrine::desk {

using nlohmann::json;

std::vector<Route> HelpCall::routes() {
  const Route::Takes form = {.schema = {{"type", "object"}}};
  return {{"POST", "/api/v1/help", kOnTheSet, "Calls a colleague to the set, on all pages",
           [this](const ApiRequest& request) { return call(request); }, form},
          {"DELETE", "/api/v1/help", kStaff, "Somebody comes, or it is not needed any more",
           [this](const ApiRequest& request) { return answer(request); }}};
}

json HelpCall::status() const {
  const std::lock_guard lock(mutex_);
  if (!caller_) return nullptr;
  return {{"by", caller_->name}, {"at", format_rfc3339(caller_->at)}};
}

Result<ApiAnswer> HelpCall::call(const ApiRequest& request) {
  const auto read = read_body(request, [](ObjectReader& /*reader*/) {});
  if (!read) return tl::unexpected(read.error());
  {
    const std::lock_guard lock(mutex_);
    if (!caller_) caller_ = author_of(request);  // who calls twice waits since the first time
  }
  log::info("help", "{} calls for help", request.caller.name);
  publish_({{"type", "help"}, {"help", status()}});
  return ApiAnswer{.body = {{"help", status()}}};
}

Result<ApiAnswer> HelpCall::answer(const ApiRequest& request) {
  {
    const std::lock_guard lock(mutex_);
    caller_.reset();
  }
  publish_({{"type", "help"}, {"help", nullptr}, {"answered_by", request.caller.name}});
  return ApiAnswer{.body = {{"help", nullptr}}};
}

}  // namespace vitrine::desk
