// SPDX-License-Identifier: Apache-2.0
#include "desk/access/access.h"

#include <sodium.h>

#include <fmt/format.h>

namespace vitrine::desk {
namespace {

constexpr int kMostStrangersAMinute = 30;

}  // namespace

Access::Access(Parts parts)
    : parts_(std::move(parts)),
      audit_(parts_.store),
      limiter_(parts_.steady_clock),
      pairing_(parts_.steady_clock, [this] { return accounts_->has_technician(); }) {
}

Result<std::unique_ptr<Access>> Access::open(Parts parts) {
  if (sodium_init() < 0) return fail(ErrorCode::kIo, "libsodium has no random numbers");
  std::unique_ptr<Access> access(new Access(std::move(parts)));
  auto accounts = Accounts::open(access->parts_.store);
  if (!accounts) return tl::unexpected(accounts.error());
  access->accounts_ = std::move(*accounts);
  auto sessions = Sessions::open(access->parts_.store, access->parts_.clock);
  if (!sessions) return tl::unexpected(sessions.error());
  access->sessions_ = std::move(*sessions);
  auto tokens = Tokens::open(access->parts_.store, access->parts_.clock);
  if (!tokens) return tl::unexpected(tokens.error());
  access->tokens_ = std::move(*tokens);
  return access;
}

Result<Access::Admission> Access::admit(const Knock& knock, Sessions::Touch touch) {
  if (!knock.bearer.empty()) {
    const auto token = tokens_->find(knock.bearer);
    if (!token) return fail(ErrorCode::kAuthRejected, "the token is not valid, or not any more");
    return Admission{{fmt::format("token:{}", token->id), token->name, token->role, ""},
                     token->scope == Tokens::Scope::kAll ? May::kAll : May::kRead};
  }
  if (knock.visitor.way == Visitor::Way::kSocket)
    return Admission{{knock.visitor.source, knock.visitor.source, Role::kTechnician, ""}, May::kAll};
  if (knock.cookie.empty()) return Admission{};
  const auto session = sessions_->find(knock.cookie, touch);
  const auto account = session ? accounts_->find(session->account) : std::nullopt;
  if (!account) return Admission{};
  return Admission{{account->id, account->name, account->role, std::to_string(session->id)}, May::kAll};
}

bool Access::may_note_stranger() {
  const std::lock_guard lock(strangers_mutex_);
  const MediaTime now = parts_.steady_clock();
  if (now - strangers_since_ >= std::chrono::minutes(1)) {
    strangers_since_ = now;
    strangers_noted_ = 0;
  }
  return ++strangers_noted_ <= kMostStrangersAMinute;
}

void Access::record(const ApiRequest& request, const Route& route, int status) {
  Status written = sessions_->keep_house();
  if (route.method != "GET") {
    nlohmann::json path = request.path;
    AuditLog::Entry entry{0,
                          parts_.clock(),
                          request.caller.account,
                          std::string(to_string(request.caller.role)),
                          request.visitor.source,
                          route.method,
                          route.pattern,
                          "",
                          status};
    if (request.caller.role == Role::kNone) {
      if (status >= 400 && !may_note_stranger()) return;
      // Whom a login or a pairing was about is all that tells one such row from the next.
      const auto tried = request.body.is_object() ? request.body.find("account") : request.body.end();
      if (tried != request.body.end() && tried->is_string())
        path["account"] = tried->get<std::string>().substr(0, 64);
    }
    entry.path = path.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    if (auto added = audit_.add(entry); !added) written = added;
  }
  int64_t held_back = 0;
  if (!written && fault_log_.should_log(&held_back))
    log::error("access", "who did what can't be written down: {}; {} more since the last line",
               written.error().message, held_back);
}

}  // namespace vitrine::desk
