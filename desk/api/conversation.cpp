// SPDX-License-Identifier: Apache-2.0
#include "desk/api/conversation.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <vector>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>

#include "desk/api/event_socket.h"
#include "desk/api/line.h"
#include "desk/api/problem.h"
#include "desk/api/security_headers.h"

namespace vitrine::desk {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using HttpParser = http::request_parser<http::string_body>;

constexpr uint32_t kMostHeaderBytes = 8 << 10;
constexpr size_t kReadBytes = 16 << 10;
constexpr int64_t kSlowestBytesASecond = 128 << 10;
constexpr std::chrono::seconds kFarewell{1};
constexpr size_t kStreamBytes = 64 << 10;
constexpr std::chrono::seconds kLookAtSession{1};

std::string in_small_letters(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

RequestHead head_of(const HttpRequest& request) {
  RequestHead head{std::string(request.method_string()), std::string(request.target()), {}};
  for (const auto& field : request)
    head.fields.emplace_back(in_small_letters(std::string(field.name_string())), std::string(field.value()));
  return head;
}

bool is_broken_http(const error_code& error) {
  return error.category() == make_error_code(http::error::bad_method).category() &&
         error != http::error::end_of_stream;
}

/// What stands before the answer's body. What a route says of itself stands instead of what all have.
std::string head_text(const Reply& reply, bool is_last) {
  std::map<std::string, std::pair<std::string, std::string>> fields;
  const auto set = [&](const std::string& name, const std::string& value) {
    fields[in_small_letters(name)] = {name, value};
  };
  for (const auto& [name, value] : kSecurityHeaders) set(name, value);
  for (const auto& [name, value] : reply.headers) set(name, value);
  if (!reply.content_type.empty()) set("Content-Type", reply.content_type);
  // RFC 9110, 8.6. A stream ends with its connection.
  if (reply.status != 204 && reply.status != 304 && !reply.stream.is_open())
    set("Content-Length", std::to_string(reply.body.size()));
  if (is_last) set("Connection", "close");
  const auto reason = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(reply.status)));
  std::string text =
      fmt::format("HTTP/1.1 {} {}\r\n", reply.status, std::string_view(reason.data(), reason.size()));
  for (const auto& [key, field] : fields) text += field.first + ": " + field.second + "\r\n";
  return text + "\r\n";
}

std::chrono::seconds time_for(size_t bytes) {
  return std::chrono::seconds(static_cast<int64_t>(bytes) / kSlowestBytesASecond);
}

}  // namespace

/// One connection, and what was read from it and belongs to nothing yet.
struct Conversation::Reading {
  enum class Part { kHead, kAll };

  explicit Reading(Socket socket) : line(std::make_shared<Line>(std::move(socket))), buffer(kReadBytes) {}

  Task<error_code> read_some() {
    const size_t room = buffer.max_size() - buffer.size();
    if (room == 0) co_return http::error::buffer_overflow;
    const Line::Got got = co_await line->read_some(buffer.prepare(std::min<size_t>(room, kMostHeaderBytes)));
    buffer.commit(got.count);
    co_return got.error;
  }

  /// Feeds the parser until it has `part`.
  Task<error_code> parse(Part part) {
    parser->eager(part == Part::kAll);
    while (!(part == Part::kHead ? parser->is_header_done() : parser->is_done())) {
      error_code error;
      if (buffer.size() > 0) {
        const size_t used = parser->put(buffer.data(), error);
        buffer.consume(used);
        if (error && error != http::error::need_more) co_return error;
        if (!error && used > 0) continue;
      }
      error = co_await read_some();
      if (error == asio::error::eof && parser->got_some()) {
        parser->put_eof(error = {});
        co_return error ? error : http::error::partial_message;
      }
      if (error) co_return error;
    }
    co_return error_code();
  }

  const std::shared_ptr<Line> line;
  beast::flat_buffer buffer;
  std::optional<HttpParser> parser;  // of the request that is read now
};

Task<Parting> Conversation::hold(Socket socket) {
  const auto& limits = parts_.limits;
  Reading reading(std::move(socket));
  Line& line = *reading.line;
  const auto parting = [&line] { return line.was_cut() ? Parting::kCut : Parting::kOrderly; };
  for (bool is_first = true;; is_first = false) {
    const bool has_more = co_await has_bytes(reading, is_first ? limits.request : limits.idle);
    if (!has_more) co_return parting();
    line.expires_after(limits.request);  // for all of it, however it drips
    const bool has_head = co_await read_head(reading);
    if (!has_head) co_return parting();
    Exchange exchange;
    std::optional<uint64_t> length;
    if (const auto told = reading.parser->content_length()) length = *told;
    if (reading.parser->get().version() == 11)
      exchange = parts_.doorkeeper.judge(head_of(reading.parser->get()), length, arrival_);
    else
      exchange.refusal = problem(505, {ErrorCode::kInvalidInput, "HTTP/1.1 is spoken here"});
    if (exchange.is_upgrade && !exchange.refusal) {
      const EventLimits of_events{limits.request,
                                  {limits.queued_events, limits.queued_event_bytes, limits.last_word}};
      co_return co_await watch_events(parts_.audience, of_events, line.take_socket(),
                                      reading.parser->release(), std::move(exchange), seat_);
    }
    if (!exchange.refusal && !reading.parser->is_done()) {
      const bool has_body = co_await read_body(reading, exchange);
      if (!has_body) co_return parting();
    }
    // What was refused by its head may have a body that only another reader sees: the next request would be
    // it.
    bool is_last =
        exchange.route == nullptr || !reading.parser->is_done() || !reading.parser->get().keep_alive();
    line.expires_never();  // it is our time now
    Reply reply = co_await answer(exchange);
    is_last = is_last || reply.stream.is_open();
    bool is_sent = co_await send(reading, reply, exchange.is_head, is_last);
    if (is_sent && reply.stream.is_open() && !exchange.is_head)
      is_sent = co_await pass_on(reading, std::move(reply.stream), exchange);
    if (!is_sent) co_return parting();
    if (is_last) {
      co_await say_goodbye(reading);
      co_return Parting::kOrderly;
    }
  }
}

Task<bool> Conversation::has_bytes(Reading& reading, std::chrono::milliseconds limit) {
  if (reading.buffer.size() > 0) co_return true;
  reading.line->expires_after(limit);
  const error_code error = co_await reading.read_some();
  co_return !error && reading.buffer.size() > 0;
}

/// False when there is nothing to judge: it is answered then, if anybody is there.
Task<bool> Conversation::read_head(Reading& reading) {
  reading.parser.emplace();
  reading.parser->header_limit(kMostHeaderBytes);
  reading.parser->body_limit(boost::none);  // by the route
  const error_code error = co_await reading.parse(Reading::Part::kHead);
  if (!error) co_return true;
  if (!is_broken_http(error)) co_return false;
  const bool is_long = error == http::error::header_limit || error == http::error::buffer_overflow;
  const Reply reply = reply_of(
      problem(is_long ? 431 : 400, {ErrorCode::kInvalidInput, "not a request of HTTP: " + error.message()}));
  const bool is_sent = co_await send(reading, reply, false, true);
  if (is_sent) co_await say_goodbye(reading);
  co_return false;
}

Task<bool> Conversation::read_body(Reading& reading, Exchange& exchange) {
  if (!exchange.route->takes.upload.empty())
    reading.line->expires_after(parts_.limits.request +
                                time_for(reading.parser->content_length().value_or(0)));
  if (exchange.expects_continue) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    const bool is_sent = co_await reading.line->write({asio::buffer(kContinue), asio::const_buffer()});
    if (!is_sent) co_return false;
  }
  const error_code error = co_await reading.parse(Reading::Part::kAll);
  if (error) co_return false;
  exchange.body = std::move(reading.parser->get().body());
  co_return true;
}

/// On the pool where there is something to do or to write down; what is refused at the door is cheap.
Task<Reply> Conversation::answer(Exchange& exchange) {
  if (exchange.refusal && (exchange.route == nullptr || exchange.route->method == "GET"))
    co_return reply_of(std::move(*exchange.refusal));
  auto initiate = [this, &exchange](auto handler) {
    asio::post(parts_.pool, [this, &exchange, handler = std::move(handler)]() mutable {
      Reply reply = parts_.doorkeeper.run(exchange);
      asio::post(parts_.io, [handler = std::move(handler), reply = std::move(reply)]() mutable {
        std::move(handler)(std::move(reply));
      });
    });
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<LoopExecutor>, void(Reply)>(
      std::move(initiate), kAwait);
}

Task<bool> Conversation::send(Reading& reading, const Reply& reply, bool is_head, bool is_last) {
  const std::string head = head_text(reply, is_last);
  reading.line->expires_after(parts_.limits.request + time_for(reply.body.size()));
  co_return co_await reading.line->write(
      {asio::buffer(head), is_head ? asio::const_buffer() : asio::buffer(reply.body)});
}

/// All that comes, until its end, or until who asked for it is let in no more. False when it can't be sent.
Task<bool> Conversation::pass_on(Reading& reading, UniqueFd stream, const Exchange& exchange) {
  Socket source(parts_.io.get_executor());
  error_code error;
  source.assign(asio::generic::stream_protocol(AF_UNIX, 0), stream.get(), error);
  if (error) co_return false;
  (void)stream.release();
  std::vector<char> bytes(kStreamBytes);
  auto looked_at = std::chrono::steady_clock::now();
  while (true) {
    const auto [ended, count] = co_await source.async_read_some(asio::buffer(bytes), kNoThrow);
    if (ended) co_return true;
    reading.line->expires_after(parts_.limits.request);
    const bool is_sent =
        co_await reading.line->write({asio::buffer(bytes.data(), count), asio::const_buffer()});
    if (!is_sent) co_return false;
    reading.line->expires_never();
    const auto now = std::chrono::steady_clock::now();
    if (now - looked_at < kLookAtSession) continue;
    looked_at = now;
    if (!parts_.doorkeeper.is_still_in(exchange)) co_return true;
  }
}

/// To close on what was not read yet is a reset, and the peer would not see the answer.
Task<void> Conversation::say_goodbye(Reading& reading) {
  reading.line->expires_after(kFarewell);
  reading.line->say_no_more();
  while (true) {
    reading.buffer.clear();
    const error_code error = co_await reading.read_some();
    if (error) co_return;
  }
}

}  // namespace vitrine::desk
