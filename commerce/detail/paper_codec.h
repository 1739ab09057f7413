// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "commerce/documents.h"
#include "core/object_reader.h"

namespace vitrine::commerce::detail {

/// A document's JSON, from outside or from the store.
Document document_from(ObjectReader& reader);

}  // namespace vitrine::commerce::detail
