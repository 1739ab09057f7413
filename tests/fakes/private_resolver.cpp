// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/private_resolver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <fstream>
#include <sched.h>

namespace vitrine::fakes {
namespace {

// Port 53 is the only one resolv.conf can mean; nobody else uses this address of loopback.
constexpr const char* kDnsAddress = "127.53.53.53";
constexpr uint16_t kDnsPort = 53;

}  // namespace

bool PrivateResolver::install() {
  silent_dns_.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kDnsPort);
  ::inet_pton(AF_INET, kDnsAddress, &address.sin_addr);
  if (::bind(silent_dns_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return false;
  if (::unshare(CLONE_NEWNS) != 0) return false;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  const auto resolv = dir_.write("resolv.conf", std::string("nameserver ") + kDnsAddress + "\n");
  const auto hosts = dir_.write("hosts", "127.0.0.1 localhost\n");
  return ::mount(resolv.c_str(), "/etc/resolv.conf", nullptr, MS_BIND, nullptr) == 0 &&
         ::mount(hosts.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr) == 0;
}

void PrivateResolver::set_hosts(const std::string& content) const {
  std::ofstream(dir_.path() / "hosts", std::ios::trunc) << content;
}

}  // namespace vitrine::fakes
