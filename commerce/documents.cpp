// SPDX-License-Identifier: Apache-2.0
#include "commerce/documents.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "commerce/detail/paper_codec.h"
#include "commerce/detail/paper_rows.h"
#include "core/text_rules.h"

namespace vitrine::commerce {
namespace {

using detail::line_of_text;
using detail::Need;
using detail::PaperRow;
using nlohmann::json;

constexpr size_t kMostHolderBytes = 200;
constexpr size_t kMostNumberBytes = 100;
constexpr ptrdiff_t kMostShownDigits = 8;  // a bank's own masking: the first four and the last four

constexpr std::array<std::string_view, 8> kDocumentKinds = {
    "unknown",     "business_licence", "food_licence", "inspection",
    "certificate", "authorisation",    "price_proof",  "other"};
constexpr std::array<std::string_view, 5> kDocumentStates = {"unknown", "valid", "not_yet_valid", "expired",
                                                             "withdrawn"};
constexpr std::array<std::string_view, 5> kAccounts = {"unknown", "bank", "alipay", "wechat", "other"};

std::optional<Day> day_of(ObjectReader& reader, const char* key) {
  const std::string text = line_of_text(reader, key, 10, Need::kOptional);
  const auto day = parse_day(text);
  if (!text.empty() && !day) reader.refuse(key, "\"" + text + "\"", "a day like 2027-03-31, or nothing");
  return day;
}

Payee payee_from(ObjectReader& reader) {
  Payee payee;
  payee.name = line_of_text(reader, "name", kMostHolderBytes, Need::kRequired);
  payee.account =
      static_cast<Payee::Account>(1 + reader.one_of("account", {"bank", "alipay", "wechat", "other"}));
  payee.masked_number = line_of_text(reader, "masked_number", kMostNumberBytes, Need::kRequired);
  payee.licence_holder = line_of_text(reader, "licence_holder", kMostHolderBytes, Need::kRequired);
  payee.is_withdrawn = reader.boolean_or("withdrawn", false);
  const auto digits = std::ranges::count_if(payee.masked_number, [](char c) { return c >= '0' && c <= '9'; });
  if (!payee.masked_number.empty() &&
      (payee.masked_number.find("**") == std::string::npos || digits > kMostShownDigits)) {
    // What was found is not repeated: it may be the number in full, and this text goes into logs.
    reader.refuse(
        "masked_number",
        fmt::format("{} digits{}", digits,
                    payee.masked_number.find("**") == std::string::npos ? " and nothing hidden" : ""),
        fmt::format("at most {} digits and ** for the others: 6222 **** **** 1234", kMostShownDigits));
  }
  return payee;
}

template <typename T>
Result<Documents::Entry<T>> entry_of(const PaperRow& row, T (*from)(ObjectReader&)) {
  auto value = detail::read_object<T>(row.paper.value, from);
  if (!value)
    return tl::unexpected(value.error().with_context(fmt::format("\"{}\", as it is stored", row.key)));
  return Documents::Entry<T>{row.key, {std::move(*value), row.paper.version, row.paper.by}};
}
Result<Documents::Entry<Document>> document_entry(const PaperRow& row) {
  return entry_of<Document>(row, detail::document_from);
}
Result<Documents::Entry<Payee>> payee_entry(const PaperRow& row) {
  return entry_of<Payee>(row, payee_from);
}

Result<int64_t> put_entry(Store& store, const char* kind, const std::string& id, const json& body,
                          int64_t expected, const Author& author) {
  if (!is_id(id))
    return tl::unexpected(to_error(Problems{{"id", "\"" + id + "\"", "1 to 64 of a-z A-Z 0-9 - _ ."}}));
  return written_to<int64_t>(store, [&](SQLite::Database& database) {
    return detail::put_paper(database, kind, id, body, expected, author);
  });
}

}  // namespace

namespace detail {

Document document_from(ObjectReader& reader) {
  Document document;
  document.kind = static_cast<DocumentKind>(
      1 + reader.one_of("kind", {"business_licence", "food_licence", "inspection", "certificate",
                                 "authorisation", "price_proof", "other"}));
  document.holder = line_of_text(reader, "holder", kMostHolderBytes, Need::kRequired);
  document.number = line_of_text(reader, "number", kMostNumberBytes, Need::kOptional);
  document.valid_from = day_of(reader, "valid_from");
  document.valid_until = day_of(reader, "valid_until");
  document.picture = line_of_text(reader, "picture", 64, Need::kOptional);
  document.is_withdrawn = reader.boolean_or("withdrawn", false);
  if (document.valid_from && document.valid_until && *document.valid_until < *document.valid_from)
    reader.refuse("valid_until", format_day(*document.valid_until),
                  "no day before valid_from, " + format_day(*document.valid_from));
  return document;
}

}  // namespace detail

Document::State Document::state(Day today) const {
  if (is_withdrawn) return State::kWithdrawn;
  if (valid_from && today < *valid_from) return State::kNotYet;
  if (valid_until && today > *valid_until) return State::kExpired;
  return State::kValid;
}

Result<int64_t> Documents::put_document(const std::string& id, const json& body, int64_t expected,
                                        const Author& author) {
  const auto document = detail::read_object<Document>(body, detail::document_from);
  if (!document) return tl::unexpected(document.error());
  if (!document->picture.empty() && !blobs_.has(document->picture)) {
    return tl::unexpected(to_error(Problems{
        {"picture", "\"" + document->picture + "\"", "a picture that is kept here: send it along"}}));
  }
  return put_entry(store_, "document", id, to_json(*document), expected, author);
}

Result<int64_t> Documents::put_payee(const std::string& id, const json& body, int64_t expected,
                                     const Author& author) {
  const auto payee = detail::read_object<Payee>(body, payee_from);
  if (!payee) return tl::unexpected(payee.error());
  return put_entry(store_, "payee", id, to_json(*payee), expected, author);
}

Result<std::vector<Documents::Entry<Document>>> Documents::documents() const {
  return read_from<std::vector<Entry<Document>>>(store_, [](SQLite::Database& database) {
    return detail::all_of<Entry<Document>>(detail::list_papers(database, "document"), document_entry);
  });
}

Result<std::vector<Documents::Entry<Payee>>> Documents::payees() const {
  return read_from<std::vector<Entry<Payee>>>(store_, [](SQLite::Database& database) {
    return detail::all_of<Entry<Payee>>(detail::list_papers(database, "payee"), payee_entry);
  });
}

Result<std::vector<Documents::Entry<Document>>> Documents::document_history(const std::string& id) const {
  return read_from<std::vector<Entry<Document>>>(store_, [&](SQLite::Database& database) {
    return detail::all_of<Entry<Document>>(detail::paper_history(database, "document", id), document_entry);
  });
}

Result<std::vector<Documents::Entry<Payee>>> Documents::payee_history(const std::string& id) const {
  return read_from<std::vector<Entry<Payee>>>(store_, [&](SQLite::Database& database) {
    return detail::all_of<Entry<Payee>>(detail::paper_history(database, "payee", id), payee_entry);
  });
}

json to_json(const Document& document) {
  json body = {{"kind", to_string(document.kind)}, {"holder", document.holder}};
  if (!document.number.empty()) body["number"] = document.number;
  if (document.valid_from) body["valid_from"] = format_day(*document.valid_from);
  if (document.valid_until) body["valid_until"] = format_day(*document.valid_until);
  if (!document.picture.empty()) body["picture"] = document.picture;
  if (document.is_withdrawn) body["withdrawn"] = true;
  return body;
}

json to_json(const Payee& payee) {
  json body = {{"name", payee.name},
               {"account", kAccounts.at(static_cast<size_t>(payee.account))},
               {"masked_number", payee.masked_number},
               {"licence_holder", payee.licence_holder}};
  if (payee.is_withdrawn) body["withdrawn"] = true;
  return body;
}

std::string_view to_string(DocumentKind kind) {
  return kDocumentKinds.at(static_cast<size_t>(kind));
}

std::string_view to_string(Document::State state) {
  return kDocumentStates.at(static_cast<size_t>(state));
}

}  // namespace vitrine::commerce
