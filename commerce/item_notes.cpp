// SPDX-License-Identifier: Apache-2.0
#include "commerce/item_notes.h"

#include <array>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "commerce/detail/columns.h"
#include "commerce/detail/paper_codec.h"
#include "commerce/detail/paper_rows.h"

namespace vitrine::commerce {
namespace {

using detail::line_of_text;
using detail::lines_of_text;
using detail::Need;
using nlohmann::json;

constexpr size_t kMostBasisBytes = 15;  // five Chinese characters: what a card has room for
constexpr size_t kMostPoints = 20;
constexpr size_t kMostPointBytes = 300;
constexpr size_t kMostCertificates = 10;
constexpr size_t kMostProducerBytes = 200;
constexpr size_t kMostPaperIdBytes = 64;
constexpr const char* kNote = "note";

constexpr std::array<std::string_view, 5> kRoles = {"none", "traffic", "profit", "bundle", "image"};

Money money_of(ObjectReader& reader, const char* key) {
  Money money;
  reader.object(key, [&](ObjectReader& amount) {
    money.minor = amount.integer("minor", 1, 1'000'000'000'000);
    const std::string currency = amount.text("currency", {.max_bytes = 3, .may_be_empty = false});
    money.currency = currency_of(currency);
  });
  return money;
}

json money_json(const Money& money) {
  return {{"minor", money.minor}, {"currency", std::string(money.currency.data(), money.currency.size())}};
}

ItemNotes notes_from(ObjectReader& reader) {
  ItemNotes notes;
  notes.role = static_cast<ItemNotes::Role>(
      reader.one_of_or_first("role", {"none", "traffic", "profit", "bundle", "image"}));
  reader.object_if_present("reference", [&](ObjectReader& reference) {
    notes.reference = {line_of_text(reference, "basis", kMostBasisBytes, Need::kRequired),
                       line_of_text(reference, "evidence", kMostPaperIdBytes, Need::kRequired)};
  });
  reader.object_if_present("deposit", [&](ObjectReader& deposit) {
    notes.deposit = {money_of(deposit, "pay"), money_of(deposit, "worth"), deposit.instant("balance_until")};
  });
  notes.talking_points = lines_of_text(reader, "talking_points", kMostPoints, kMostPointBytes);
  notes.certificates = lines_of_text(reader, "certificates", kMostCertificates, kMostPaperIdBytes);
  reader.object_if_present("producer", [&](ObjectReader& producer) {
    notes.producer = {line_of_text(producer, "name", kMostProducerBytes, Need::kRequired),
                      line_of_text(producer, "address", kMostProducerBytes, Need::kOptional),
                      line_of_text(producer, "licence_number", kMostProducerBytes, Need::kOptional)};
  });
  notes.payee = line_of_text(reader, "payee", kMostPaperIdBytes, Need::kOptional);
  return notes;
}

/// What the text alone can't say: that what it names is there.
class NoteChecker {
 public:
  NoteChecker(SQLite::Database& database, Problems& problems) : database_(database), problems_(problems) {}

  void paper(const std::string& where, const char* kind, const std::string& id) {
    const auto found = detail::find_paper(database_, kind, id);
    if (!found || found->paper.value.value("withdrawn", false))
      problems_.push_back({where,
                           fmt::format("\"{}\", {}", id, found ? "which is withdrawn" : "which is not there"),
                           fmt::format("the id of a {} of this shop", kind)});
  }
  void deposit(const ItemNotes::Deposit& deposit, const Money& price) {
    const auto shown = [](const Money& money) {
      return currency_symbol(money) + format_amount(money, Cents::kKeep);
    };
    if (deposit.pay.currency != price.currency || deposit.worth.currency != price.currency) {
      problems_.push_back({"deposit", shown(deposit.pay) + " worth " + shown(deposit.worth),
                           "the item's currency, as in " + shown(price)});
    } else if (deposit.worth < deposit.pay || deposit.worth > price) {
      problems_.push_back(
          {"deposit.worth", shown(deposit.worth),
           fmt::format("from {}, what is paid, to {}, the item's price", shown(deposit.pay), shown(price))});
    }
  }

 private:
  SQLite::Database& database_;
  Problems& problems_;
};

std::optional<Money> price_of(SQLite::Database& database, const std::string& backend, const Ref& ref) {
  SQLite::Statement found(
      database,
      "SELECT coalesce(base_price, price), currency FROM item WHERE backend = ? AND product = ? "
      "AND variant = ? AND availability <> 'deleted'");
  found.bind(1, backend);
  found.bind(2, ref.product);
  found.bind(3, ref.variant);
  if (!found.executeStep()) return std::nullopt;
  return Money{found.getColumn(0).getInt64(), currency_of(found.getColumn(1).getString())};
}

Result<NoteBook::Entry> note_entry(const detail::PaperRow& row) {
  const json key = json::parse(row.key, nullptr, false);
  const auto part = [&](size_t index) {
    return key.is_array() && key.size() == 3 && key[index].is_string() ? key[index].get<std::string>() : "";
  };
  auto notes = detail::read_object<ItemNotes>(row.paper.value, notes_from);
  if (!notes) return tl::unexpected(notes.error().with_context("the note " + row.key + ", as it is stored"));
  return NoteBook::Entry{{part(1), part(2)}, {std::move(*notes), row.paper.version, row.paper.by}};
}

}  // namespace

std::string NoteBook::key_of(const Ref& ref) const {
  return json::array({backend_, ref.product, ref.variant})
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<int64_t> NoteBook::put(const Ref& ref, const json& body, int64_t expected, const Author& author) {
  const auto notes = detail::read_object<ItemNotes>(body, notes_from);
  if (!notes) return tl::unexpected(notes.error());
  return written_to<int64_t>(store_, [&](SQLite::Database& database) -> Result<int64_t> {
    const auto price = price_of(database, backend_, ref);
    if (!price) return fail(ErrorCode::kNotFound, fmt::format("no item {} is in the shop", ref.text()));
    Problems problems;
    NoteChecker check(database, problems);
    if (notes->reference) check.paper("reference.evidence", "document", notes->reference->evidence);
    for (size_t i = 0; i < notes->certificates.size(); ++i)
      check.paper(fmt::format("certificates[{}]", i), "document", notes->certificates[i]);
    if (!notes->payee.empty()) check.paper("payee", "payee", notes->payee);
    if (notes->deposit) check.deposit(*notes->deposit, *price);
    if (!problems.empty()) return tl::unexpected(to_error(problems));
    return detail::put_paper(database, kNote, key_of(ref), to_json(*notes), expected, author);
  });
}

Result<std::vector<NoteBook::Entry>> NoteBook::list() const {
  return read_from<std::vector<Entry>>(store_, [&](SQLite::Database& database) {
    auto rows = detail::list_papers(database, kNote);
    std::erase_if(rows, [&](const auto& row) {
      const json key = json::parse(row.key, nullptr, false);
      return !key.is_array() || key.empty() || key[0] != backend_;
    });
    return detail::all_of<Entry>(rows, note_entry);
  });
}

Result<std::vector<NoteBook::Entry>> NoteBook::history(const Ref& ref) const {
  return read_from<std::vector<Entry>>(store_, [&](SQLite::Database& database) {
    return detail::all_of<Entry>(detail::paper_history(database, kNote, key_of(ref)), note_entry);
  });
}

Result<std::optional<Money>> NoteBook::reference_price(const CatalogueItem& item, Day today) const {
  if (!item.reference_price || item.reference_price->minor <= item.price.minor) return std::nullopt;
  return read_from<std::optional<Money>>(
      store_, [&](SQLite::Database& database) -> Result<std::optional<Money>> {
        const auto row = detail::find_paper(database, kNote, key_of(item.ref));
        if (!row) return std::nullopt;
        const auto entry = note_entry(*row);
        if (!entry) return tl::unexpected(entry.error());
        if (!entry->notes.value.reference) return std::nullopt;
        const auto proof = detail::find_paper(database, "document", entry->notes.value.reference->evidence);
        if (!proof) return std::nullopt;
        const auto document = detail::read_object<Document>(proof->paper.value, detail::document_from);
        if (!document || document->state(today) != Document::State::kValid) return std::nullopt;
        return item.reference_price;
      });
}

json to_json(const ItemNotes& notes) {
  json body = json::object();
  if (notes.role != ItemNotes::Role::kNone) body["role"] = to_string(notes.role);
  if (notes.reference)
    body["reference"] = {{"basis", notes.reference->basis}, {"evidence", notes.reference->evidence}};
  if (notes.deposit) {
    body["deposit"] = {{"pay", money_json(notes.deposit->pay)},
                       {"worth", money_json(notes.deposit->worth)},
                       {"balance_until", format_rfc3339(notes.deposit->balance_until)}};
  }
  if (!notes.talking_points.empty()) body["talking_points"] = notes.talking_points;
  if (!notes.certificates.empty()) body["certificates"] = notes.certificates;
  if (notes.producer) {
    body["producer"] = {{"name", notes.producer->name}};
    if (!notes.producer->address.empty()) body["producer"]["address"] = notes.producer->address;
    if (!notes.producer->licence_number.empty())
      body["producer"]["licence_number"] = notes.producer->licence_number;
  }
  if (!notes.payee.empty()) body["payee"] = notes.payee;
  return body;
}

std::string_view to_string(ItemNotes::Role role) {
  return kRoles.at(static_cast<size_t>(role));
}

}  // namespace vitrine::commerce
