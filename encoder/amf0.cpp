// SPDX-License-Identifier: Apache-2.0
#include "encoder/amf0.h"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "encoder/detail/big_endian.h"

namespace vitrine::encoder::amf0 {
namespace {

using detail::append_be;
using detail::read_be;

constexpr int kMaxDepth = 16;
constexpr int kMaxValues = 1024;

enum Marker : uint8_t {
  kNumber = 0x00,
  kBoolean = 0x01,
  kString = 0x02,
  kObject = 0x03,
  kNull = 0x05,
  kUndefined = 0x06,
  kEcmaArray = 0x08,
  kObjectEnd = 0x09,
  kStrictArray = 0x0A,
  kDate = 0x0B,
  kLongString = 0x0C,
  kUnsupported = 0x0D,
  kXmlDocument = 0x0F,
  kTypedObject = 0x10,
};

class Decoder {
 public:
  explicit Decoder(std::span<const uint8_t> bytes) : rest_(bytes) {}

  [[nodiscard]] bool is_at_end() const { return rest_.empty(); }

  Result<Value> value(int depth) {
    if (depth > kMaxDepth) return fail(ErrorCode::kProtocol, "AMF0: nested too deep");
    if (++values_ > kMaxValues) return fail(ErrorCode::kProtocol, "AMF0: too many values");
    const auto marker = take(1);
    if (!marker) return tl::unexpected(marker.error());
    switch (marker->front()) {
      case kNumber:
        return number(8);
      case kBoolean:
        return take(1).map([](auto bytes) { return Value{bytes.front() != 0}; });
      case kString:
        return text(2).map([](auto text) { return Value{std::move(text)}; });
      case kLongString:
      case kXmlDocument:
        return text(4).map([](auto text) { return Value{std::move(text)}; });
      case kNull:
      case kUndefined:
      case kUnsupported:
        return Value{};
      case kObject:
        return object(depth);
      case kTypedObject:
        return text(2).and_then([&](const std::string&) { return object(depth); });
      case kEcmaArray:
        return take(4).and_then([&](auto) { return object(depth); });  // the count is only a hint
      case kStrictArray:
        return array(depth);
      case kDate:
        return number(8).and_then([&](Value value) {
          return take(2).map([&](auto) { return std::move(value); });  // the time zone is reserved
        });
      default:
        return fail(ErrorCode::kProtocol, fmt::format("AMF0: unknown marker {:#04x}", marker->front()));
    }
  }

 private:
  Result<std::span<const uint8_t>> take(size_t count) {
    if (count > rest_.size()) return fail(ErrorCode::kProtocol, "AMF0: cut off");
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  Result<Value> number(size_t bytes) {
    return take(bytes).map([](auto taken) { return Value{std::bit_cast<double>(read_be(taken))}; });
  }

  Result<std::string> text(size_t length_bytes) {
    return take(length_bytes)
        .and_then([this](auto length) { return take(read_be(length)); })
        .map([](auto bytes) { return std::string(bytes.begin(), bytes.end()); });
  }

  Result<Value> object(int depth) {
    Object object;
    while (true) {
      auto name = text(2);
      if (!name) return tl::unexpected(name.error());
      if (name->empty()) {
        const auto end = take(1);
        if (!end) return tl::unexpected(end.error());
        if (end->front() != kObjectEnd) return fail(ErrorCode::kProtocol, "AMF0: a property without a name");
        return Value{std::move(object)};
      }
      auto property = value(depth + 1);
      if (!property) return property;
      object.push_back({std::move(*name), std::move(*property)});
    }
  }

  Result<Value> array(int depth) {
    const auto count = take(4);
    if (!count) return tl::unexpected(count.error());
    Object object;
    for (uint64_t i = 0; i < read_be(*count); ++i) {
      auto element = value(depth + 1);
      if (!element) return element;
      object.push_back({std::to_string(i), std::move(*element)});
    }
    return Value{std::move(object)};
  }

  std::span<const uint8_t> rest_;
  int values_ = 0;
};

}  // namespace

const Value* Value::find(std::string_view name) const {
  const auto* object = std::get_if<Object>(&data);
  if (object == nullptr) return nullptr;
  const auto found = std::ranges::find(*object, name, &Property::name);
  return found == object->end() ? nullptr : &found->value;
}

std::string_view Value::text_of(std::string_view name) const {
  const auto* value = find(name);
  return value == nullptr || value->text() == nullptr ? std::string_view{} : std::string_view(*value->text());
}

Result<std::vector<Value>> decode(std::span<const uint8_t> bytes) {
  Decoder decoder(bytes);
  std::vector<Value> values;
  while (!decoder.is_at_end()) {
    auto value = decoder.value(0);
    if (!value) return tl::unexpected(value.error());
    values.push_back(std::move(*value));
  }
  return values;
}

Writer& Writer::number(double value) {
  out_.push_back(kNumber);
  append_be(out_, std::bit_cast<uint64_t>(value), 8);
  return *this;
}

Writer& Writer::boolean(bool value) {
  out_.insert(out_.end(), {kBoolean, static_cast<uint8_t>(value ? 1 : 0)});
  return *this;
}

Writer& Writer::text(std::string_view value) {
  const bool is_long = value.size() > UINT16_MAX;
  out_.push_back(is_long ? kLongString : kString);
  append_be(out_, value.size(), is_long ? 4 : 2);
  out_.insert(out_.end(), value.begin(), value.end());
  return *this;
}

Writer& Writer::null() {
  out_.push_back(kNull);
  return *this;
}

Writer& Writer::begin_object() {
  out_.push_back(kObject);
  return *this;
}

Writer& Writer::begin_array(uint32_t count) {
  out_.push_back(kEcmaArray);
  append_be(out_, count, 4);
  return *this;
}

Writer& Writer::name(std::string_view name) {
  append_be(out_, name.size(), 2);
  out_.insert(out_.end(), name.begin(), name.end());
  return *this;
}

Writer& Writer::end() {
  append_be(out_, kObjectEnd, 3);  // an empty name, then the marker
  return *this;
}

}  // namespace vitrine::encoder::amf0
