// SPDX-License-Identifier: Apache-2.0
#include "desk/evidence/chain.h"

#include <array>
#include <map>
#include <set>
#include <sodium.h>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "desk/evidence/detail/seal_text.h"
#include "desk/evidence/device_key.h"

namespace vitrine::desk {
namespace {

constexpr int64_t kRowsBetweenProgress = 4096;
constexpr size_t kHashHex = 64;

/// Last: whether what a row is found by is what its body says.
constexpr const char* kAllRows =
    "SELECT sequence, body, hash, CASE WHEN json_valid(body) THEN kind IS json_extract(body, '$.kind') AND "
    "at IS "
    "json_extract(body, '$.at') AND program IS json_extract(body, '$.program') AND session IS "
    "json_extract(body, "
    "'$.session') AND frame IS json_extract(body, '$.frame') AND revision IS json_extract(body, "
    "'$.revision') ELSE 0 END FROM "
    "evidence ORDER BY sequence";

struct KeptSeal {
  std::string public_key;
  std::string text;
  std::string signature;
};

std::map<int64_t, KeptSeal> seals_of(SQLite::Database& database) {
  std::map<int64_t, KeptSeal> seals;
  SQLite::Statement found(database, "SELECT sequence, public_key, text, signature FROM seal");
  while (found.executeStep())
    seals[found.getColumn(0).getInt64()] = {found.getColumn(1).getString(), found.getColumn(2).getString(),
                                            found.getColumn(3).getString()};
  return seals;
}

std::set<std::string> keys_of(SQLite::Database& database) {
  std::set<std::string> keys;
  SQLite::Statement found(database,
                          "SELECT body ->> '$.public_key' FROM evidence WHERE kind IN ('begin', 'key')");
  while (found.executeStep()) keys.insert(found.getColumn(0).getString());
  return keys;
}

/// What is wrong with a seal, where its row has `hash`; or nothing.
std::string fault_of(const KeptSeal& seal, int64_t sequence, const std::string& hash,
                     const std::set<std::string>& keys) {
  if (!keys.contains(seal.public_key))
    return fmt::format("its seal names a key that the chain does not know ({})", seal.public_key);
  if (!is_signed_by(seal.public_key, seal.text, seal.signature))
    return "its seal is not signed by the key it names";
  if (!detail::seal_says(seal.text, device_id(seal.public_key), sequence, hash))
    return fmt::format("its seal was made for another row: it says \"{}\", and the row's hash is {}",
                       seal.text, hash);
  return "";
}

Status walk_chain(SQLite::Database& database, const std::function<bool(int64_t, int64_t)>& progress,
                  Verdict& verdict) {
  const auto seals = seals_of(database);
  const auto keys = keys_of(database);
  const int64_t all = database.execAndGet("SELECT coalesce(max(sequence), 0) FROM evidence").getInt64();
  const auto wrong = [&](int64_t sequence, std::string what) {
    verdict.at_sequence = sequence;
    verdict.wrong = std::move(what);
    return Status{};
  };
  std::string previous(kNoHash);
  auto seal = seals.begin();
  SQLite::Statement rows(database, kAllRows);
  while (rows.executeStep()) {
    const int64_t sequence = rows.getColumn(0).getInt64();
    if (sequence != verdict.rows + 1)
      return wrong(verdict.rows + 1, fmt::format("it is missing: row {} comes next", sequence));
    const auto body = rows.getColumn(1);
    const std::string hash = rows.getColumn(2).getString();
    const std::string wanted = chain_hash(previous, {body.getText(), static_cast<size_t>(body.getBytes())});
    if (hash != wanted)
      return wrong(sequence,
                   fmt::format("its content and the row before it give the hash {}, and it says {}: "
                               "one of the three was changed",
                               wanted, hash));
    if (rows.getColumn(3).getInt() != 1)
      return wrong(sequence, "its content is as it was, and it is found by something else than it says");
    if (seal != seals.end() && seal->first == sequence) {
      if (auto fault = fault_of(seal->second, sequence, hash, keys); !fault.empty())
        return wrong(sequence, std::move(fault));
      ++verdict.seals;
      verdict.sealed_until = sequence;
      ++seal;
    }
    previous = hash;
    if (++verdict.rows % kRowsBetweenProgress == 0 && progress && !progress(verdict.rows, all))
      return fail(ErrorCode::kStopped, fmt::format("stopped after {} of {} rows", verdict.rows, all));
  }
  if (seal != seals.end()) {
    const int64_t last = seals.rbegin()->first;
    return wrong(verdict.rows + 1,
                 fmt::format("it is missing, with all after it: a seal was made when there were {}", last));
  }
  return {};
}

}  // namespace

std::string blake2b(std::string_view bytes) {
  std::array<unsigned char, kHashHex / 2> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                     bytes.size(), nullptr, 0);
  std::string hex(kHashHex + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  hex.resize(kHashHex);
  return hex;
}

std::string chain_hash(std::string_view previous, std::string_view body) {
  std::string text;
  text.reserve(previous.size() + 1 + body.size());
  text.append(previous).append(1, '\n').append(body);
  return blake2b(text);
}

std::string canonical_text(const nlohmann::json& body) {
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<Verdict> verify_chain(const commerce::Store& store,
                             const std::function<bool(int64_t, int64_t)>& progress) {
  Verdict verdict;
  auto walked =
      store.read([&](SQLite::Database& database) { return walk_chain(database, progress, verdict); });
  if (!walked) return tl::unexpected(walked.error());
  return verdict;
}

}  // namespace vitrine::desk
