// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

// gcc 12 sees how Asio gets the memory of a coroutine, but not always that it gives it back in the same way.
// It reports that at the coroutine's end: for all who include this.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace vitrine::desk {

/// What all connections of the API are made of. One kind of socket and one executor, by name: each further
/// one would make the compiler go through HTTP and WebSocket once more, and that takes a minute.
using LoopExecutor = boost::asio::io_context::executor_type;
using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, LoopExecutor>;
using LoopTimer =
    boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                      boost::asio::wait_traits<std::chrono::steady_clock>, LoopExecutor>;
template <typename T>
using Task = boost::asio::awaitable<T, LoopExecutor>;
inline constexpr boost::asio::use_awaitable_t<LoopExecutor> kAwait{};
inline constexpr auto kNoThrow = boost::asio::as_tuple(kAwait);

/// How a connection's conversation came to its end.
enum class Parting {
  kUnknown = 0,
  kOrderly,  // what was said last may still be under way
  kCut,      // its time was over: nobody waits for it any more
};

}  // namespace vitrine::desk
