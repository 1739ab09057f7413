// SPDX-License-Identifier: Apache-2.0
#include "encoder/trial.h"

#include <sys/timerfd.h>

#include <algorithm>

#include <fmt/format.h>

#include "core/media_time.h"
#include "core/packet_ring.h"
#include "encoder/detail/ingest_address.h"
#include "encoder/detail/rtmp_connection.h"
#include "encoder/detail/thread_name.h"
#include "encoder/rtmp_status.h"

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;
using detail::RtmpConnection;
using std::chrono::milliseconds;

constexpr milliseconds kLimit = 13s;  // and 2 s for taking leave
constexpr milliseconds kStay = 1s;    // after the server accepted: what refuses the key late does it now

Error cancelled() {
  return {ErrorCode::kStopped, "the test was ended before its result", 0};
}

milliseconds since(MediaTime begin) {
  return std::chrono::duration_cast<milliseconds>(steady_now() - begin);
}

/// A step for each milestone that was passed, and one for that which was not.
void add_dial(const RtmpTransport::Milestones& passed, bool is_tls, milliseconds total,
              std::vector<Trial::Taken>& steps) {
  using Step = Trial::Step;
  const auto ms = [](auto time) { return std::chrono::duration_cast<milliseconds>(time); };
  if (!passed.resolved) return steps.push_back({Step::kResolve, total});
  steps.push_back({Step::kResolve, ms(*passed.resolved)});
  if (!passed.connected) return steps.push_back({Step::kConnect, total - ms(*passed.resolved)});
  steps.push_back({Step::kConnect, ms(*passed.connected - *passed.resolved)});
  if (is_tls) steps.push_back({Step::kTls, total - ms(*passed.connected)});
}

}  // namespace

std::string_view to_string(Trial::Step step) {
  switch (step) {
    case Trial::Step::kResolve:
      return "resolve";
    case Trial::Step::kConnect:
      return "connect";
    case Trial::Step::kTls:
      return "tls";
    case Trial::Step::kHandshake:
      return "handshake";
    case Trial::Step::kPublish:
      return "publish";
  }
  return "resolve";
}

Result<std::unique_ptr<Trial>> Trial::create(PublisherConfig config) {
  if (const auto address = detail::parse_ingest_address(config.url, config.ca_file); !address)
    return tl::unexpected(address.error().with_context(fmt::format("destination '{}'", config.destination)));
  if (config.key.is_empty())
    return fail(ErrorCode::kInvalidInput, fmt::format("destination '{}': no stream key", config.destination));
  return std::unique_ptr<Trial>(new Trial(std::move(config)));
}

Trial::Trial(PublisherConfig config)
    : config_(std::move(config)), end_fd_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
}

void Trial::cancel() {
  is_cancelled_ = true;
  end_in(0ms);
}

void Trial::end_in(milliseconds time) const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  itimerspec timer{};
  timer.it_value.tv_sec = seconds.count();
  timer.it_value.tv_nsec = std::max<long>(1, std::chrono::nanoseconds(time - seconds).count());  // 0 disarms
  timerfd_settime(end_fd_.get(), 0, &timer, nullptr);
}

Trial::Report Trial::run() {
  detail::name_this_thread("try-" + config_.destination);
  detail::block_sigpipe();  // TLS writes with write(2)
  const auto address = detail::parse_ingest_address(config_.url, config_.ca_file);  // create() has tried it
  MediaTime step_began = steady_now();
  end_in(is_cancelled_ ? 0ms : kLimit);
  Report report;
  RtmpTransport::Milestones milestones;
  auto transport = RtmpTransport::connect(address->target, detail::kConnectLimit, end_fd_.get(), &milestones);
  report.address = milestones.address;
  const bool is_tls = address->target.security == RtmpTransport::Security::kTls;
  add_dial(milestones, is_tls, since(step_began), report.steps);
  if (!transport) {
    report.fault = is_cancelled_ ? cancelled() : transport.error();
    return report;
  }
  step_began = steady_now();
  const auto step_over = [&](Step step) {
    report.steps.push_back({step, since(step_began)});
    step_began = steady_now();
  };
  RtmpConnection connection(std::move(*transport),
                            {address->app, address->tc_url, config_.key.clone(), {}, 0},
                            std::make_shared<PacketRing>(PacketRing::Config{1s, 1 << 16}), end_fd_.get());
  bool is_live = false;
  auto end = connection.run(
      [&](const std::string& /*server*/) {
        step_over(Step::kPublish);
        is_live = true;
        end_in(kStay);
        if (is_cancelled_) end_in(0ms);  // it came in between
      },
      [](const RtmpConnection::Figures& /*figures*/) {}, [&] { step_over(Step::kHandshake); });
  if (!is_live) step_over(report.steps.back().step == Step::kHandshake ? Step::kPublish : Step::kHandshake);
  if (is_cancelled_)
    report.fault = cancelled();
  else if (end.why == RtmpConnection::Why::kFault)
    report.fault = end.was_silent && end.had_key ? error_of_silent_refusal() : std::move(end.fault);
  else if (!is_live)
    report.fault = Error{ErrorCode::kTimeout, "the platform did not let us in within the test's time", 0};
  return report;
}

}  // namespace vitrine::encoder
