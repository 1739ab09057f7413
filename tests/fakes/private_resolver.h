// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/unique_fd.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::fakes {

/// Gives the calling thread, and those it starts, name resolution of their own: a DNS server that takes
/// questions and never answers, and a hosts file that can be changed. Needs root (a mount namespace).
class PrivateResolver {
 public:
  /// False where the machine doesn't allow it.
  bool install();
  void set_hosts(const std::string& content) const;

 private:
  TempDir dir_;
  UniqueFd silent_dns_;
};

}  // namespace vitrine::fakes
