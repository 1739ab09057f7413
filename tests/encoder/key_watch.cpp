// SPDX-License-Identifier: Apache-2.0
#include "tests/encoder/key_watch.h"

#include <algorithm>
#include <fcntl.h>
#include <mutex>
#include <optional>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/log.h"
#include "tests/fakes/temp_dir.h"

#ifdef VITRINE_SANITIZED
#include <sanitizer/common_interface_defs.h>
#endif

namespace vitrine::encoder {
namespace {

std::mutex texts_mutex;
std::string texts;

std::string hex(const std::string& text) {
  std::string out;
  for (const unsigned char c : text) out += fmt::format("{:02x}", c);
  return out;
}

std::string base64(const std::string& text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i + 2 < text.size(); i += 3) {  // the rest would only add padding
    const auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned bits = static_cast<unsigned>(byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2));
    for (const int shift : {18, 12, 6, 0}) out += kDigits[bits >> shift & 63];
  }
  return out;
}

std::string percent(const std::string& text) {
  std::string out;
  for (const unsigned char c : text)
    out += std::isalnum(c) != 0 ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
  return out;
}

class KeyWatch : public ::testing::Environment {
 public:
  void SetUp() override {
    ::fflush(stderr);
    original_ = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
#ifdef VITRINE_SANITIZED
    __sanitizer_set_report_fd(reinterpret_cast<void*>(static_cast<intptr_t>(original_)));
#endif
    dir_.emplace();
    const int kept = ::open((dir_->path() / "stderr").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0600);
    ::dup2(kept, STDERR_FILENO);
    ::close(kept);
    log::open("test", log::Level::kDebug);
  }

  void TearDown() override {
    log::close();
    ::fflush(stderr);
    ::dup2(original_, STDERR_FILENO);
    const std::string kept = fakes::read_file(dir_->path() / "stderr");
    ::fputs(kept.c_str(), stderr);
    const std::lock_guard lock(texts_mutex);
    const std::string all = kept + texts;
    for (const std::string secret : {kCanaryKey, kCanaryName, "69b2c3d4", "aZ7yX3wQ1pR5"}) {
      std::string reversed = secret;
      std::ranges::reverse(reversed);
      for (const auto& form : {secret, reversed, hex(secret), base64(secret), percent(secret)}) {
        EXPECT_EQ(all.find(form), std::string::npos) << "the stream key came out as " << form;
      }
    }
  }

 private:
  int original_ = -1;
  std::optional<fakes::TempDir> dir_;
};

const auto* const key_watch = ::testing::AddGlobalTestEnvironment(std::make_unique<KeyWatch>().release());

}  // namespace

void watch_text(const std::string& text) {
  const std::lock_guard lock(texts_mutex);
  texts += text + '\n';
}

}  // namespace vitrine::encoder
