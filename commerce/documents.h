// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "commerce/blob_store.h"
#include "commerce/store.h"
#include "commerce/versioned.h"
#include "core/error.h"
#include "core/rfc3339.h"

namespace vitrine::commerce {

enum class DocumentKind {
  kUnknown = 0,
  kBusinessLicence,  // 营业执照
  kFoodLicence,      // 食品经营许可证
  kInspection,       // 检测报告
  kCertificate,      // 合格证
  kAuthorisation,    // 品牌授权书
  kPriceProof,       // what a struck-through price is based on: a price tag, a receipt
  kOther,
};
std::string_view to_string(DocumentKind kind);

/// A paper that may be shown on air, or that proves what was.
struct Document {
  DocumentKind kind = DocumentKind::kUnknown;
  std::string holder;  // as it stands on it
  std::string number;
  std::optional<Day> valid_from;
  std::optional<Day> valid_until;  // the last day
  std::string picture;             // a blob; may be empty
  bool is_withdrawn = false;       // kept, and used no more

  enum class State { kUnknown = 0, kValid, kNotYet, kExpired, kWithdrawn };
  [[nodiscard]] State state(Day today) const;
};
std::string_view to_string(Document::State state);

/// Who is paid. The account is masked before it comes here: nobody can find it out from this box.
struct Payee {
  std::string name;  // of the account
  enum class Account { kUnknown = 0, kBank, kAlipay, kWechat, kOther };
  Account account = Account::kUnknown;
  std::string masked_number;   // "6222 **** **** 1234"
  std::string licence_holder;  // must be the same company as `name`; whoever starts a show compares them
  bool is_withdrawn = false;
};

/// The shop's documents and payees, every version of each for ever: they prove what was shown. Ids are the
/// staff's, 1 to 64 of a-z A-Z 0-9 - _ . Threads: any.
class Documents {
 public:
  Documents(Store& store, const BlobStore& blobs) : store_(store), blobs_(blobs) {}

  template <typename T>
  struct Entry {
    std::string id;
    Versioned<T> paper;
  };

  /// As JSON from outside; its new version. `expected`: the version it changes, 0 for a new one. A document's
  /// picture must be in the blob store, held there by an `Adding`. Errors: kInvalidInput with every problem,
  /// kStaleRevision.
  Result<int64_t> put_document(const std::string& id, const nlohmann::json& body, int64_t expected,
                               const Author& author);
  Result<int64_t> put_payee(const std::string& id, const nlohmann::json& body, int64_t expected,
                            const Author& author);

  [[nodiscard]] Result<std::vector<Entry<Document>>> documents() const;
  [[nodiscard]] Result<std::vector<Entry<Payee>>> payees() const;
  /// Every version, the newest first; empty where there is none.
  [[nodiscard]] Result<std::vector<Entry<Document>>> document_history(const std::string& id) const;
  [[nodiscard]] Result<std::vector<Entry<Payee>>> payee_history(const std::string& id) const;

 private:
  Store& store_;
  const BlobStore& blobs_;
};

nlohmann::json to_json(const Document& document);
nlohmann::json to_json(const Payee& payee);

}  // namespace vitrine::commerce
