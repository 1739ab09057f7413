// SPDX-License-Identifier: Apache-2.0
// The child of worker_test: does what its first argument says, through the real child half.
#include <chrono>
#include <iostream>
#include <signal.h>
#include <stdlib.h>
#include <string>
#include <thread>
#include <unistd.h>

#include "core/shared_memory.h"
#include "core/worker_session.h"

using namespace vitrine;

namespace {

nlohmann::json report() {
  nlohmann::json variables = nlohmann::json::array();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text(*entry);
    variables.push_back(text.substr(0, text.find('=')));
  }
  return {{"type", "report"}, {"environment", variables}, {"group", ::getpgrp() == ::getpid()}};
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  auto session = WorkerSession::open();
  if (!session) {
    std::cerr << session.error().message << "\n";
    return 64;
  }
  if (mode == "exit-3") return 3;
  if (mode == "abort") ::abort();
  if (mode == "garbage") {
    if (::write(kWorkerChannelFd, "not json", 8) != 8) return 65;
    ::pause();
  }
  if (mode == "announce") {
    session->announce_end({ErrorCode::kAuthRejected, "the camera refused the password"});
    return 1;
  }
  if (mode == "mute") ::pause();
  const auto started = std::chrono::steady_clock::now();
  const auto ended = session->run(
      [&](Channel::Message message) -> Status {
        if (message.body["type"] == "echo") return session->channel().send(message.body);
        if (message.body["type"] == "report") return session->channel().send(report());
        if (message.body["type"] == "memory") {
          const std::string text = "hello";
          auto fd =
              create_immutable_memfd("probe", {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
          const int number = fd->get();
          return session->channel().send({{"type", "memory"}}, {&number, 1});
        }
        if (message.body["type"] == "give up") return fail(ErrorCode::kNoSignal, "no picture for 3 s");
        return {};
      },
      [&]() -> nlohmann::json {
        if (mode == "hang" && std::chrono::steady_clock::now() - started > std::chrono::milliseconds(100))
          ::pause();
        return {{"pid", ::getpid()}};
      });
  return ended ? 0 : 1;
}
