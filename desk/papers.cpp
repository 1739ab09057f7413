// SPDX-License-Identifier: Apache-2.0
#include "desk/papers.h"

#include <algorithm>
#include <set>
#include <sodium.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "commerce/picture.h"
#include "core/json_text.h"
#include "core/log.h"
#include "core/object_reader.h"
#include "core/rfc3339.h"
#include "desk/api/answers.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;

constexpr size_t kMostPhotoNames = 100'000;
constexpr size_t kMostShownRows = 1000;  // of one import: an answer has its limit
constexpr std::chrono::hours kKeepUnnamed{24};
constexpr size_t kMostBody = size_t{32} << 20;  // a picture or a table in base64, and what goes with it

/// A file in a JSON body.
Result<std::string> bytes_of(const std::string& base64, const char* key, size_t most_bytes) {
  std::string bytes(base64.size() / 4 * 3 + 3, '\0');
  size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), base64.data(),
                        base64.size(), nullptr, &size, nullptr, sodium_base64_VARIANT_ORIGINAL) != 0)
    return tl::unexpected(to_error(Problems{{key, "no base64", "the file's bytes in base64 (RFC 4648)"}}));
  if (size == 0 || size > most_bytes)
    return tl::unexpected(
        to_error(Problems{{key, fmt::format("{} bytes", size), fmt::format("1 to {} bytes", most_bytes)}}));
  bytes.resize(size);
  return bytes;
}

/// {"version", and the new content of one paper}.
struct NewPaper {
  json content;
  int64_t version = 0;
  std::string picture;  // base64; may be empty
};
Result<NewPaper> new_paper(const ApiRequest& request, const char* content_key) {
  NewPaper wish;
  auto read = read_body(request, [&](ObjectReader& reader) {
    const json* content = reader.any(content_key);
    if (content == nullptr || !content->is_object())
      reader.refuse(content_key, content == nullptr ? "nothing" : describe(*content), "an object");
    else
      wish.content = *content;
    wish.version = reader.integer_or("version", 0, 0, INT64_MAX);
    wish.picture = reader.text_or("picture", "", {.max_bytes = kMostBody, .may_be_empty = true});
  });
  if (!read) return tl::unexpected(read.error());
  return wish;
}

template <typename T>
json version_json(const commerce::Versioned<T>& paper, const char* content_key) {
  return {{"version", paper.version},
          {"changed_by", paper.by.name},
          {"changed_at", format_rfc3339(paper.by.at)},
          {content_key, to_json(paper.value)}};
}

json imported_json(const commerce::ItemTable& table, const commerce::LocalShop::Imported& imported) {
  json columns = json::array();
  for (const auto& [column, title] : table.columns) columns.push_back(title);
  json refused = json::array();
  for (size_t i = 0; i < std::min(imported.refused.size(), kMostShownRows); ++i) {
    const auto& row = imported.refused[i];
    refused.push_back(
        {{"row", row.row}, {"item", row.ref.text()}, {"problems", problems_json(row.problems)}});
  }
  Problems remarks = imported.remarks;
  remarks.resize(std::min(remarks.size(), kMostShownRows));
  return {{"encoding", table.encoding},       {"columns", std::move(columns)},
          {"ignored_columns", table.ignored}, {"added", imported.added},
          {"changed", imported.changed},      {"unchanged", imported.unchanged},
          {"missing", imported.missing},      {"refused_rows", imported.refused.size()},
          {"refused", std::move(refused)},    {"remarks", problems_json(remarks)}};
}

}  // namespace

Result<std::unique_ptr<Papers>> Papers::open(Parts parts) {
  auto blobs = commerce::BlobStore::open(parts.config.state_dir / "desk" / "blobs", parts.store);
  if (!blobs) return tl::unexpected(blobs.error());
  return std::unique_ptr<Papers>(new Papers(std::move(parts), std::move(*blobs)));
}

Papers::Papers(Parts parts, std::unique_ptr<commerce::BlobStore> blobs)
    : parts_(std::move(parts)),
      rules_{parts_.config.commerce.currency, parts_.config.commerce.highest_price_minor},
      blobs_(std::move(blobs)),
      photos_(parts_.store, parts_.backend),
      documents_(parts_.store, *blobs_),
      notes_(parts_.store, parts_.backend),
      shop_(parts_.store, rules_),
      fetcher_({photos_, *blobs_},
               {.shop_url = parts_.config.commerce.url, .other_hosts = parts_.config.commerce.photo_hosts}) {
}

std::vector<Route> Papers::routes() {
  const auto on = [this](auto method) {
    return [this, method](const ApiRequest& request) { return (this->*method)(request); };
  };
  const Route::Takes form = {.schema = {{"type", "object"}}};
  const Route::Takes with_file = {.schema = {{"type", "object"}}, .most_bytes = kMostBody};
  const Roles papers = {Role::kOperator, Role::kService};
  return {
      {"POST", "/api/v1/items/import", kTechnicians, "Brings a table of items in, for a shop without a mall",
       on(&Papers::import_table), with_file},
      {"PUT",
       "/api/v1/photos/{name}",
       kTechnicians,
       "A photo that the table names",
       on(&Papers::take_photo),
       {.upload = "JPEG, PNG or WebP", .most_bytes = commerce::kMostPictureBytes}},
      {"GET", "/api/v1/pictures/{blob}", kStaff, "A picture that is kept here", on(&Papers::picture)},
      {"GET", "/api/v1/documents", papers, "The shop's documents and payees", on(&Papers::list_documents)},
      {"GET", "/api/v1/documents/{document}", papers, "Every version of a document", on(&Papers::document)},
      {"PUT", "/api/v1/documents/{document}", kTechnicians, "A new version of a document",
       on(&Papers::put_document), with_file},
      {"GET", "/api/v1/payees/{payee}", papers, "Every version of a payee", on(&Papers::payee)},
      {"PUT", "/api/v1/payees/{payee}", kTechnicians, "A new version of a payee", on(&Papers::put_payee),
       form},
      {"GET", "/api/v1/items/{item}/note", kStaff, "Every version of what staff wrote down about an item",
       on(&Papers::note)},
      {"PUT", "/api/v1/items/{item}/note", kOperators, "A new version of it", on(&Papers::put_note), form},
  };
}

Result<ApiAnswer> Papers::import_table(const ApiRequest& request) {
  if (parts_.config.commerce.backend != CommerceConfig::Backend::kLocal)
    return fail(
        ErrorCode::kInvalidInput,
        fmt::format("this shop's items come from {} at {}; change them there. A table is for backend = "
                    "\"local\" in [commerce]",
                    parts_.backend, parts_.config.commerce.url));
  std::vector<std::string> files;
  std::string base64;
  auto trial = commerce::LocalShop::Trial::kApply;
  auto read = read_body(request, [&](ObjectReader& reader) {
    if (reader.boolean_or("trial", false)) trial = commerce::LocalShop::Trial::kPreview;
    base64 = reader.text("table", {.max_bytes = kMostBody, .may_be_empty = false});
    reader.values("photos", 0, kMostPhotoNames, [&](const json& name, const std::string& where) {
      if (name.is_string())
        files.push_back(name.get<std::string>());
      else
        reader.refuse(where, describe(name), "the name of a file");
    });
  });
  if (!read) return tl::unexpected(read.error());
  const auto bytes = bytes_of(base64, "table", commerce::kMostTableBytes);
  if (!bytes) return tl::unexpected(bytes.error());
  // What was brought in before counts as in the folder; the folder that comes now goes first.
  auto photos = commerce::photo_names(files);
  const auto known = photos_.shop_photo_names();
  if (!known) return tl::unexpected(known.error());
  const std::vector<std::string> before(known->begin(), known->end());
  photos.merge(commerce::photo_names(before));
  const auto table = commerce::read_item_table(*bytes, {rules_, photos});
  if (!table) return tl::unexpected(table.error());
  const auto imported = shop_.import_table(*table, trial);
  if (!imported) return tl::unexpected(imported.error());
  json body = imported_json(*table, *imported);
  std::set<std::string> wanted;
  for (const auto& row : table->items)
    if (row.item.image_url.starts_with(commerce::kShopPhoto))
      wanted.insert(row.item.image_url.substr(commerce::kShopPhoto.size()));
  body["photos"] = json::array();
  for (const auto& name : files)
    if (wanted.contains(name)) body["photos"].push_back(name);
  if (trial == commerce::LocalShop::Trial::kApply) {
    log::info("import", "{}: {} items added, {} changed, {} unchanged, {} rows refused",
              request.caller.account, imported->added, imported->changed, imported->unchanged,
              imported->refused.size());
    parts_.on_import();
  }
  return ApiAnswer{.body = std::move(body)};
}

Result<ApiAnswer> Papers::take_photo(const ApiRequest& request) {
  const std::string& name = request.path.at("name");
  if (name.size() > 255 || commerce::photo_names(std::span(&name, 1)).empty())
    return tl::unexpected(to_error(
        Problems{{"name", "\"" + name + "\"", "a file name that ends with jpg, jpeg, png or webp"}}));
  const auto info = commerce::check_picture(name, request.upload);
  if (!info) return tl::unexpected(info.error());
  const auto adding = blobs_->begin_adding();
  const auto blob = blobs_->put(adding, request.upload);
  if (!blob) return tl::unexpected(blob.error());
  if (auto put = photos_.put_shop_photo(name, {*blob, info->size}, system_now()); !put)
    return tl::unexpected(put.error());
  fetcher_.poke();
  return ApiAnswer{.body = {{"blob", *blob}, {"size", {info->size.width, info->size.height}}}};
}

Result<ApiAnswer> Papers::list_documents(const ApiRequest& /*request*/) const {
  const auto documents = documents_.documents();
  if (!documents) return tl::unexpected(documents.error());
  const auto payees = documents_.payees();
  if (!payees) return tl::unexpected(payees.error());
  const Day today = local_day(system_now());
  json body = {{"today", format_day(today)}, {"documents", json::array()}, {"payees", json::array()}};
  for (const auto& entry : *documents) {
    json listed = version_json(entry.paper, "document");
    listed["id"] = entry.id;
    listed["state"] = to_string(entry.paper.value.state(today));
    body["documents"].push_back(std::move(listed));
  }
  for (const auto& entry : *payees) {
    json listed = version_json(entry.paper, "payee");
    listed["id"] = entry.id;
    body["payees"].push_back(std::move(listed));
  }
  return ApiAnswer{.body = std::move(body)};
}

Result<ApiAnswer> Papers::document(const ApiRequest& request) const {
  const std::string& id = request.path.at("document");
  const auto history = documents_.document_history(id);
  if (!history) return tl::unexpected(history.error());
  json body = {{"id", id}, {"versions", json::array()}};
  for (const auto& entry : *history) body["versions"].push_back(version_json(entry.paper, "document"));
  return ApiAnswer{.body = std::move(body)};
}

Result<ApiAnswer> Papers::put_document(const ApiRequest& request) {
  auto wish = new_paper(request, "document");
  if (!wish) return tl::unexpected(wish.error());
  const auto adding = blobs_->begin_adding();
  if (!wish->picture.empty()) {
    const auto bytes = bytes_of(wish->picture, "picture", commerce::kMostPictureBytes);
    if (!bytes) return tl::unexpected(bytes.error());
    if (const auto info = commerce::check_picture("the picture", *bytes); !info)
      return tl::unexpected(info.error());
    const auto blob = blobs_->put(adding, *bytes);
    if (!blob) return tl::unexpected(blob.error());
    wish->content["picture"] = *blob;
  }
  const auto put =
      documents_.put_document(request.path.at("document"), wish->content, wish->version, author_of(request));
  if (!put) return tl::unexpected(put.error());
  parts_.on_change();
  return document(request);
}

Result<ApiAnswer> Papers::payee(const ApiRequest& request) const {
  const std::string& id = request.path.at("payee");
  const auto history = documents_.payee_history(id);
  if (!history) return tl::unexpected(history.error());
  json body = {{"id", id}, {"versions", json::array()}};
  for (const auto& entry : *history) body["versions"].push_back(version_json(entry.paper, "payee"));
  return ApiAnswer{.body = std::move(body)};
}

Result<ApiAnswer> Papers::put_payee(const ApiRequest& request) {
  const auto wish = new_paper(request, "payee");
  if (!wish) return tl::unexpected(wish.error());
  const auto put =
      documents_.put_payee(request.path.at("payee"), wish->content, wish->version, author_of(request));
  if (!put) return tl::unexpected(put.error());
  parts_.on_change();
  return payee(request);
}

Result<ApiAnswer> Papers::note(const ApiRequest& request) const {
  const auto ref = find_item(request.path.at("item"));
  if (!ref) return tl::unexpected(ref.error());
  const auto history = notes_.history(*ref);
  if (!history) return tl::unexpected(history.error());
  json body = {{"item", ref->text()}, {"versions", json::array()}};
  for (const auto& entry : *history) body["versions"].push_back(version_json(entry.notes, "note"));
  return ApiAnswer{.body = std::move(body)};
}

Result<ApiAnswer> Papers::put_note(const ApiRequest& request) {
  const auto ref = find_item(request.path.at("item"));
  if (!ref) return tl::unexpected(ref.error());
  const auto wish = new_paper(request, "note");
  if (!wish) return tl::unexpected(wish.error());
  const auto put = notes_.put(*ref, wish->content, wish->version, author_of(request));
  if (!put) return tl::unexpected(put.error());
  parts_.on_change();
  return note(request);
}

Result<ApiAnswer> Papers::picture(const ApiRequest& request) const {
  const auto bytes = blobs_->read(request.path.at("blob"));
  if (!bytes) return tl::unexpected(bytes.error());
  const auto info = commerce::check_picture("the picture", *bytes);
  if (!info) return tl::unexpected(info.error());
  using Type = commerce::PictureType;
  return ApiAnswer{.bytes = *bytes,
                   .content_type = info->type == Type::kJpeg  ? "image/jpeg"
                                   : info->type == Type::kPng ? "image/png"
                                                              : "image/webp"};
}

Result<commerce::Ref> Papers::find_item(const std::string& word) const {
  const auto found = parts_.catalogue.called(word);
  if (!found) return tl::unexpected(found.error());
  for (const auto& row : *found)
    if (row.item.ref.text() == word) return row.item.ref;
  if (found->empty())
    return fail(ErrorCode::kNotFound,
                fmt::format("no item has the number \"{}\"; vitrinectl items lists them", word));
  if (found->size() > 1)
    return fail(ErrorCode::kInvalidInput,
                fmt::format("{} items have the number \"{}\"; name one as {} or {}", found->size(), word,
                            found->at(0).item.ref.text(), found->at(1).item.ref.text()));
  return found->front().item.ref;
}

Result<Papers::PerItem> Papers::per_item() const {
  PerItem known;
  auto photos = photos_.list();
  if (!photos) return tl::unexpected(photos.error());
  known.photos_ = std::move(*photos);
  const auto notes = notes_.list();
  if (!notes) return tl::unexpected(notes.error());
  for (const auto& entry : *notes) known.roles_[entry.ref] = entry.notes.value.role;
  return known;
}

void Papers::PerItem::add_to(const commerce::Ref& ref, json& item) const {
  if (const auto found = photos_.find(ref); found != photos_.end()) {
    const auto& [picture, fetched_at, problem] = found->second;
    item["photo"] = json::object();
    if (picture) {
      item["photo"]["blob"] = picture->blob;
      item["photo"]["size"] = {picture->size.width, picture->size.height};
      item["photo"]["fetched_at"] = format_rfc3339(*fetched_at);
    }
    if (!problem.empty()) item["photo"]["problem"] = problem;
  }
  if (const auto found = roles_.find(ref); found != roles_.end()) item["role"] = to_string(found->second);
}

Status Papers::sweep() {
  const auto removed = blobs_->sweep(system_now() - kKeepUnnamed);
  if (!removed) return tl::unexpected(removed.error());
  if (*removed > 0) log::info("pictures", "{} that no item or document names any more are gone", *removed);
  return {};
}

}  // namespace vitrine::desk
