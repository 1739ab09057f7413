// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/tls_front.h"

#include <sstream>
#include <stdexcept>

#include <fmt/format.h>

#include "tests/fakes/sockets.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::fakes {

TlsFront::TlsFront(int upstream_port, Certificate certificate) : port_(free_port()) {
  make_certificate(certificate);
  static_cast<void>(dir_.write("nginx.conf", fmt::format(R"(
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
master_process off;
pid {0}/nginx.pid;
error_log {0}/nginx.log info;
events {{ worker_connections 64; }}
stream {{
  server {{
    listen 127.0.0.1:{1} ssl;
    ssl_certificate {0}/leaf.pem;
    ssl_certificate_key {0}/leaf.key;
    proxy_pass 127.0.0.1:{2};
  }}
}}
)",
                                                         dir_.path().string(), port_, upstream_port)));
  process_.emplace(std::vector<std::string>{"/usr/sbin/nginx", "-e", dir_.path() / "nginx.log", "-p",
                                            dir_.path(), "-c", dir_.path() / "nginx.conf"},
                   dir_.path() / "nginx.out");
  const bool is_up =
      wait_for([&] { return !process_->is_running() || connect_to_loopback(port_).is_open(); });
  if (!is_up || !process_->is_running()) {
    throw std::runtime_error("nginx does not start: " + read_file(dir_.path() / "nginx.out"));
  }
}

void TlsFront::make_certificate(Certificate certificate) const {
  const std::string key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
  openssl("req -x509 " + key + " -keyout ca.key -out ca.pem -subj /CN=Test -days 30");
  static_cast<void>(dir_.write("names", certificate == Certificate::kWrongHost
                                            ? "subjectAltName=DNS:other.example\n"
                                            : "subjectAltName=DNS:localhost\n"));
  if (certificate == Certificate::kSelfSigned) {
    openssl("req -x509 " + key + " -keyout leaf.key -out leaf.pem -subj /CN=localhost -days 30");
    return;
  }
  openssl("req " + key + " -keyout leaf.key -out leaf.csr -subj /CN=leaf");
  openssl(
      "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out leaf.pem -days " +
      std::string(certificate == Certificate::kExpired ? "-1" : "30"));
}

void TlsFront::openssl(const std::string& arguments) const {
  std::vector<std::string> command{"env", "-C", dir_.path(), "openssl"};
  std::istringstream words(arguments);
  for (std::string word; words >> word;) command.push_back(word);
  const auto result = run(command);
  if (result.exit_code != 0) throw std::runtime_error("openssl " + arguments + ": " + result.errors);
}

}  // namespace vitrine::fakes
