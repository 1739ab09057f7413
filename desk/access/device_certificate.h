// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/media_time.h"
#include "core/url.h"

namespace vitrine::desk {

/// By what this box proves on the shop's network that it is this box: an authority of its own, made at the
/// first start and valid 10 years, and a certificate for its names and addresses, valid 90 days and made anew
/// 30 days before its end, or when the names change. ECDSA P-256. The authority may only sign for these names
/// and for private addresses: a PC that trusts it is not open to more. Files, 0600: device.pem,
/// authority.pem, each key and certificate in one, so that a power cut can't part them. Thread: any.
class DeviceCertificate {
 public:
  struct Info {
    std::string sha256;  // of the certificate, "AB:CD:…", as browsers show it
    Instant valid_until{};
  };

  /// Makes what is missing or due. `names`: of DNS, and addresses. Errors: kIo, kDiskFull, kPermission.
  static Result<std::unique_ptr<DeviceCertificate>> open(std::filesystem::path directory,
                                                         const std::vector<std::string>& names, Instant now);

  enum class Renewal { kNotDue, kNewCertificate };
  Result<Renewal> renew_if_due(const std::vector<std::string>& names, Instant now);

  /// Key, certificate and authority's certificate, for a server of TLS.
  [[nodiscard]] std::filesystem::path file() const { return directory_ / "device.pem"; }
  [[nodiscard]] Info device() const;
  [[nodiscard]] Info authority() const;
  [[nodiscard]] std::string authority_pem() const;

 private:
  explicit DeviceCertificate(std::filesystem::path directory) : directory_(std::move(directory)) {}

  const std::filesystem::path directory_;
  mutable std::mutex mutex_;
  Info device_;  // guarded by mutex_, as all that follows
  Info authority_;
  std::string authority_pem_;
};

/// The names that a certificate for a server on `listen` needs: `host_names`, and the addresses; for "all
/// addresses" those that this box has now.
std::vector<std::string> names_of(const std::vector<ListenAddress>& listen,
                                  const std::vector<std::string>& host_names);

}  // namespace vitrine::desk
