// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "tests/fakes/child_process.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::fakes {

/// nginx terminating TLS on "localhost" in front of a plain server, with a certificate of a CA made for the
/// test.
class TlsFront {
 public:
  enum class Certificate { kGood, kExpired, kWrongHost, kSelfSigned };

  TlsFront(int upstream_port, Certificate certificate);

  [[nodiscard]] std::string url() const { return "rtmps://localhost:" + std::to_string(port_) + "/live"; }
  [[nodiscard]] std::filesystem::path ca_file() const { return dir_.path() / "ca.pem"; }

 private:
  void make_certificate(Certificate certificate) const;
  void openssl(const std::string& arguments) const;

  TempDir dir_;
  int port_;
  std::optional<ChildProcess> process_;
};

}  // namespace vitrine::fakes
