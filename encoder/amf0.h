// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/error.h"
#include "core/packet.h"

/// Action Message Format 0, the language of RTMP commands.
/// Source: Adobe, "Action Message Format – AMF 0", 2007.
namespace vitrine::encoder::amf0 {

struct Property;
/// In the order written; a name may come twice, the first counts.
using Object = std::vector<Property>;

/// A value of a command. Null, undefined and unsupported are one: nothing. Dates are their number, arrays are
/// objects whose names are their indices.
struct Value {
  std::variant<std::monostate, double, bool, std::string, Object> data;

  [[nodiscard]] const double* number() const { return std::get_if<double>(&data); }
  [[nodiscard]] const std::string* text() const { return std::get_if<std::string>(&data); }
  /// The text of a property; empty when this is no object or has no such text.
  [[nodiscard]] std::string_view text_of(std::string_view name) const;
  [[nodiscard]] const Value* find(std::string_view name) const;
};

struct Property {
  std::string name;
  Value value;
};

/// All values of a message. What a server may send is bounded: 16 levels, 1024 values.
/// Errors: kProtocol for what is cut off, unknown or over a limit.
Result<std::vector<Value>> decode(std::span<const uint8_t> bytes);

/// Appends values to a message. Texts longer than 65535 bytes become long strings.
class Writer {
 public:
  explicit Writer(Bytes& out) : out_(out) {}

  Writer& number(double value);
  Writer& boolean(bool value);
  Writer& text(std::string_view value);
  Writer& null();
  Writer& begin_object();
  Writer& begin_array(uint32_t count);
  Writer& name(std::string_view name);
  /// Ends an object or an array.
  Writer& end();

 private:
  Bytes& out_;
};

}  // namespace vitrine::encoder::amf0
