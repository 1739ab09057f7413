// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "core/object_reader.h"
#include "core/rfc3339.h"
#include "desk/access/access.h"
#include "desk/api/problem.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;

constexpr ObjectReader::TextLimits kPersonsName{60, false};
constexpr ObjectReader::TextLimits kPinText{64, false};
constexpr size_t kMostBodyBytes = 4096;

json text_schema(const char* description) {
  return {{"type", "string"}, {"description", description}};
}

json body_schema(const json& properties, const json& required) {
  return {{"type", "object"},
          {"properties", properties},
          {"required", required},
          {"additionalProperties", false}};
}

const json& pin_schema() {
  static const json kSchema = {
      {"type", "string"}, {"pattern", "^[0-9]{6,12}$"}, {"description", "6 to 12 digits"}};
  return kSchema;
}

const json& role_schema() {
  static const json kSchema = {{"enum", {"assistant", "host", "operator", "service", "technician"}}};
  return kSchema;
}

Role role_of(ObjectReader& reader) {
  constexpr std::array<Role, 5> kRoles = {Role::kAssistant, Role::kHost, Role::kOperator, Role::kService,
                                          Role::kTechnician};
  return kRoles.at(reader.one_of("role", {"assistant", "host", "operator", "service", "technician"}));
}

/// The PIN that is never repeated, also where it is refused.
std::string new_pin(ObjectReader& reader) {
  std::string pin = reader.text("pin", kPinText);
  if (pin.empty()) return pin;
  if (const std::string weakness = weakness_of(pin); !weakness.empty())
    reader.refuse("pin", weakness, "6 to 12 digits that are not tried first: no date, no pattern");
  return pin;
}

std::optional<int64_t> number_of(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

tl::unexpected<Error> no_such(std::string_view what, const std::string& id) {
  return fail(ErrorCode::kNotFound, fmt::format("there is no {} \"{}\"", what, id));
}

ApiAnswer wait_a_while(std::chrono::seconds wait, std::string why) {
  ApiAnswer answer = problem({ErrorCode::kRateLimited, std::move(why)});
  answer.headers["Retry-After"] = std::to_string(wait.count());
  return answer;
}

bool is_at_the_box(const Visitor& visitor) {
  return visitor.way == Visitor::Way::kLoopback || visitor.way == Visitor::Way::kSocket;
}

json to_json(const Accounts::Account& account) {
  return {{"id", account.id}, {"name", account.name}, {"role", to_string(account.role)}};
}

ApiAnswer done() {
  return {204, nullptr, {}, {}, {}};
}

ApiAnswer answer_of(json body, int status = 200) {
  return {status, std::move(body), {}, {}, {}};
}

std::string cookie_line(std::string_view value, std::chrono::seconds life) {
  return fmt::format("{}={}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={}", Access::kCookie, value,
                     life.count());
}

std::string text_of(std::optional<ApiAnswer>& refusal) {
  return refusal ? refusal->body.value("detail", "") : "";
}

}  // namespace

std::vector<Route> Access::routes() {
  const auto takes = [](const json& properties, const json& required) {
    return Route::Takes{body_schema(properties, required), {}, kMostBodyBytes, {}};
  };
  const auto bind = [this](Answer (Access::*handle)(const ApiRequest&)) {
    return [this, handle](const ApiRequest& request) { return (this->*handle)(request); };
  };
  const auto bind_const = [this](Answer (Access::*handle)(const ApiRequest&) const) {
    return [this, handle](const ApiRequest& request) { return (this->*handle)(request); };
  };
  const json id = text_schema("letters, digits, - _ .");
  const json name = text_schema("for people");
  const Roles everybody = kStaff;
  return {
      {"POST",
       "/api/v1/login",
       kAnybody,
       "Begins a session: a cookie.",
       bind(&Access::log_in),
       takes({{"account", id}, {"pin", pin_schema()}}, {"account", "pin"}),
       {}},
      {"POST",
       "/api/v1/logout",
       everybody,
       "Ends the session it is called with.",
       bind(&Access::log_out),
       {},
       {}},
      {"GET",
       "/api/v1/me",
       everybody,
       "Who calls.",
       [](const ApiRequest& request) -> Answer {
         return answer_of({{"account", request.caller.account},
                           {"name", request.caller.name},
                           {"role", to_string(request.caller.role)},
                           {"session", request.caller.session}});
       },
       {},
       {}},
      {"GET",
       "/api/v1/accounts",
       kAnybody,
       "Ids, names and roles, for the login page on the box; over the network only with a login.",
       bind_const(&Access::list_accounts),
       {},
       {}},
      {"POST",
       "/api/v1/accounts",
       kTechnicians,
       "Makes an account.",
       bind(&Access::add_account),
       takes({{"account", id}, {"name", name}, {"role", role_schema()}, {"pin", pin_schema()}},
             {"account", "name", "role", "pin"}),
       {}},
      {"PUT",
       "/api/v1/accounts/{account}",
       kTechnicians,
       "Changes name and role, at once.",
       bind(&Access::change_account),
       takes({{"name", name}, {"role", role_schema()}}, {"name", "role"}),
       {}},
      {"DELETE",
       "/api/v1/accounts/{account}",
       kTechnicians,
       "Removes an account with its sessions and the tokens it made.",
       bind(&Access::remove_account),
       {},
       {}},
      {"PUT",
       "/api/v1/accounts/{account}/pin",
       everybody,
       "A new PIN: one's own with the current one, another's as technician. Ends the account's other "
       "sessions.",
       bind(&Access::set_pin),
       takes({{"pin", pin_schema()}, {"current_pin", pin_schema()}}, {"pin"}),
       {}},
      {"GET",
       "/api/v1/sessions",
       everybody,
       "One's own sessions; a technician sees all.",
       bind_const(&Access::list_sessions),
       {},
       {}},
      {"DELETE",
       "/api/v1/sessions/{session}",
       everybody,
       "Ends one of one's own; a technician ends any.",
       bind(&Access::end_session),
       {},
       {}},
      {"GET",
       "/api/v1/tokens",
       kTechnicians,
       "The programs that may call.",
       [this](const ApiRequest& /*request*/) { return list_tokens(); },
       {},
       {}},
      {"POST",
       "/api/v1/tokens",
       kTechnicians,
       "Makes a token for a program; it is shown this once.",
       bind(&Access::make_token),
       takes({{"name", name},
              {"role", role_schema()},
              {"scope", {{"enum", {"read", "all"}}}},
              {"days", {{"type", "integer"}, {"minimum", 1}, {"maximum", 366}}}},
             {"name", "role", "scope", "days"}),
       {}},
      {"DELETE",
       "/api/v1/tokens/{token}",
       kTechnicians,
       "Revokes a token.",
       bind(&Access::revoke_token),
       {},
       {}},
      {"GET",
       "/api/v1/pairing",
       kAnybody,
       "The code to be shown on the box's own screen; only there.",
       bind(&Access::show_pairing),
       {},
       {}},
      {"POST",
       "/api/v1/pairing/code",
       kTechnicians,
       "Shows a code that makes one account of this role.",
       bind(&Access::begin_pairing),
       takes({{"role", role_schema()}}, {"role"}),
       {}},
      {"POST",
       "/api/v1/pairing",
       kAnybody,
       "Makes an account with the code on the box's own screen, and begins a session.",
       bind(&Access::pair),
       takes({{"code", text_schema("8 digits")}, {"account", id}, {"name", name}, {"pin", pin_schema()}},
             {"code", "account", "name", "pin"}),
       {}},
      {"GET",
       "/api/v1/audit",
       kTechnicians,
       "Who changed what, the newest first; `next` is the next `before`.",
       bind_const(&Access::list_audit),
       {{}, {}, 0, {"before", "limit"}},
       {}},
      {"GET",
       "/api/v1/device",
       kAnybody,
       "Fingerprints (SHA-256) of the box's certificate and its authority, to be compared with the box's "
       "screen.",
       [this](const ApiRequest& /*request*/) { return show_device(); },
       {},
       {}},
  };
}

/// Whose guesses are counted. Apart for the box and its network: nobody in the network keeps out who stands
/// before the box. And apart for who is in already, from there: nobody's guesses keep him out.
std::vector<std::string> Access::keys_of(const Accounts::Account* account, const std::string& id,
                                         const Visitor& visitor) const {
  if (account != nullptr && sessions_->has(id, visitor.source))
    return {fmt::format("in/{}/{}", id, visitor.source)};
  std::vector<std::string> keys = {"source/" + visitor.source};
  if (account != nullptr)
    keys.push_back(fmt::format("{}/{}", is_at_the_box(visitor) ? "box" : "network", id));
  return keys;
}

std::optional<ApiAnswer> Access::refusal_of(const std::optional<Accounts::Account>& account,
                                            const std::string& pin, const Visitor& visitor) {
  const auto keys = keys_of(account ? &*account : nullptr, account ? account->id : "", visitor);
  if (const auto wait = limiter_.charge(keys))
    return wait_a_while(*wait, fmt::format("too many wrong PINs; the next one is looked at in {} s. Who is "
                                           "logged in stays so",
                                           wait->count()));
  const auto right =
      account ? hasher_.is_right(account->pin_hash, pin) : hasher_.waste(pin).map([] { return false; });
  if (right && !*right) return problem(401, {ErrorCode::kAuthRejected, "account or PIN is wrong"});
  limiter_.take_back(keys);
  if (right) return std::nullopt;
  if (right.error().code == ErrorCode::kRateLimited)
    return wait_a_while(std::chrono::seconds(1), right.error().message);
  return problem(right.error());
}

Access::Answer Access::begin_session(const std::string& account, const ApiRequest& request) {
  // The one that this browser had is not needed any more, and nobody would see it to end it.
  if (const auto old = number_of(request.caller.session); old && !request.caller.session.empty())
    (void)sessions_->end(*old);
  auto begun = sessions_->begin(account, request.visitor.source);
  if (!begun) return tl::unexpected(begun.error());
  const auto found = accounts_->find(account);
  if (!found) return no_such("account", account);
  ApiAnswer answer = answer_of({{"account", found->id},
                                {"name", found->name},
                                {"role", to_string(found->role)},
                                {"session", std::to_string(begun->session.id)}});
  answer.headers["Set-Cookie"] = cookie_line(begun->bearer.reveal(), Sessions::kLongest);
  return answer;
}

Access::Answer Access::log_in(const ApiRequest& request) {
  Problems problems;
  ObjectReader reader(request.body, "", problems);
  const std::string id = reader.id("account");
  const std::string pin = reader.text("pin", kPinText);
  reader.finish();
  if (!problems.empty()) return tl::unexpected(to_error(problems));
  const auto account = accounts_->find(id);
  if (auto refusal = refusal_of(account, pin, request.visitor)) {
    log::warning("access", "login as \"{}\" from {}: {}", id, request.visitor.source, text_of(refusal));
    return std::move(*refusal);
  }
  return begin_session(id, request);
}

Access::Answer Access::log_out(const ApiRequest& request) {
  const auto session = number_of(request.caller.session);
  if (!session || request.caller.session.empty())
    return fail(ErrorCode::kInvalidInput, "there is no session to end: this is a token or the socket");
  if (auto ended = sessions_->end(*session); !ended && ended.error().code != ErrorCode::kNotFound)
    return tl::unexpected(ended.error());
  ApiAnswer answer = done();
  answer.headers["Set-Cookie"] = cookie_line("", std::chrono::seconds(0));
  return answer;
}

/// In the network the names are for who is in: with them, guesses would be worth more, and a login page there
/// can remember who used it last.
Access::Answer Access::list_accounts(const ApiRequest& request) const {
  if (request.caller.role == Role::kNone && !is_at_the_box(request.visitor))
    return problem(401, {ErrorCode::kAuthRejected, "who works here is told to who is logged in"});
  json list = json::array();
  for (const auto& account : accounts_->list()) list.push_back(to_json(account));
  return answer_of({{"accounts", std::move(list)}});
}

Access::Answer Access::add_account(const ApiRequest& request) {
  Problems problems;
  ObjectReader reader(request.body, "", problems);
  Accounts::Account account;
  account.id = reader.id("account");
  account.name = reader.text("name", kPersonsName);
  account.role = role_of(reader);
  const std::string pin = new_pin(reader);
  reader.finish();
  if (!problems.empty()) return tl::unexpected(to_error(problems));
  auto hash = hasher_.hash(pin);
  if (!hash) return tl::unexpected(hash.error());
  account.pin_hash = std::move(*hash);
  if (auto added = accounts_->add(account); !added) return tl::unexpected(added.error());
  log::info("access", "{} made account \"{}\" ({})", request.caller.account, account.id,
            to_string(account.role));
  return answer_of(to_json(account), 201);
}

Access::Answer Access::change_account(const ApiRequest& request) {
  const std::string& id = request.path.at("account");
  Problems problems;
  ObjectReader reader(request.body, "", problems);
  const std::string name = reader.text("name", kPersonsName);
  const Role role = role_of(reader);
  reader.finish();
  if (!problems.empty()) return tl::unexpected(to_error(problems));
  if (auto changed = accounts_->change(id, name, role); !changed) return tl::unexpected(changed.error());
  return answer_of({{"id", id}, {"name", name}, {"role", to_string(role)}});
}

Access::Answer Access::remove_account(const ApiRequest& request) {
  const std::string& id = request.path.at("account");
  if (auto removed = accounts_->remove(id); !removed) return tl::unexpected(removed.error());
  sessions_->forget(id);
  tokens_->forget(id);
  log::info("access", "{} removed account \"{}\"", request.caller.account, id);
  return done();
}

Access::Answer Access::set_pin(const ApiRequest& request) {
  const std::string& id = request.path.at("account");
  const bool is_own = id == request.caller.account;
  Problems problems;
  ObjectReader reader(request.body, "", problems);
  const std::string pin = new_pin(reader);
  // A page that was left open must not be enough to take the account over.
  const std::string current =
      is_own ? reader.text("current_pin", kPinText) : reader.text_or("current_pin", "", kPinText);
  reader.finish();
  if (!problems.empty()) return tl::unexpected(to_error(problems));
  if (!is_own && request.caller.role != Role::kTechnician)
    return fail(ErrorCode::kPermission, "only a technician sets another one's PIN");
  const auto account = accounts_->find(id);
  if (!account) return no_such("account", id);
  if (is_own) {
    if (auto refusal = refusal_of(account, current, request.visitor)) return std::move(*refusal);
  }
  const auto hash = hasher_.hash(pin);
  if (!hash) return tl::unexpected(hash.error());
  if (auto set = accounts_->set_pin(id, *hash); !set) return tl::unexpected(set.error());
  const auto keep = is_own ? number_of(request.caller.session) : std::nullopt;
  if (auto ended = sessions_->end_all(id, keep.value_or(0)); !ended) return tl::unexpected(ended.error());
  log::info("access", "{} set the PIN of \"{}\"", request.caller.account, id);
  return done();
}

Access::Answer Access::list_sessions(const ApiRequest& request) const {
  json list = json::array();
  for (const auto& session : sessions_->list()) {
    if (request.caller.role != Role::kTechnician && session.account != request.caller.account) continue;
    list.push_back({{"id", std::to_string(session.id)},
                    {"account", session.account},
                    {"source", session.source},
                    {"created_at", format_rfc3339(session.created_at)},
                    {"used_at", format_rfc3339(session.used_at)},
                    {"is_this", std::to_string(session.id) == request.caller.session}});
  }
  return answer_of({{"sessions", std::move(list)}});
}

Access::Answer Access::end_session(const ApiRequest& request) {
  const std::string& text = request.path.at("session");
  const auto id = number_of(text);
  const auto all = sessions_->list();
  const auto found = std::ranges::find_if(all, [&](const auto& session) { return id == session.id; });
  // Another one's is not there, for who may not end it.
  if (found == all.end() ||
      (request.caller.role != Role::kTechnician && found->account != request.caller.account))
    return no_such("session", text);
  if (auto ended = sessions_->end(*id); !ended) return tl::unexpected(ended.error());
  return done();
}

Access::Answer Access::list_tokens() const {
  json list = json::array();
  for (const auto& token : tokens_->list())
    list.push_back({{"id", std::to_string(token.id)},
                    {"name", token.name},
                    {"role", to_string(token.role)},
                    {"scope", to_string(token.scope)},
                    {"created_by", token.created_by},
                    {"created_at", format_rfc3339(token.created_at)},
                    {"expires_at", format_rfc3339(token.expires_at)}});
  return answer_of({{"tokens", std::move(list)}});
}

Access::Answer Access::make_token(const ApiRequest& request) {
  Problems problems;
  ObjectReader reader(request.body, "", problems);
  Tokens::Token wish;
  wish.name = reader.text("name", kPersonsName);
  wish.role = role_of(reader);
  wish.scope = static_cast<Tokens::Scope>(reader.one_of("scope", {"read", "all"}));
  wish.expires_at = parts_.clock() + std::chrono::days(reader.integer("days", 1, 366));
  wish.created_by = request.caller.account;
  reader.finish();
  if (!problems.empty()) return tl::unexpected(to_error(problems));
  auto made = tokens_->make(std::move(wish));
  if (!made) return tl::unexpected(made.error());
  log::info("access", "{} made token {} \"{}\" ({}, {})", request.caller.account, made->token.id,
            made->token.name, to_string(made->token.role), to_string(made->token.scope));
  return answer_of({{"id", std::to_string(made->token.id)},
                    {"token", made->bearer.reveal()},
                    {"expires_at", format_rfc3339(made->token.expires_at)}},
                   201);
}

Access::Answer Access::revoke_token(const ApiRequest& request) {
  const std::string& text = request.path.at("token");
  const auto id = number_of(text);
  if (!id) return no_such("token", text);
  if (auto revoked = tokens_->revoke(*id); !revoked) return tl::unexpected(revoked.error());
  return done();
}

Access::Answer Access::show_pairing(const ApiRequest& request) {
  if (!is_at_the_box(request.visitor))
    return problem(404, {ErrorCode::kNotFound, "the code is shown on the box's own screen"});
  const auto shown = pairing_.shown();
  if (!shown) return answer_of({{"code", nullptr}});
  return answer_of(
      {{"code", shown->code}, {"role", to_string(shown->role)}, {"seconds_left", shown->left.count()}});
}

Access::Answer Access::begin_pairing(const ApiRequest& request) {
  Problems problems;
  ObjectReader reader(request.body, "", problems);
  const Role role = role_of(reader);
  reader.finish();
  if (!problems.empty()) return tl::unexpected(to_error(problems));
  const auto shown = pairing_.ask(role);
  log::info("access", "{} began a pairing ({})", request.caller.account, to_string(shown.role));
  // Not the code: it proves that somebody stands before the box.
  return answer_of({{"role", to_string(shown.role)}, {"seconds_left", shown.left.count()}}, 201);
}

Access::Answer Access::pair(const ApiRequest& request) {
  Problems problems;
  ObjectReader reader(request.body, "", problems);
  const std::string code = reader.text("code", kPinText);
  Accounts::Account account;
  account.id = reader.id("account");
  account.name = reader.text("name", kPersonsName);
  const std::string pin = new_pin(reader);
  reader.finish();
  if (!problems.empty()) return tl::unexpected(to_error(problems));
  const std::vector<std::string> keys = {"pairing/" + request.visitor.source};
  if (const auto wait = limiter_.charge(keys))
    return wait_a_while(
        *wait, fmt::format("too many wrong codes; the next one is looked at in {} s", wait->count()));
  auto hash = hasher_.hash(pin);
  if (!hash) {
    limiter_.take_back(keys);
    return tl::unexpected(hash.error());
  }
  account.pin_hash = std::move(*hash);
  const bool is_first = !accounts_->has_technician();
  const auto role = pairing_.spend(code);
  if (!role) {
    log::warning("access", "pairing from {}: {}", request.visitor.source, role.error().message);
    return tl::unexpected(role.error());
  }
  limiter_.take_back(keys);
  account.role = *role;
  if (auto added =
          accounts_->add(account, is_first ? Accounts::When::kNoTechnicianYet : Accounts::When::kAlways);
      !added)
    return tl::unexpected(added.error());
  log::info("access", "{} made account \"{}\" ({}) with the code on the screen", request.visitor.source,
            account.id, to_string(account.role));
  auto answer = begin_session(account.id, request);
  if (answer) answer->status = 201;
  return answer;
}

Access::Answer Access::list_audit(const ApiRequest& request) const {
  const auto parameter = [&](std::string_view name, int64_t fallback) -> std::optional<int64_t> {
    const auto found = request.query.find(name);
    return found == request.query.end() ? fallback : number_of(found->second);
  };
  const auto before = parameter("before", 0);
  const auto limit = parameter("limit", 50);
  Problems problems;
  if (!before) problems.push_back({"before", "no number", "an id of the log"});
  if (!limit || *limit < 1 || *limit > 500) problems.push_back({"limit", "no such number", "1 to 500"});
  if (!problems.empty()) return tl::unexpected(to_error(problems));
  const auto entries = audit_.list(*before, static_cast<int>(*limit));
  if (!entries) return tl::unexpected(entries.error());
  json list = json::array();
  for (const auto& entry : *entries)
    list.push_back({{"id", entry.id},
                    {"at", format_rfc3339(entry.at)},
                    {"account", entry.account},
                    {"role", entry.role},
                    {"source", entry.source},
                    {"method", entry.method},
                    {"route", entry.route},
                    {"path", json::parse(entry.path, nullptr, false)},
                    {"status", entry.status}});
  const bool is_full = static_cast<int64_t>(entries->size()) == *limit;
  const json next = is_full ? json(entries->back().id) : json();
  return answer_of({{"entries", std::move(list)}, {"next", next}});
}

Access::Answer Access::show_device() const {
  if (parts_.certificate == nullptr) return answer_of({{"certificate", nullptr}, {"authority", nullptr}});
  const auto shown = [](const DeviceCertificate::Info& info) {
    return json{{"sha256", info.sha256}, {"valid_until", format_rfc3339(info.valid_until)}};
  };
  json authority = shown(parts_.certificate->authority());
  authority["pem"] = parts_.certificate->authority_pem();
  return answer_of(
      {{"certificate", shown(parts_.certificate->device())}, {"authority", std::move(authority)}});
}

}  // namespace vitrine::desk
