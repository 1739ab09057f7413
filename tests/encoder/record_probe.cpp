// SPDX-License-Identifier: Apache-2.0
// Records a programme into argv[1] until it is killed; each line on stdout is a promise: session time, in ms,
// before which everything is on the disk.
#include <cstdio>
#include <thread>

#include "encoder/recorder.h"
#include "tests/fakes/live_program.h"

int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  if (argc != 2) return 2;
  const vitrine::fakes::LiveProgram program({.speed = 2, .first_pts = {}, .max_frames = -1});
  vitrine::encoder::RecorderConfig config;
  config.directory = argv[1];
  config.program = "main";
  config.session = "s";
  config.segment = 6s;
  const vitrine::encoder::Recorder recorder(std::move(config), vitrine::fakes::LiveProgram::info(),
                                            program.ring(), nullptr);
  while (true) {
    std::printf("%lld\n", static_cast<long long>(recorder.status().safe_until / 1ms));
    std::fflush(stdout);
    std::this_thread::sleep_for(10ms);
  }
}
