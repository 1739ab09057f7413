// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "commerce/blob_store.h"
#include "commerce/catalogue.h"
#include "commerce/documents.h"
#include "commerce/item_notes.h"
#include "commerce/local_shop.h"
#include "commerce/photo_book.h"
#include "commerce/photo_fetcher.h"
#include "core/config.h"
#include "core/error.h"
#include "desk/api/route.h"

namespace vitrine::desk {

/// What the shop adds to its items: photos, documents, payees, notes; for a shop without a mall also the
/// table of its items. Threads: any.
class Papers {
 public:
  struct Parts {
    const Config& config;
    std::string backend;
    commerce::Store& store;
    const commerce::Catalogue& catalogue;
    std::function<void()> on_import;  // items have changed
    std::function<void()> on_change;  // what is written down about an item, or a document, is another one
  };
  /// Errors: those of `BlobStore::open`.
  static Result<std::unique_ptr<Papers>> open(Parts parts);

  /// They live no longer than this.
  [[nodiscard]] std::vector<Route> routes();
  /// By its number, or as product/variant. Errors: kNotFound; kInvalidInput where several have the number.
  [[nodiscard]] Result<commerce::Ref> find_item(const std::string& word) const;

  [[nodiscard]] const commerce::NoteBook& notes() const { return notes_; }
  [[nodiscard]] const commerce::Documents& documents() const { return documents_; }
  [[nodiscard]] const commerce::PhotoBook& photos() const { return photos_; }
  [[nodiscard]] const commerce::BlobStore& blobs() const { return *blobs_; }

  /// What of all this belongs to one item, for a list of them.
  class PerItem {
   public:
    void add_to(const commerce::Ref& ref, nlohmann::json& item) const;

   private:
    friend class Papers;
    std::map<commerce::Ref, commerce::PhotoBook::Photo> photos_;
    std::map<commerce::Ref, commerce::ItemNotes::Role> roles_;
  };
  Result<PerItem> per_item() const;

  /// Items have changed: their photos may have.
  void look_for_photos() { fetcher_.poke(); }
  [[nodiscard]] std::optional<Error> photo_fault() const { return fetcher_.fault(); }
  /// Pictures that nothing has named for a day go.
  Status sweep();

 private:
  Papers(Parts parts, std::unique_ptr<commerce::BlobStore> blobs);
  Result<ApiAnswer> import_table(const ApiRequest& request);
  Result<ApiAnswer> take_photo(const ApiRequest& request);
  Result<ApiAnswer> list_documents(const ApiRequest& request) const;
  Result<ApiAnswer> document(const ApiRequest& request) const;
  Result<ApiAnswer> put_document(const ApiRequest& request);
  Result<ApiAnswer> payee(const ApiRequest& request) const;
  Result<ApiAnswer> put_payee(const ApiRequest& request);
  Result<ApiAnswer> note(const ApiRequest& request) const;
  Result<ApiAnswer> put_note(const ApiRequest& request);
  Result<ApiAnswer> picture(const ApiRequest& request) const;

  const Parts parts_;
  const commerce::RowRules rules_;
  const std::unique_ptr<commerce::BlobStore> blobs_;
  commerce::PhotoBook photos_;
  commerce::Documents documents_;
  commerce::NoteBook notes_;
  commerce::LocalShop shop_;
  commerce::PhotoFetcher fetcher_;  // last: its thread ends before the rest goes
};

}  // namespace vitrine::desk
