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
#include "core/control_socket.h"
#include "core/error.h"

namespace vitrine::desk {

/// What the shop adds to its items, over the control socket: photos, documents, payees, notes; for a shop
/// without a mall also the table of its items. Thread: the loop's, but `sweep`: any.
class Papers {
 public:
  struct Parts {
    const Config& config;
    std::string backend;
    commerce::Store& store;
    const commerce::Catalogue& catalogue;
    std::function<void()> on_import;  // items have changed
  };
  /// Errors: those of `BlobStore::open`.
  static Result<std::unique_ptr<Papers>> open(Parts parts);

  /// nullopt: the op is another one's.
  std::optional<ControlServer::Answer> answer(const ControlServer::Request& request);
  static constexpr const char* kOps = "import, photo, picture, documents, document, payee, note";

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
  Result<nlohmann::json> import_table(const ControlServer::Request& request);
  Result<nlohmann::json> take_photo(const ControlServer::Request& request);
  Result<nlohmann::json> list_documents() const;
  Result<nlohmann::json> document(const ControlServer::Request& request);
  Result<nlohmann::json> payee(const ControlServer::Request& request);
  Result<nlohmann::json> note(const ControlServer::Request& request);
  Result<ControlServer::Answer> picture(const ControlServer::Request& request) const;
  Result<commerce::Ref> find_item(const std::string& word) const;

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
