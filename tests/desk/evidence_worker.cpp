// SPDX-License-Identifier: Apache-2.0
// The evidence's own part of a desk, to be killed: takes what is in RECORDINGS into DIRECTORY until it ends.
#include <csignal>
#include <cstdio>
#include <unistd.h>

#include "desk/evidence/as_run_reader.h"
#include "desk/evidence/recording_hasher.h"

int main(int argc, char** argv) {
  using namespace vitrine::desk;
  if (argc != 3) return 2;
  auto book = EvidenceBook::open({argv[1], argv[2]});
  if (!book) {
    std::fprintf(stderr, "%s\n", book.error().message.c_str());
    return 1;
  }
  RecordingHasher hasher(**book);
  AsRunReader reader(**book, {nullptr, [&] { hasher.poke(); }});
  reader.start();
  ::pause();
  return 0;
}
