// SPDX-License-Identifier: Apache-2.0
// The child of sandbox_test: enters the sandbox and then tries what a taken-over worker would try. Prints one
// line an attempt.
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <iostream>
#include <string>
#include <thread>
#include <unistd.h>

#include "core/sandbox.h"

using namespace vitrine;

namespace {

void attempt(const char* name, bool did_succeed) {
  std::cout << name << "=" << (did_succeed ? "succeeded" : "refused") << "\n";
}

bool can_open(const char* path, int flags) {
  const int fd = ::open(path, flags, 0600);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

bool can_make_socket(int family, int type) {
  const int fd = ::socket(family, type, 0);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

}  // namespace

/// argv: allowed directory, forbidden file, writable path, "net" or "none"
int main(int, char** argv) {
  SandboxConfig config;
  config.readable = {argv[1], "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/proc/self"};
  const bool has_network = std::string(argv[4]) == "net";
  config.network = has_network ? SandboxConfig::Network::kSockets : SandboxConfig::Network::kNone;
  const auto entered = enter_sandbox(config);
  if (!entered) {
    std::cerr << entered.error().message << "\n";
    return 1;
  }
  std::cout << "in force: " << *entered << "\n";
  attempt("read allowed", can_open((std::string(argv[1]) + "/allowed").c_str(), O_RDONLY));
  attempt("read forbidden", can_open(argv[2], O_RDONLY));
  attempt("read shadow", can_open("/etc/shadow", O_RDONLY));
  attempt("write", can_open(argv[3], O_WRONLY | O_CREAT));
  attempt("write allowed", can_open((std::string(argv[1]) + "/allowed").c_str(), O_WRONLY));
  attempt("inet", can_make_socket(AF_INET, SOCK_STREAM));
  attempt("packet", can_make_socket(AF_PACKET, SOCK_RAW));
  attempt("ptrace", ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0);
  attempt("mount", ::mount("none", "/tmp", "tmpfs", 0, nullptr) == 0);
  attempt("bpf", ::syscall(SYS_bpf, 0, nullptr, 0) >= 0);
  const long child = ::syscall(SYS_clone, 17 /* SIGCHLD: a fork */, nullptr, nullptr, nullptr, nullptr);
  if (child == 0) ::_exit(0);
  attempt("fork", child > 0);
  if (child > 0) ::waitpid(static_cast<pid_t>(child), nullptr, 0);
  bool did_run = false;
  std::thread thread([&] { did_run = true; });
  thread.join();
  attempt("thread", did_run);
  std::cout.flush();
  char program[] = "/bin/true";
  char* const arguments[] = {program, nullptr};
  ::execv(program, arguments);
  attempt("exec", false);
  std::cout.flush();
  ::_exit(0);
}
