// SPDX-License-Identifier: Apache-2.0
#include "desk/papers.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "commerce/picture.h"
#include "core/json_text.h"
#include "core/log.h"
#include "core/object_reader.h"
#include "core/rfc3339.h"
#include "core/shared_memory.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;

constexpr size_t kMostPhotoNames = 100'000;
constexpr size_t kMostShownRows = 1000;  // of one import: an answer has its limit
constexpr std::chrono::hours kKeepUnnamed{24};

/// All of what came with a request. It can't change any more while it is read.
Result<std::string> attachment_of(const ControlServer::Request& request, size_t most_bytes) {
  if (!request.attachment.is_open())
    return fail(ErrorCode::kInvalidInput, "the file did not come with it; send it as a sealed memfd");
  const auto size = verify_memfd(request.attachment.get(), Sealing::kImmutable, most_bytes);
  if (!size) return fail(ErrorCode::kInvalidInput, size.error().message);
  const auto mapping = Mapping::create(request.attachment.get(), 0, *size, Mapping::Access::kRead);
  if (!mapping) return tl::unexpected(mapping.error());
  return std::string(mapping->bytes().begin(), mapping->bytes().end());
}

/// Reads the request's own keys; "op" is known.
template <typename Read>
Status read_request(const json& body, const Read& read) {
  Problems problems;
  ObjectReader reader(body, "", problems);
  (void)reader.any("op");
  read(reader);
  reader.finish();
  if (!problems.empty()) return tl::unexpected(to_error(problems));
  return {};
}

commerce::Author author_of(const ControlServer::Request& request) {
  return {fmt::format("uid {}", request.caller.uid), system_now()};
}

/// {"id", "version"} and the new content, of an op that reads or sets one paper.
struct PaperRequest {
  std::string id;
  std::optional<json> content;  // nothing: it is only read
  int64_t version = 0;
};
Result<PaperRequest> paper_request(const json& body, const char* id_key, const char* content_key) {
  PaperRequest wish;
  auto read = read_request(body, [&](ObjectReader& reader) {
    wish.id = reader.text(id_key, {.max_bytes = 300, .may_be_empty = false});
    if (const json* content = reader.any(content_key)) wish.content = *content;
    wish.version = reader.integer_or("version", 0, 0, INT64_MAX);
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

json problems_json(const Problems& problems) {
  json list = json::array();
  for (const auto& problem : problems)
    list.push_back({{"where", problem.where}, {"found", problem.found}, {"allowed", problem.allowed}});
  return list;
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

ControlServer::Answer to_answer(Result<json> body) {
  if (!body)
    return {{{"ok", false},
             {"error", {{"code", to_string(body.error().code)}, {"message", body.error().message}}}},
            {}};
  (*body)["ok"] = true;
  return {std::move(*body), {}};
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

std::optional<ControlServer::Answer> Papers::answer(const ControlServer::Request& request) {
  const json op = request.body.value("op", json());
  if (op == "import") return to_answer(import_table(request));
  if (op == "photo") return to_answer(take_photo(request));
  if (op == "documents") return to_answer(list_documents());
  if (op == "document") return to_answer(document(request));
  if (op == "payee") return to_answer(payee(request));
  if (op == "note") return to_answer(note(request));
  if (op != "picture") return std::nullopt;
  auto found = picture(request);
  return found ? std::move(*found) : to_answer(tl::unexpected(found.error()));
}

Result<json> Papers::import_table(const ControlServer::Request& request) {
  if (parts_.config.commerce.backend != CommerceConfig::Backend::kLocal)
    return fail(
        ErrorCode::kInvalidInput,
        fmt::format("this shop's items come from {} at {}; change them there. A table is for backend = "
                    "\"local\" in [commerce]",
                    parts_.backend, parts_.config.commerce.url));
  std::vector<std::string> files;
  auto trial = commerce::LocalShop::Trial::kApply;
  auto read = read_request(request.body, [&](ObjectReader& reader) {
    if (reader.boolean_or("trial", false)) trial = commerce::LocalShop::Trial::kPreview;
    reader.values("photos", 0, kMostPhotoNames, [&](const json& name, const std::string& where) {
      if (name.is_string())
        files.push_back(name.get<std::string>());
      else
        reader.refuse(where, describe(name), "the name of a file");
    });
  });
  if (!read) return tl::unexpected(read.error());
  const auto bytes = attachment_of(request, commerce::kMostTableBytes);
  if (!bytes) return tl::unexpected(bytes.error().with_context("the table"));
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
              author_of(request).name, imported->added, imported->changed, imported->unchanged,
              imported->refused.size());
    parts_.on_import();
  }
  return body;
}

Result<json> Papers::take_photo(const ControlServer::Request& request) {
  std::string name;
  auto read = read_request(request.body, [&](ObjectReader& reader) {
    name = reader.text("name", {.max_bytes = 255, .may_be_empty = false});
    if (!name.empty() && commerce::photo_names(std::span(&name, 1)).empty())
      reader.refuse("name", "\"" + name + "\"", "a file name that ends with jpg, jpeg, png or webp");
  });
  if (!read) return tl::unexpected(read.error());
  const auto bytes = attachment_of(request, commerce::kMostPictureBytes);
  if (!bytes) return tl::unexpected(bytes.error().with_context(name));
  const auto info = commerce::check_picture(name, *bytes);
  if (!info) return tl::unexpected(info.error());
  const auto adding = blobs_->begin_adding();
  const auto blob = blobs_->put(adding, *bytes);
  if (!blob) return tl::unexpected(blob.error());
  if (auto put = photos_.put_shop_photo(name, {*blob, info->size}, system_now()); !put)
    return tl::unexpected(put.error());
  fetcher_.poke();
  return json{{"blob", *blob}, {"size", {info->size.width, info->size.height}}};
}

Result<json> Papers::list_documents() const {
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
  return body;
}

Result<json> Papers::document(const ControlServer::Request& request) {
  auto wish = paper_request(request.body, "id", "document");
  if (!wish) return tl::unexpected(wish.error());
  if (wish->content) {
    const auto adding = blobs_->begin_adding();
    if (request.attachment.is_open() && wish->content->is_object()) {
      const auto bytes = attachment_of(request, commerce::kMostPictureBytes);
      if (!bytes) return tl::unexpected(bytes.error().with_context("the picture"));
      if (const auto info = commerce::check_picture("the picture", *bytes); !info)
        return tl::unexpected(info.error());
      const auto blob = blobs_->put(adding, *bytes);
      if (!blob) return tl::unexpected(blob.error());
      (*wish->content)["picture"] = *blob;
    }
    const auto put = documents_.put_document(wish->id, *wish->content, wish->version, author_of(request));
    if (!put) return tl::unexpected(put.error());
  }
  const auto history = documents_.document_history(wish->id);
  if (!history) return tl::unexpected(history.error());
  json body = {{"id", wish->id}, {"versions", json::array()}};
  for (const auto& entry : *history) body["versions"].push_back(version_json(entry.paper, "document"));
  return body;
}

Result<json> Papers::payee(const ControlServer::Request& request) {
  const auto wish = paper_request(request.body, "id", "payee");
  if (!wish) return tl::unexpected(wish.error());
  if (wish->content)
    if (const auto put = documents_.put_payee(wish->id, *wish->content, wish->version, author_of(request));
        !put)
      return tl::unexpected(put.error());
  const auto history = documents_.payee_history(wish->id);
  if (!history) return tl::unexpected(history.error());
  json body = {{"id", wish->id}, {"versions", json::array()}};
  for (const auto& entry : *history) body["versions"].push_back(version_json(entry.paper, "payee"));
  return body;
}

Result<json> Papers::note(const ControlServer::Request& request) {
  const auto wish = paper_request(request.body, "item", "note");
  if (!wish) return tl::unexpected(wish.error());
  const auto ref = find_item(wish->id);
  if (!ref) return tl::unexpected(ref.error());
  if (wish->content)
    if (const auto put = notes_.put(*ref, *wish->content, wish->version, author_of(request)); !put)
      return tl::unexpected(put.error());
  const auto history = notes_.history(*ref);
  if (!history) return tl::unexpected(history.error());
  json body = {{"item", ref->text()}, {"versions", json::array()}};
  for (const auto& entry : *history) body["versions"].push_back(version_json(entry.notes, "note"));
  return body;
}

Result<ControlServer::Answer> Papers::picture(const ControlServer::Request& request) const {
  std::string blob;
  auto read = read_request(request.body, [&](ObjectReader& reader) {
    blob = reader.text("blob", {.max_bytes = 64, .may_be_empty = false});
  });
  if (!read) return tl::unexpected(read.error());
  const auto bytes = blobs_->read(blob);
  if (!bytes) return tl::unexpected(bytes.error());
  auto memfd =
      create_immutable_memfd("picture", {reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()});
  if (!memfd) return tl::unexpected(memfd.error());
  return ControlServer::Answer{{{"ok", true}, {"bytes", bytes->size()}}, std::move(*memfd)};
}

Result<commerce::Ref> Papers::find_item(const std::string& word) const {
  const auto rows = parts_.catalogue.list();
  if (!rows) return tl::unexpected(rows.error());
  std::vector<commerce::Ref> found;
  for (const auto& row : *rows) {
    if (row.item.ref.text() == word) return row.item.ref;
    if (row.item.sku == word) found.push_back(row.item.ref);
  }
  if (found.empty())
    return fail(ErrorCode::kNotFound,
                fmt::format("no item has the number \"{}\"; vitrinectl items lists them", word));
  if (found.size() > 1)
    return fail(ErrorCode::kInvalidInput, fmt::format("{} items have the number \"{}\"; name one as {} or {}",
                                                      found.size(), word, found[0].text(), found[1].text()));
  return found.front();
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
