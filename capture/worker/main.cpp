// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <poll.h>

#include <fmt/format.h>

#include "capture/worker/plugins.h"
#include "capture/worker/source_worker.h"
#include "core/sandbox.h"
#include "core/worker_session.h"

namespace vitrine::capture {
namespace {

using Kind = SourceAddress::Kind;

/// Rings of a 4096 × 2304 camera are 0.5 GiB, mapped twice; thread stacks and heap arenas are addresses, not
/// memory.
constexpr size_t kMaxAddressSpace = size_t{6} << 30;

Result<OpenRequest> wait_for_request(Channel& channel) {
  while (true) {
    pollfd waiting{channel.fd(), POLLIN, 0};
    if (::poll(&waiting, 1, -1) < 0 && errno != EINTR) return fail_errno(ErrorCode::kIo, "poll");
    auto received = channel.receive();
    if (!received) return tl::unexpected(received.error());
    if (*received) return parse_open_request((*received)->body);
  }
}

void add_sound_configuration(SandboxConfig& sandbox) {
  for (const char* path : {"/usr/share/alsa", "/etc/alsa", "/etc/asound.conf", "/proc/asound"})
    sandbox.readable.emplace_back(path);
  if (const char* home = std::getenv("HOME"))
    sandbox.readable.push_back(std::filesystem::path(home) / ".asoundrc");
  // A configuration of the technician's own names files beside it.
  if (const char* own = std::getenv("ALSA_CONFIG_PATH"))
    sandbox.readable.push_back(std::filesystem::path(own).parent_path());
  sandbox.devices = {"/dev/snd", "/dev/null", "/dev/full"};  // the last two: ALSA's null and file devices
}

SandboxConfig sandbox_for(const SourceAddress& address) {
  SandboxConfig sandbox;
  // Libraries that libc and ALSA load late (name service, character sets, PCM plugins).
  sandbox.readable = {"/usr/lib",     "/lib",       "/etc/ld.so.cache",
                      "/dev/urandom", "/proc/self", "/sys/devices/system/cpu"};
  sandbox.max_memory_bytes = kMaxAddressSpace;
  switch (address.kind) {
    case Kind::kRtsp:
      sandbox.network = SandboxConfig::Network::kSockets;
      for (const char* path :
           {"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf",
            "/etc/services", "/etc/protocols", "/run/systemd/resolve", "/run/NetworkManager/resolv.conf"}) {
        sandbox.readable.emplace_back(path);
      }
      break;
    case Kind::kV4l2:
      sandbox.devices.emplace_back(address.value);
      break;
    case Kind::kAlsa:
      add_sound_configuration(sandbox);
      break;
    case Kind::kFile:
      sandbox.readable.emplace_back(address.value);
      break;
    default:
      break;
  }
  return sandbox;
}

int run() {
  auto session = WorkerSession::open();
  if (!session) {
    fmt::print(stderr, "vitrine-source: {}\n", session.error().message);
    return EXIT_FAILURE;
  }
  const auto give_up = [&](const Error& cause) {
    session->announce_end(cause);
    return EXIT_FAILURE;
  };
  auto request = wait_for_request(session->channel());
  if (!request) return give_up(request.error());
  av_log_set_level(AV_LOG_QUIET);  // a damaged stream is counted, not told line by line
  if (auto started = start_gstreamer(request->address); !started) return give_up(started.error());
  // After the libraries are loaded, before anything foreign is read and before the first thread.
  auto sandbox = enter_sandbox(sandbox_for(request->address));
  if (!sandbox) return give_up(sandbox.error().with_context("closing the sandbox"));
  SourceWorker worker(*session, std::move(*request), std::move(*sandbox));
  worker.run();
}

}  // namespace
}  // namespace vitrine::capture

int main() {
  return vitrine::capture::run();
}
