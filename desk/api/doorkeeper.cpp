// SPDX-License-Identifier: Apache-2.0
#include "desk/api/doorkeeper.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/json_text.h"
#include "desk/api/openapi.h"
#include "desk/api/problem.h"

namespace vitrine::desk {
namespace {

std::string media_type(const std::string* content_type) {
  if (content_type == nullptr) return "";
  std::string type = content_type->substr(0, content_type->find(';'));
  while (type.ends_with(' ')) type.pop_back();
  std::ranges::transform(type, type.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return type;
}

}  // namespace

Reply reply_of(ApiAnswer answer) {
  Reply reply{answer.status, std::move(answer.bytes), std::move(answer.content_type),
              std::move(answer.headers), std::move(answer.stream)};
  if (reply.body.empty() && reply.status != 204 && reply.status != 304 &&
      (reply.content_type.empty() || !answer.body.is_null())) {
    reply.body = answer.body.is_null()
                     ? "{}"
                     : answer.body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    if (reply.content_type.empty()) reply.content_type = "application/json";
  }
  return reply;
}

bool Doorkeeper::is_still_in(const Exchange& exchange) const {
  const auto admission = access_.admit(exchange.knock, Sessions::Touch::kIsLook);
  return admission && admission->caller.role == exchange.request.caller.role;
}

Exchange Doorkeeper::judge(const RequestHead& head, std::optional<uint64_t> length, const Arrival& arrival) {
  Exchange exchange;
  exchange.refusal = refusal_of(exchange, head, length, arrival);
  int64_t held_back = 0;
  if (exchange.refusal && (exchange.refusal->status == 421 || exchange.refusal->status == 403) &&
      refusal_log_.should_log(&held_back))
    log::warning("api", "refused {} of {}: {}; {} more since the last line", head.method,
                 arrival.visitor.source, exchange.refusal->body.value("detail", ""), held_back);
  return exchange;
}

std::optional<ApiAnswer> Doorkeeper::refusal_of(Exchange& exchange, const RequestHead& head,
                                                std::optional<uint64_t> length, const Arrival& arrival) {
  exchange.is_head = head.method == "HEAD";
  if (auto checked = check_head(head, arrival, host_names_); !checked) return std::move(checked.error());
  auto found = router_.find(head.method, head.target);
  if (!found) return std::move(found.error());
  auto knock = knock_of(head, arrival.visitor);
  if (!knock) return std::move(knock.error());
  const auto admission = access_.admit(*knock, Sessions::Touch::kIsUse);
  if (!admission) return problem(401, admission.error());
  exchange.knock = std::move(*knock);
  exchange.request.caller = admission->caller;
  exchange.request.visitor = arrival.visitor;
  exchange.request.path = std::move(found->path);
  exchange.request.query = std::move(found->query);
  if (const std::string* version = head.find("if-none-match")) exchange.request.if_none_match = *version;
  exchange.route = found->route;
  const Route& route = *found->route;
  const Role role = admission->caller.role;
  if (!route.allowed.allow(role)) {
    ApiAnswer refusal =
        role == Role::kNone
            ? problem(401, {ErrorCode::kAuthRejected, "this needs a login, or a token"})
            : problem({ErrorCode::kPermission, fmt::format("a {} may not do this", to_string(role))});
    refusal.body["roles"] = role_names(route.allowed);
    return refusal;
  }
  if (route.method != "GET" && admission->may == Access::May::kRead)
    return problem({ErrorCode::kPermission, "this token may only read"});
  if (route.pattern == kEventsPattern) {
    exchange.is_upgrade = is_upgrade(head);
    if (exchange.is_upgrade && !length) return std::nullopt;
  }
  return refusal_of_body(exchange, head, length);
}

std::optional<ApiAnswer> Doorkeeper::refusal_of_body(Exchange& exchange, const RequestHead& head,
                                                     std::optional<uint64_t> length) {
  const Route& route = *exchange.route;
  if (const std::string* expect = head.find("expect")) {
    if (*expect != "100-continue")
      return problem(417, {ErrorCode::kInvalidInput, "only 100-continue can be expected"});
    exchange.expects_continue = true;
  }
  const bool takes_json = !route.takes.schema.is_null();
  const bool takes_upload = !route.takes.upload.empty();
  const uint64_t most = takes_json || takes_upload ? route.takes.most_bytes : 0;
  if (length.value_or(0) > most)
    return problem(413, {ErrorCode::kInvalidInput,
                         fmt::format("a body of {} bytes; at most {} are taken here", *length, most)});
  if ((takes_json || takes_upload) && !length)
    return problem(411, {ErrorCode::kInvalidInput, "Content-Length is missing"});
  exchange.request.upload_type = media_type(head.find("content-type"));
  if (takes_json && exchange.request.upload_type != "application/json")
    return problem(415, {ErrorCode::kInvalidInput, "Content-Type is not application/json"});
  return std::nullopt;
}

Reply Doorkeeper::run(Exchange& exchange) {
  ApiAnswer answer = exchange.refusal ? std::move(*exchange.refusal) : handle(exchange);
  access_.record(exchange.request, *exchange.route, answer.status);
  return reply_of(std::move(answer));
}

ApiAnswer Doorkeeper::handle(Exchange& exchange) {
  const Route& route = *exchange.route;
  ApiRequest& request = exchange.request;
  if (!route.takes.upload.empty()) {
    request.upload = std::move(exchange.body);
  } else if (!route.takes.schema.is_null()) {
    request.upload_type.clear();
    auto body = parse_json(exchange.body, route.takes.most_bytes);
    if (!body) return problem(400, body.error());
    if (!body->is_object()) return problem(400, {ErrorCode::kInvalidInput, "the body is not a JSON object"});
    request.body = std::move(*body);
  }
  try {
    auto answer = route.handle(request);
    return answer ? std::move(*answer) : problem(answer.error());
  } catch (const std::exception& exception) {
    // A fault of ours: the log has it, the caller gets no insides.
    log::error("api", "{} {} failed: {}", route.method, route.pattern, exception.what());
    return problem({ErrorCode::kUnknown, "a fault of the box; its log has the reason"});
  }
}

}  // namespace vitrine::desk
