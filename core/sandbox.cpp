// SPDX-License-Identifier: Apache-2.0
#include "core/sandbox.h"

#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <seccomp.h>
#include <unistd.h>

#include <fmt/format.h>

#include "core/unique_fd.h"

namespace vitrine {
namespace {

// linux/landlock.h of Debian 12 knows ABI 2; later rights are the next bits (kernel documentation,
// userspace-api/landlock).
constexpr uint64_t kAccessTruncate = 1ULL << 14;     // ABI 3
constexpr uint64_t kAccessIoctlDevice = 1ULL << 15;  // ABI 5

constexpr uint64_t kReadAccess = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;

constexpr uint64_t rights_of_abi(long abi) {
  uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;  // ABI 1: every right up to MAKE_SYM
  if (abi >= 2) rights |= LANDLOCK_ACCESS_FS_REFER;
  if (abi >= 3) rights |= kAccessTruncate;
  if (abi >= 5) rights |= kAccessIoctlDevice;
  return rights;
}

Status allow_path(int ruleset, const std::filesystem::path& path, uint64_t rights) {
  const UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd.is_open()) return {};  // what does not exist can't be opened either
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return fail_errno(ErrorCode::kIo, path.string());
  if (!S_ISDIR(status.st_mode)) rights &= ~static_cast<uint64_t>(LANDLOCK_ACCESS_FS_READ_DIR);
  const landlock_path_beneath_attr rule{rights, fd.get()};
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
    return fail_errno(ErrorCode::kPermission, "landlock rule for " + path.string());
  }
  return {};
}

Result<std::string> restrict_files(const SandboxConfig& config) {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1) return std::string("no landlock in this kernel");
  const uint64_t handled = rights_of_abi(abi);
  const landlock_ruleset_attr attributes{handled};
  const UniqueFd ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!ruleset.is_open()) return fail_errno(ErrorCode::kPermission, "landlock_create_ruleset");
  for (const auto& path : config.readable) {
    if (auto added = allow_path(ruleset.get(), path, kReadAccess & handled); !added)
      return tl::unexpected(added.error());
  }
  for (const auto& path : config.devices) {
    // Truncating a device does nothing, but programs open /dev/null like that.
    const uint64_t rights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                            LANDLOCK_ACCESS_FS_READ_DIR | kAccessTruncate | kAccessIoctlDevice;
    if (auto added = allow_path(ruleset.get(), path, rights & handled); !added)
      return tl::unexpected(added.error());
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return fail_errno(ErrorCode::kPermission, "landlock_restrict_self");
  }
  return fmt::format("landlock abi {}", abi);
}

// Everything a picture or sound decoder has no business with. A list of what is refused rather than of what
// is allowed: GLib, Pango and ALSA reach a new system call with every libc, and a worker that dies of one is
// a shop off the air.
constexpr std::array kRefused = {"execve",
                                 "execveat",
                                 "fork",
                                 "vfork",
                                 "ptrace",
                                 "process_vm_readv",
                                 "process_vm_writev",
                                 "kill",
                                 "tkill",
                                 "pidfd_send_signal",
                                 "pidfd_getfd",
                                 "mount",
                                 "umount2",
                                 "move_mount",
                                 "open_tree",
                                 "fsopen",
                                 "fsmount",
                                 "fsconfig",
                                 "mount_setattr",
                                 "pivot_root",
                                 "chroot",
                                 "swapon",
                                 "swapoff",
                                 "reboot",
                                 "sethostname",
                                 "setdomainname",
                                 "init_module",
                                 "finit_module",
                                 "delete_module",
                                 "kexec_load",
                                 "kexec_file_load",
                                 "bpf",
                                 "perf_event_open",
                                 "userfaultfd",
                                 "io_uring_setup",
                                 "io_uring_enter",
                                 "io_uring_register",
                                 "keyctl",
                                 "add_key",
                                 "request_key",
                                 "unshare",
                                 "setns",
                                 "settimeofday",
                                 "clock_settime",
                                 "adjtimex",
                                 "clock_adjtime",
                                 "acct",
                                 "quotactl",
                                 "syslog",
                                 "iopl",
                                 "ioperm",
                                 "setuid",
                                 "setgid",
                                 "setreuid",
                                 "setregid",
                                 "setresuid",
                                 "setresgid",
                                 "setgroups",
                                 "mknod",
                                 "mknodat",
                                 "chmod",
                                 "fchmod",
                                 "fchmodat",
                                 "chown",
                                 "fchown",
                                 "lchown",
                                 "fchownat",
                                 "link",
                                 "linkat",
                                 "symlink",
                                 "symlinkat",
                                 "listen",
                                 "accept",
                                 "accept4"};

// The sanitizer runtimes trace and signal themselves at exit.
[[maybe_unused]] constexpr std::array<std::string_view, 3> kNeededBySanitizers = {"ptrace", "kill", "tkill"};

bool is_refused(std::string_view name) {
#ifdef VITRINE_SANITIZED
  for (const auto needed : kNeededBySanitizers) {
    if (needed == name) return false;
  }
#endif
  return !name.empty();
}

Status restrict_system_calls(const SandboxConfig& config) {
  struct Release {
    void operator()(void* context) const { seccomp_release(context); }
  };
  const std::unique_ptr<void, Release> filter(seccomp_init(SCMP_ACT_ALLOW));
  if (!filter) return fail(ErrorCode::kPermission, "seccomp_init");
  int rc = 0;
  const auto refuse = [&](const char* name) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) return;  // this architecture or libseccomp does not have it
    if (rc == 0) rc = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), number, 0);
  };
  for (const char* name : kRefused) {
    if (is_refused(name)) refuse(name);
  }
  // clone without CLONE_THREAD is fork; clone3 hides its flags in memory, so libc is told it does not exist.
  constexpr uint64_t kCloneThread = 0x00010000;
  if (rc == 0) {
    rc = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  }
#ifndef VITRINE_SANITIZED
  if (rc == 0) {
    rc = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                          SCMP_A0(SCMP_CMP_MASKED_EQ, kCloneThread, 0));
  }
#else
  (void)kCloneThread;
#endif
  if (config.network == SandboxConfig::Network::kNone) {
    // socketpair stays: such a pair reaches nobody but its maker, and GStreamer wakes its own threads with
    // them.
    for (const char* name : {"socket", "connect", "bind", "sendto"}) refuse(name);
  } else {
    // Cameras are reached by IP; names by the resolver's UNIX socket and netlink. No raw, packet or other
    // families.
    for (const int family : {AF_PACKET, AF_VSOCK, AF_BLUETOOTH, AF_ALG, AF_XDP, AF_CAN, AF_TIPC}) {
      if (rc == 0) {
        rc = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                              SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family)));
      }
    }
  }
  if (rc == 0) rc = seccomp_load(filter.get());
  if (rc < 0) return fail_errno(ErrorCode::kPermission, "seccomp", -rc);
  return {};
}

Status limit(__rlimit_resource resource, rlim_t value, const char* name) {
  const rlimit limits{value, value};
  if (::setrlimit(resource, &limits) != 0) return fail_errno(ErrorCode::kPermission, name);
  return {};
}

}  // namespace

Result<std::string> enter_sandbox(const SandboxConfig& config) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return fail_errno(ErrorCode::kPermission, "no_new_privs");
  if (auto set = limit(RLIMIT_CORE, 0, "RLIMIT_CORE"); !set) return tl::unexpected(set.error());
  if (auto set = limit(RLIMIT_NOFILE, static_cast<rlim_t>(config.max_open_files), "RLIMIT_NOFILE"); !set) {
    return tl::unexpected(set.error());
  }
#ifndef VITRINE_SANITIZED  // shadow memory reserves terabytes of addresses
  if (config.max_memory_bytes > 0) {
    if (auto set = limit(RLIMIT_AS, config.max_memory_bytes, "RLIMIT_AS"); !set)
      return tl::unexpected(set.error());
  }
#endif
  auto files = restrict_files(config);
  if (!files) return files;
  if (auto calls = restrict_system_calls(config); !calls) return tl::unexpected(calls.error());
  return fmt::format("{}, seccomp, {}", *files,
                     config.network == SandboxConfig::Network::kNone ? "no network" : "IP sockets only");
}

}  // namespace vitrine
