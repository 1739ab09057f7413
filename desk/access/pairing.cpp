// SPDX-License-Identifier: Apache-2.0
#include "desk/access/pairing.h"

#include <sodium.h>

#include <fmt/format.h>

namespace vitrine::desk {
namespace {

constexpr std::chrono::minutes kCodeLife{10};
constexpr int kMostWrong = 5;
constexpr uint32_t kCodes = 100'000'000;

bool is_same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

Pairing::Code Pairing::make(Role role, bool is_first) const {
  return {fmt::format("{:08}", randombytes_uniform(kCodes)), role, is_first, clock_() + kCodeLife};
}

/// A code that was guessed at is replaced at once: to wait would let anybody keep the technician out.
void Pairing::refresh() {
  const bool has_technician = has_technician_();
  if (code_ &&
      (clock_() >= code_->ends_at || code_->wrong >= kMostWrong || (code_->is_first && has_technician)))
    code_.reset();
  if (!code_ && !has_technician) code_ = make(Role::kTechnician, true);
}

std::optional<Pairing::Shown> Pairing::shown() {
  const std::lock_guard lock(mutex_);
  refresh();
  if (!code_) return std::nullopt;
  return Shown{code_->digits, code_->role,
               std::chrono::ceil<std::chrono::seconds>(code_->ends_at - clock_())};
}

Pairing::Shown Pairing::ask(Role role) {
  const std::lock_guard lock(mutex_);
  refresh();
  if (!code_ || !code_->is_first) code_ = make(role, false);  // the first account is a technician's, always
  return {code_->digits, code_->role, std::chrono::ceil<std::chrono::seconds>(code_->ends_at - clock_())};
}

Result<Role> Pairing::spend(std::string_view code) {
  const std::lock_guard lock(mutex_);
  refresh();
  if (!code_)
    return fail(ErrorCode::kNotFound,
                "no pairing is under way; a technician begins one, and its code "
                "stands on the box's own screen for 10 minutes");
  if (!is_same(code_->digits, code)) {
    ++code_->wrong;
    return fail(ErrorCode::kPermission,
                "that is not the code on the box's own screen; after 5 wrong ones "
                "there is another");
  }
  const Role role = code_->role;
  code_.reset();
  return role;
}

}  // namespace vitrine::desk
