// SPDX-License-Identifier: Apache-2.0
#include "commerce/detail/pinyin.h"

#include <map>
#include <memory>
#include <mutex>

#include <unicode/translit.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include "core/log.h"

namespace vitrine::commerce::detail {
namespace {

bool is_typed(UChar32 character) {
  return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9');
}

/// Readings of characters, asked of ICU once each.
class Readings {
 public:
  Readings() {
    UErrorCode status = U_ZERO_ERROR;
    reader_.reset(
        icu::Transliterator::createInstance("Han-Latin; Latin-ASCII; Lower", UTRANS_FORWARD, status));
    if (U_FAILURE(status) != 0) {
      log::error("items", "ICU has no Han-Latin ({}): items are not found by their pinyin",
                 u_errorName(status));
      reader_.reset();
    }
  }
  /// Empty where there is none.
  const std::string& of(UChar32 character) {
    const std::lock_guard lock(mutex_);
    const auto [known, is_new] = known_.try_emplace(character);
    if (is_new && reader_) {
      icu::UnicodeString text(character);
      reader_->transliterate(text);
      for (int32_t at = 0; at < text.length(); ++at)
        if (is_typed(text[at])) known->second += static_cast<char>(text[at]);
    }
    return known->second;  // a map's values stay where they are
  }

 private:
  std::mutex mutex_;
  std::unique_ptr<icu::Transliterator> reader_;
  std::map<UChar32, std::string> known_;
};

}  // namespace

std::string pinyin_of(std::string_view name) {
  static Readings readings;
  const auto text = icu::UnicodeString::fromUTF8({name.data(), static_cast<int32_t>(name.size())});
  std::string initials;
  std::string all;
  for (int32_t at = 0; at < text.length(); at = text.moveIndex32(at, 1)) {
    const UChar32 character = text.char32At(at);
    UErrorCode status = U_ZERO_ERROR;
    if (uscript_getScript(character, &status) == USCRIPT_HAN) {
      const std::string& reading = readings.of(character);
      if (reading.empty()) continue;
      initials += reading.front();
      all += reading;
    } else if (const UChar32 small = u_tolower(character); is_typed(small)) {
      initials += static_cast<char>(small);
      all += static_cast<char>(small);
    }
  }
  return initials + ' ' + all;
}

std::string pinyin_query(std::string_view typed) {
  std::string query;
  for (const char character : typed) {
    const UChar32 small = u_tolower(static_cast<unsigned char>(character));
    if (is_typed(small))
      query += static_cast<char>(small);
    else if (character != ' ')
      return "";
  }
  return query;
}

}  // namespace vitrine::commerce::detail
