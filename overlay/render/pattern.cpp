// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/pattern.h"

#include <fmt/format.h>

#include "core/money.h"
#include "overlay/render/time_text.h"

namespace vitrine::overlay {
namespace {

tl::unexpected<Error> refused(std::string message) {
  return fail(ErrorCode::kInvalidInput, std::move(message));
}

Status check_filter(std::string_view field, FieldType type, const std::string& filter) {
  switch (type) {
    case FieldType::kMoney:
      if (filter.empty() || filter == "amount" || filter == "cents" || filter == "symbol") return {};
      return refused(
          fmt::format("{{{}|{}}}; money takes |amount, |cents, |symbol or nothing", field, filter));
    case FieldType::kInstant: {
      if (filter.empty()) return refused(fmt::format("{{{}}}; a time takes a format such as |%H:%M", field));
      const auto bad = find_bad_time_format(filter);
      if (!bad) return {};
      return refused(
          fmt::format("{{{}|{}}} with {}; allowed are %Y %m %d %H %M %S and %-m etc.", field, filter, *bad));
    }
    case FieldType::kLink:
      if (filter == "host") return {};
      return refused(fmt::format("{{{}|{}}}; a link takes |host", field, filter));
    case FieldType::kList:
      return refused(fmt::format("{{{}}}; a list takes the number of an item, as in {{{}.0}}", field, field));
    case FieldType::kRows:
      return refused(
          fmt::format("{{{}}}; rows take the number of one and a column, as in {{{}.0.name}}", field, field));
    case FieldType::kText:
    case FieldType::kInteger:
      if (filter.empty()) return {};
      return refused(
          fmt::format("{{{}|{}}}; {} takes nothing behind its name", field, filter, to_string(type)));
    case FieldType::kImage:
    case FieldType::kBoolean:
      break;
  }
  return refused(fmt::format("{{{}}}; {} is not text", field, to_string(type)));
}

std::string money_text(const Money& money, const std::string& filter) {
  if (filter == "symbol") return currency_symbol(money);
  if (filter == "amount") return format_amount(money, Cents::kTrim);
  if (filter == "cents") return format_amount(money, Cents::kKeep);
  return currency_symbol(money) + format_amount(money, Cents::kTrim);
}

}  // namespace

Result<Pattern> Pattern::parse(std::string_view text, const Manifest& manifest) {
  Pattern pattern;
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) pattern.parts_.push_back({std::exchange(literal, {}), {}, {}});
  };
  for (size_t at = 0; at < text.size(); ++at) {
    if (text.substr(at, 2) == "{{") {
      literal += text[at++];
      continue;
    }
    if (text[at] != '{') {
      literal += text[at];
      continue;
    }
    const size_t end = text.find('}', at);
    if (end == std::string_view::npos)
      return refused(fmt::format("\"{}\" with a '{{' that is not closed", text));
    flush();
    const std::string_view inside = text.substr(at + 1, end - at - 1);
    const std::string_view name = inside.substr(0, inside.find('|'));
    Part part;
    if (name.size() < inside.size()) part.filter = inside.substr(name.size() + 1);
    part.field = name;
    const auto type = manifest.type_of(part.field);
    if (!type) return refused(fmt::format("{{{}}}, which the manifest does not name", inside));
    if (auto checked = check_filter(part.field, *type, part.filter); !checked) {
      return tl::unexpected(checked.error());
    }
    pattern.has_figures_ |= type == FieldType::kInteger || type == FieldType::kMoney ||
                            type == FieldType::kInstant || type == FieldType::kLink;
    pattern.parts_.push_back(std::move(part));
    at = end;
  }
  flush();
  return pattern;
}

std::optional<std::string> Pattern::format(const LayerData& data) const {
  std::string text;
  for (const auto& part : parts_) {
    if (part.field.empty()) {
      text += part.literal;
      continue;
    }
    const auto* value = data.find(part.field);
    if (value == nullptr) return std::nullopt;
    if (const auto* string = std::get_if<std::string>(value)) {
      text += *string;
    } else if (const auto* integer = std::get_if<int64_t>(value)) {
      text += std::to_string(*integer);
    } else if (const auto* money = std::get_if<Money>(value)) {
      text += money_text(*money, part.filter);
    } else if (const auto* instant = std::get_if<Instant>(value)) {
      text += local_time_text(*instant, part.filter);
    } else if (const auto* link = std::get_if<Link>(value)) {
      text += link->host;
    }
  }
  return text;
}

}  // namespace vitrine::overlay
