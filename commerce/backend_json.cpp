// SPDX-License-Identifier: Apache-2.0
#include "commerce/backend_json.h"

#include <string>
#include <vector>

#include <fmt/format.h>

namespace vitrine::commerce {
namespace {

using nlohmann::json;

/// nlohmann's SAX interface; builds the value.
class Builder : public nlohmann::json_sax<json> {
 public:
  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t /*value*/, const string_t& text) override { return add(text); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*elements*/) override { return open(json::object()); }
  bool key(string_t& value) override {
    key_ = std::move(value);
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*elements*/) override { return open(json::array()); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string& /*last_token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    problem_ = fmt::format("not JSON at byte {}", position);
    return false;
  }

  json take() { return std::move(root_); }
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  static constexpr size_t kMaxDepth = 64;
  static constexpr size_t kMaxValues =
      500'000;  // ten times a page of 1000 items; 4 MiB of "[]" are 100 MiB here

  json& place(json value) {
    if (open_.empty()) return root_ = std::move(value);
    json& parent = *open_.back();
    if (parent.is_array()) return parent.emplace_back(std::move(value));
    return parent[key_] = std::move(value);
  }
  bool is_one_too_many() {
    if (++values_ <= kMaxValues) return false;
    problem_ = fmt::format("more than {} values", kMaxValues);
    return true;
  }
  bool add(json value) {
    if (is_one_too_many()) return false;
    place(std::move(value));
    return true;
  }
  bool open(json container) {
    if (is_one_too_many()) return false;
    if (open_.size() >= kMaxDepth) {
      problem_ = fmt::format("nested deeper than {}", kMaxDepth);
      return false;
    }
    open_.push_back(
        &place(std::move(container)));  // stays there: its parent gets no sibling while it is open
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  json root_;
  std::vector<json*> open_;
  std::string key_;
  std::string problem_;
  size_t values_ = 0;
};

}  // namespace

Result<nlohmann::json> parse_backend_json(std::string_view text) {
  Builder builder;
  if (json::sax_parse(text, &builder)) return builder.take();
  return fail(ErrorCode::kProtocol, builder.problem().empty() ? "not JSON" : builder.problem());
}

}  // namespace vitrine::commerce
