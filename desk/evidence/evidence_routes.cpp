// SPDX-License-Identifier: Apache-2.0
#include "desk/evidence/evidence_routes.h"

#include <charconv>

#include <fmt/format.h>

#include "core/log.h"
#include "core/object_reader.h"
#include "core/rfc3339.h"
#include "desk/evidence/chain.h"
#include "desk/evidence/evidence_export.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;

constexpr std::chrono::minutes kLongestClip{2};
constexpr Roles kWhoAnswers{Role::kOperator, Role::kService};

/// The query's values, with all that is wrong with them as one refusal.
class Query {
 public:
  explicit Query(const ApiRequest& request) : request_(request) {}

  std::string text(const char* name) {
    const auto found = request_.query.find(name);
    return found == request_.query.end() ? "" : found->second;
  }
  std::string needed(const char* name) {
    std::string value = text(name);
    if (value.empty()) problems_.push_back({name, "nothing", "what to look for"});
    return value;
  }
  std::optional<Instant> instant(const char* name) {
    const std::string value = text(name);
    const auto at = parse_rfc3339(value);
    if (!value.empty() && !at)
      problems_.push_back({name, "\"" + value + "\"", "a time as 2026-11-11T12:00:00Z"});
    return at;
  }
  Instant needed_instant(const char* name) {
    (void)needed(name);
    return instant(name).value_or(Instant{});
  }
  void refuse(const char* name, const std::string& found, const char* allowed) {
    problems_.push_back({name, "\"" + found + "\"", allowed});
  }
  int64_t integer(const char* name, int64_t fallback, int64_t most) {
    const std::string value = text(name);
    if (value.empty()) return fallback;
    int64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error == std::errc() && end == value.data() + value.size() && number >= 1 && number <= most)
      return number;
    problems_.push_back({name, "\"" + value + "\"", fmt::format("a number from 1 to {}", most)});
    return fallback;
  }

  /// The answer of `ask`, unless the query is wrong.
  template <typename Ask>
  Result<ApiAnswer> answer(const Ask& ask) const {
    if (!problems_.empty()) return tl::unexpected(to_error(problems_));
    auto body = ask();
    if (!body) return tl::unexpected(body.error());
    ApiAnswer answer;
    answer.body = std::move(*body);
    return answer;
  }

 private:
  const ApiRequest& request_;
  Problems problems_;
};

Result<ApiAnswer> list_rows(const EvidenceLookup& lookup, const ApiRequest& request) {
  Query query(request);
  EvidenceLookup::Filter filter;
  filter.program = query.text("program");
  filter.session = query.text("session");
  filter.kind = query.text("kind");
  if (const std::string product = query.text("product"); !product.empty())
    filter.item = commerce::Ref{product, query.text("variant")};
  filter.from = query.instant("from");
  filter.until = query.instant("until");
  filter.before = query.integer("before", INT64_MAX, INT64_MAX);
  filter.limit = static_cast<int>(query.integer("limit", 100, 500));
  return query.answer([&] { return lookup.list(filter); });
}

/// {"from", "until", "program"?} or {"program", "session"}; "recordings": false leaves the files out.
Result<ExportWish> export_wish(const json& body) {
  ExportWish wish;
  Problems problems;
  const json nothing = json::object();
  ObjectReader reader(body.is_null() ? nothing : body, "", problems);
  if (reader.has("program")) wish.program = reader.id("program");
  if (reader.has("session")) wish.session = reader.id("session");
  if (reader.has("from")) wish.from = reader.instant("from");
  if (reader.has("until")) wish.until = reader.instant("until");
  if (!reader.boolean_or("recordings", true)) wish.recordings = ExportWish::Recordings::kLeftOut;
  reader.finish();
  if (!problems.empty()) return tl::unexpected(to_error(problems));
  return wish;
}

json text_schema() {
  return {{"type", "string"}};
}

}  // namespace

std::vector<Route> EvidenceRoutes::routes() {
  std::vector<Route> routes;
  const auto get = [&](const char* pattern, Roles allowed, const char* summary,
                       std::vector<std::string> query,
                       std::function<Result<ApiAnswer>(const ApiRequest&)> handle) {
    Route::Takes takes;
    takes.query = std::move(query);
    routes.push_back({"GET", pattern, allowed, summary, std::move(handle), std::move(takes), nullptr});
  };
  get("/api/v1/evidence", kWhoAnswers, "Rows of the evidence, the newest first.",
      {"program", "session", "kind", "product", "variant", "from", "until", "before", "limit"},
      [this](const ApiRequest& request) { return list_rows(lookup_, request); });
  get("/api/v1/evidence/at", kWhoAnswers,
      "What was on screen of a program at an instant, with the recording and the picture that show it.",
      {"program", "time"}, [this](const ApiRequest& request) {
        Query query(request);
        const std::string program = query.needed("program");
        const Instant time = query.needed_instant("time");
        return query.answer([&] { return lookup_.at(program, time); });
      });
  get("/api/v1/evidence/clip", kWhoAnswers,
      "The program as it was recorded, as MP4, from the second of one instant to that of another, 2 minutes "
      "at most.",
      {"program", "from", "until"}, [this](const ApiRequest& request) { return clip(request); });
  get("/api/v1/evidence/sessions", kWhoAnswers, "Times on air, the newest first.", {"program", "limit"},
      [this](const ApiRequest& request) {
        Query query(request);
        const int limit = static_cast<int>(query.integer("limit", 100, 500));
        return query.answer([&] { return lookup_.sessions(query.text("program"), limit); });
      });
  get("/api/v1/evidence/item", kWhoAnswers, "When an item could be seen, and with which price.",
      {"product", "variant", "from", "until"}, [this](const ApiRequest& request) {
        Query query(request);
        const commerce::Ref item{query.needed("product"), query.text("variant")};
        const Instant from = query.needed_instant("from");
        const Instant until = query.needed_instant("until");
        return query.answer([&] { return lookup_.item_on_air(item, from, until); });
      });
  get("/api/v1/evidence/key", kStaff, "The key that signs the evidence, and how far it has signed.", {},
      [this](const ApiRequest& request) {
        return Query(request).answer([this] { return lookup_.summary(); });
      });
  routes.push_back({"POST",
                    "/api/v1/evidence/verify",
                    kWhoAnswers,
                    "Checks the whole chain and every seal.",
                    [this](const ApiRequest&) { return verify(); },
                    {},
                    nullptr});
  Route::Takes takes;
  takes.schema = {{"type", "object"},
                  {"additionalProperties", false},
                  {"properties",
                   {{"program", text_schema()},
                    {"session", text_schema()},
                    {"from", text_schema()},
                    {"until", text_schema()},
                    {"recordings", {{"type", "boolean"}}}}}};
  routes.push_back({"POST", "/api/v1/evidence/export", kWhoAnswers,
                    "Puts a session, or a window, into a folder on the box that can be checked elsewhere.",
                    [this](const ApiRequest& request) { return make_export(request); }, std::move(takes),
                    nullptr});
  return routes;
}

Result<ApiAnswer> EvidenceRoutes::verify() {
  const std::unique_lock lock(long_work_, std::try_to_lock);
  if (!lock)
    return fail(ErrorCode::kDeviceBusy, "the evidence is being checked or exported; try again later");
  const auto verdict = verify_chain(book_.store());
  if (!verdict) return tl::unexpected(verdict.error());
  ApiAnswer answer;
  answer.body = {{"ok", verdict->wrong.empty()},
                 {"rows", verdict->rows},
                 {"seals", verdict->seals},
                 {"sealed_until", verdict->sealed_until},
                 {"device", book_.key().id()}};
  if (!verdict->wrong.empty()) {
    answer.body["wrong"] = {{"sequence", verdict->at_sequence}, {"what", verdict->wrong}};
    log::error("evidence", "row {}: {}; the evidence is proved up to the row before", verdict->at_sequence,
               verdict->wrong);
  }
  return answer;
}

Result<ApiAnswer> EvidenceRoutes::clip(const ApiRequest& request) {
  Query query(request);
  const std::string program = query.needed("program");
  const Instant from = query.needed_instant("from");
  const Instant until = query.needed_instant("until");
  if (until <= from || until - from > kLongestClip)
    query.refuse("until", query.text("until"), "after \"from\", by 2 minutes at most");
  auto answer = query.answer([&] { return lookup_.at(program, from); });
  if (!answer) return answer;
  const json place = answer->body.value("recording", json());
  if (!place.is_object())
    return fail(ErrorCode::kNotFound, "there is no recording of that moment: " + query.text("from"));
  const int64_t num = place.at("fps_num");
  const int64_t den = place.at("fps_den");
  const int64_t last_frame = place.at("frame").get<int64_t>() +
                             (until - from) / std::chrono::microseconds(1) * num / (den * 1'000'000);
  const EvidenceBook::Recording recording{place.at("program"), place.at("session"), place.at("file")};
  auto stream = clips_.send(recording.below(book_.config().recordings), place.at("fragment"),
                            last_frame / frames_per_fragment(num, den));
  if (!stream) return tl::unexpected(stream.error());
  return ApiAnswer{.content_type = "video/mp4", .stream = std::move(*stream)};
}

Result<ApiAnswer> EvidenceRoutes::make_export(const ApiRequest& request) {
  const auto wish = export_wish(request.body);
  if (!wish) return tl::unexpected(wish.error());
  const std::unique_lock lock(long_work_, std::try_to_lock);
  if (!lock)
    return fail(ErrorCode::kDeviceBusy, "the evidence is being checked or exported; try again later");
  std::string name = format_rfc3339(system_now());
  std::erase_if(name, [](char c) { return c == '-' || c == ':' || c == '.'; });
  if (!wish->program.empty()) name += "-" + wish->program;
  const auto exports = book_.config().directory / "exports";
  std::error_code ignored;
  std::filesystem::create_directories(exports, ignored);
  const auto done = export_evidence(book_, *wish, exports / name);
  if (!done) return tl::unexpected(done.error());
  log::info("evidence", "{} exported rows {} to {} and {} recordings to {}", request.caller.name, done->first,
            done->last, done->files, done->directory.string());
  ApiAnswer answer;
  answer.body = {{"directory", done->directory.string()},
                 {"rows", {done->first, done->last}},
                 {"seals", done->seals},
                 {"recordings", done->files}};
  return answer;
}

}  // namespace vitrine::desk
