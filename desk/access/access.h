// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "commerce/store.h"
#include "core/error.h"
#include "core/log.h"
#include "core/media_time.h"
#include "desk/access/accounts.h"
#include "desk/access/audit_log.h"
#include "desk/access/device_certificate.h"
#include "desk/access/guess_limiter.h"
#include "desk/access/pairing.h"
#include "desk/access/pin.h"
#include "desk/access/sessions.h"
#include "desk/access/tokens.h"
#include "desk/api/route.h"

namespace vitrine::desk {

/// The door: who a request comes from, what is written down about it, and the routes by which people come in.
/// Nobody is in without an account, also on the box's own screen; only who may open the UNIX socket is a
/// technician by that. Threads: any.
class Access {
 public:
  struct Parts {
    commerce::Store& store;                          // with kDeskSchema
    const DeviceCertificate* certificate = nullptr;  // that GET /device shows
    std::function<Instant()> clock = system_now;
    std::function<MediaTime()> steady_clock = steady_now;  // of guesses and pairing codes
  };
  /// All of `parts` must outlive it. Errors: the store's.
  static Result<std::unique_ptr<Access>> open(Parts parts);
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;

  /// What a request has to show.
  struct Knock {
    Visitor visitor;
    std::string bearer;  // of "Authorization: Bearer …"
    std::string cookie;  // the value of kCookie
  };
  enum class May { kRead, kAll };
  struct Admission {
    Caller caller;  // role kNone: nobody, or a session that is over
    May may = May::kAll;
  };
  /// Memory only. Errors: kAuthRejected for a token that is not valid.
  Result<Admission> admit(const Knock& knock, Sessions::Touch touch);

  /// Writes a change down, with the status it was answered with; and what sessions were used. May wait for
  /// the disk. Refusals of people nobody knows are written 30 times a minute at most.
  void record(const ApiRequest& request, const Route& route, int status);

  /// Login, logout, accounts, sessions, tokens, pairing, audit, device. They live as long as this does.
  [[nodiscard]] std::vector<Route> routes();

  static constexpr std::string_view kCookie = "__Host-vitrine";

 private:
  explicit Access(Parts parts);
  using Answer = Result<ApiAnswer>;
  Answer log_in(const ApiRequest& request);
  Answer log_out(const ApiRequest& request);
  Answer list_accounts(const ApiRequest& request) const;
  Answer add_account(const ApiRequest& request);
  Answer change_account(const ApiRequest& request);
  Answer remove_account(const ApiRequest& request);
  Answer set_pin(const ApiRequest& request);
  Answer list_sessions(const ApiRequest& request) const;
  Answer end_session(const ApiRequest& request);
  Answer list_tokens() const;
  Answer make_token(const ApiRequest& request);
  Answer revoke_token(const ApiRequest& request);
  Answer show_pairing(const ApiRequest& request);
  Answer begin_pairing(const ApiRequest& request);
  Answer pair(const ApiRequest& request);
  Answer list_audit(const ApiRequest& request) const;
  Answer show_device() const;

  [[nodiscard]] std::vector<std::string> keys_of(const Accounts::Account* account, const std::string& id,
                                                 const Visitor& visitor) const;
  /// Nothing when `pin` is the account's; else what to answer.
  std::optional<ApiAnswer> refusal_of(const std::optional<Accounts::Account>& account, const std::string& pin,
                                      const Visitor& visitor);
  Answer begin_session(const std::string& account, const ApiRequest& request);
  bool may_note_stranger();

  const Parts parts_;
  std::unique_ptr<Accounts> accounts_;
  std::unique_ptr<Sessions> sessions_;
  std::unique_ptr<Tokens> tokens_;
  AuditLog audit_;
  PinHasher hasher_;
  GuessLimiter limiter_;
  Pairing pairing_;
  log::Limiter fault_log_{std::chrono::seconds(10)};
  std::mutex strangers_mutex_;
  MediaTime strangers_since_{};  // guarded by strangers_mutex_
  int strangers_noted_ = 0;      // guarded by strangers_mutex_
};

}  // namespace vitrine::desk
