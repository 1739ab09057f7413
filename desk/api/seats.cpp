// SPDX-License-Identifier: Apache-2.0
#include "desk/api/seats.h"

namespace vitrine::desk {

Seats::Seat Seats::take(const Visitor& visitor) {
  const bool is_network = visitor.way == Visitor::Way::kNetwork;
  if (taken_ >= (is_network ? all_ - all_ / 8 : all_)) return nullptr;
  const auto own = of_source_.find(visitor.source);
  if (is_network && own != of_source_.end() && own->second >= each_) return nullptr;
  ++taken_;
  ++of_source_[visitor.source];
  return {this, [this, source = visitor.source](const void* /*seats*/) {
            --taken_;
            if (--of_source_[source] == 0) of_source_.erase(source);
          }};
}

}  // namespace vitrine::desk
