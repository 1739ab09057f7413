// SPDX-License-Identifier: Apache-2.0
#include "encoder/rtmp_status.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/text_rules.h"

namespace vitrine::encoder {
namespace {

constexpr size_t kMaxShownBytes = 160;
constexpr size_t kMaxReadBytes = 4096;  // looking for the key takes time; what a server says is short
constexpr size_t kTellingRun = 6;

struct StatusRule {
  std::string_view code;
  ErrorCode error;
  std::string_view sentence;
};

constexpr std::string_view kKeyRefused =
    "the platform refused the stream key: it is wrong, has expired, or this account may not go live now";
constexpr std::string_view kBusy =
    "the platform still holds our previous session, or somebody else is live with this key; it lets go by "
    "itself";
constexpr std::string_view kClosed = "the platform ended the stream";

// A code that is not here and has level "error" is shown with its description as a protocol error.
constexpr std::array kRules = {
    StatusRule{"NetStream.Publish.BadName", ErrorCode::kIngestBusy, kBusy},
    StatusRule{"NetStream.Publish.Denied", ErrorCode::kAuthRejected, kKeyRefused},
    StatusRule{"NetStream.Publish.Rejected", ErrorCode::kAuthRejected, kKeyRefused},
    StatusRule{"NetStream.Publish.Unauthorized", ErrorCode::kAuthRejected, kKeyRefused},
    StatusRule{"NetStream.Authenticate.UsherFailed", ErrorCode::kAuthRejected, kKeyRefused},
    StatusRule{"NetStream.Publish.Failed", ErrorCode::kIngestDisconnected,
               "the platform could not take the stream"},
    StatusRule{"NetStream.Failed", ErrorCode::kIngestDisconnected, "the platform could not take the stream"},
    StatusRule{"NetStream.Unpublish.Success", ErrorCode::kIngestDisconnected, kClosed},
    StatusRule{"NetConnection.Connect.InvalidApp", ErrorCode::kNotFound,
               "the platform knows no such address: check the part of the URL behind the host name"},
    StatusRule{"NetConnection.Connect.Rejected", ErrorCode::kAuthRejected,
               "the platform refused the connection: address or key are not, or no longer, valid"},
    StatusRule{"NetConnection.Connect.AppShutdown", ErrorCode::kIngestDisconnected, kClosed},
    StatusRule{"NetConnection.Connect.Closed", ErrorCode::kIngestDisconnected, kClosed},
    StatusRule{"NetConnection.Connect.Failed", ErrorCode::kIngestDisconnected,
               "the platform could not take the connection"},
};

/// The longest run that begins at text[at] and stands anywhere in the key.
size_t run_in_key(std::string_view text, size_t at, std::string_view key) {
  size_t length = 0;
  while (at + length < text.size() && key.find(text.substr(at, length + 1)) != std::string_view::npos)
    ++length;
  return length;
}

/// Not more than `bytes`, and no character cut in two.
std::string_view cut(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (text[bytes] & 0xC0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : cut(text, kMaxShownBytes))
    out += c >= ' ' && c != '\x7F' ? c : (c & 0x80) != 0 ? c : ' ';
  while (!out.empty() && find_unsafe_character(out)) {
    // Not UTF-8, or characters that turn the line around: only ASCII stays.
    std::erase_if(out, [](char c) { return (c & 0x80) != 0; });
  }
  return out;
}

}  // namespace

std::string without_key(std::string_view text, const Secret& key) {
  text = cut(text, kMaxReadBytes);
  const std::string_view secret = key.reveal();
  const size_t telling = std::min(kTellingRun, std::max<size_t>(secret.size(), 1));
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t run = secret.empty() ? 0 : run_in_key(text, at, secret);
    if (run >= telling) {
      out += "[key]";
      at += run;
    } else {
      out += text[at++];
    }
  }
  return printable(out);
}

bool ends_connection(std::string_view code, std::string_view level) {
  return level == "error" || std::ranges::find(kRules, code, &StatusRule::code) != kRules.end();
}

Error error_of_status(std::string_view code, std::string_view description, const Secret& key) {
  const auto rule = std::ranges::find(kRules, code, &StatusRule::code);
  const std::string shown_code = without_key(code, key);
  const std::string shown =
      description.empty() ? shown_code : fmt::format("{}: {}", shown_code, without_key(description, key));
  if (rule == kRules.end())
    return {ErrorCode::kProtocol, fmt::format("the platform ended the stream ({})", shown), 0};
  return {rule->error, fmt::format("{} ({})", rule->sentence, shown), 0};
}

Error error_of_silent_refusal() {
  return {ErrorCode::kAuthRejected,
          "the platform hung up without a word when it was given the stream key: most likely the key is "
          "wrong or has expired",
          0};
}

}  // namespace vitrine::encoder
