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
  if (!call_) return nullptr;
  return {{"account", call_->caller.account}, {"by", call_->caller.name}, {"at", format_rfc3339(call_->at)}};
}

Result<ApiAnswer> HelpCall::call(const ApiRequest& request) {
  const auto read = read_body(request, [](ObjectReader& /*reader*/) {});
  if (!read) return tl::unexpected(read.error());
  {
    const std::lock_guard lock(mutex_);
    // Who calls twice waits since the first time.
    if (!call_) call_ = Call{request.caller, system_now()};
  }
  log::info("help", "{} calls for help", request.caller.name);
  publish_({{"type", "help"}, {"help", status()}});
  return ApiAnswer{.body = {{"help", status()}}};
}

Result<ApiAnswer> HelpCall::answer(const ApiRequest& request) {
  json event = {{"type", "help"}, {"help", nullptr}};
  {
    const std::lock_guard lock(mutex_);
    if (call_ && call_->caller.account != request.caller.account) event["answered_by"] = request.caller.name;
    call_.reset();
  }
  publish_(std::move(event));
  return ApiAnswer{.body = {{"help", nullptr}}};
}

}  // namespace vitrine::desk
