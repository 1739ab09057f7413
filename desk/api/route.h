// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/unique_fd.h"

namespace vitrine::desk {

/// What somebody is for. A technician may do everything; nobody else may do what only another one's role
/// allows.
enum class Role : uint8_t { kNone = 0, kAssistant, kHost, kOperator, kService, kTechnician };
std::string_view to_string(Role role);
std::optional<Role> role_from(std::string_view name);

/// Who may call a route. There is no empty one: a route that does not say it does not compile.
class Roles {
 public:
  Roles() = delete;
  constexpr Roles(std::initializer_list<Role> roles) {
    for (const Role role : roles) bits_ |= bit(role);
  }
  [[nodiscard]] constexpr bool allow(Role role) const {
    return role == Role::kTechnician || (bits_ & bit(role)) != 0 || (bits_ & bit(Role::kNone)) != 0;
  }

 private:
  static constexpr unsigned bit(Role role) { return 1U << static_cast<unsigned>(role); }
  unsigned bits_ = 0;
};
inline constexpr Roles kAnybody{Role::kNone};  // without a login
inline constexpr Roles kStaff{Role::kAssistant, Role::kHost, Role::kOperator, Role::kService};
inline constexpr Roles kOnTheSet{Role::kAssistant, Role::kHost, Role::kOperator};
inline constexpr Roles kOperators{Role::kOperator};
inline constexpr Roles kTechnicians{Role::kTechnician};

/// Who calls, as the door has found out.
struct Caller {
  std::string
      account;       // its id: what records name; "uid:1000" for who has the socket, "token:7" for a program
  std::string name;  // for people
  Role role = Role::kNone;
  std::string session;  // the id of its session; empty: it has none
};

/// How a request came in. What a proxy writes about it (X-Forwarded-For) is not asked.
struct Visitor {
  enum class Way { kUnknown = 0, kSocket, kLoopback, kNetwork };
  Way way = Way::kUnknown;
  std::string source;  // an address ("192.168.1.7"), of IPv6 its network, or "uid:1000"
};

struct ApiRequest {
  Caller caller;
  std::map<std::string, std::string, std::less<>> path;   // the pattern's {names}, decoded
  std::map<std::string, std::string, std::less<>> query;  // decoded; a name that stands twice is refused
  nlohmann::json body;                                    // an object; null where there is none
  std::string upload;                                     // instead of JSON, where the route takes one
  std::string upload_type;                                // its media type
  std::string if_none_match;                              // which version the client has
  Visitor visitor;
};

struct ApiAnswer {
  int status = 200;
  nlohmann::json body = nullptr;
  std::string bytes = {};  // instead of JSON, with `content_type`
  std::string content_type = {};
  std::map<std::string, std::string> headers = {};
  UniqueFd stream = {};  // instead of bytes: a connected stream socket; all that comes from it until its end
};

/// One thing that can be asked for or done. `handle` runs on a thread of the API's pool and may wait for the
/// disk; an error becomes problem details (RFC 9457) by its code.
struct Route {
  std::string method;   // "GET", "POST", "PUT", "DELETE"
  std::string pattern;  // "/api/v1/shows/{show}": a name stands for one segment. A page is below "/"
  Roles allowed;
  std::string summary;  // a sentence, for the OpenAPI document
  std::function<Result<ApiAnswer>(const ApiRequest&)> handle;
  struct Takes {
    nlohmann::json schema = nullptr;      // of the JSON body; null: none
    std::string upload = {};              // what it is, where it is no JSON; empty: none
    size_t most_bytes = 1 << 20;          // of the body
    std::vector<std::string> query = {};  // names; another one is refused
  } takes = {};
  nlohmann::json gives = nullptr;  // schema of the answer; null: any object
};

/// What everybody who watches shall hear: {"type": …, …}. Thread: any; never blocks.
using Publish = std::function<void(nlohmann::json event)>;

}  // namespace vitrine::desk
