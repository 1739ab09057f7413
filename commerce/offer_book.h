// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "commerce/adapter.h"
#include "commerce/catalogue.h"
#include "commerce/offer.h"
#include "commerce/outbox.h"
#include "commerce/store.h"

namespace vitrine::commerce {

/// The offers of the shop. One that is asked for is written together with the operation that brings it to the
/// shop and the one that takes it back: no crash leaves a price down for ever. The second waits in the outbox
/// until the window's end, and is there even when all that is left of us is a backup and the journal.
/// Threads: any.
class OfferBook {
 public:
  OfferBook(Store& store, Outbox& outbox, const Catalogue& catalogue, std::string backend)
      : store_(store), outbox_(outbox), catalogue_(catalogue), backend_(std::move(backend)) {}

  struct Wish {
    std::string name;
    std::map<Ref, Money> prices;  // of variants of one product
    Window window;                // by the shop's clock
    std::optional<int64_t> quantity;
    std::string audience;
  };
  /// `shop`: how it does it, and its clock. Errors: kInvalidInput with every reason: prices that are no
  /// reduction or of something that is not listed, a window that is over, a product that has an offer
  /// already, a shop that can't.
  Result<Offer> ask(const Wish& wish, const Capabilities& shop);
  /// Off the air at once, and in the shop as soon as it hears. Nothing for one that is over. Errors:
  /// kNotFound.
  Status end(int64_t id, const std::string& why);

  /// Those that are not over.
  [[nodiscard]] Result<std::vector<Offer>> open() const;
  /// Those that are over, with a number of pieces, since `since`: an order may come late.
  [[nodiscard]] Result<std::vector<Offer>> limited_and_over(Instant since) const;
  /// The newest first.
  [[nodiscard]] Result<std::vector<Offer>> list(int most) const;

  struct Operations {
    Operation::State put = Operation::State::kUnknown;
    std::string put_result;
    Operation::State end = Operation::State::kUnknown;
  };
  [[nodiscard]] Result<Operations> operations(const Offer& offer) const;
  /// False where somebody else was quicker (`offer.version`): look again.
  Result<bool> settle(const Offer& offer, const OfferVerdict& verdict);

 private:
  Result<std::vector<Offer>> select(const std::string& condition, int most) const;

  Store& store_;
  Outbox& outbox_;
  const Catalogue& catalogue_;
  const std::string backend_;
};

}  // namespace vitrine::commerce
