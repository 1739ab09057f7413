// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/fake_rtmp_server.h"

#include <sys/socket.h>

#include <array>
#include <poll.h>

#include "encoder/detail/big_endian.h"
#include "tests/fakes/sockets.h"

namespace vitrine::fakes {
namespace {

using encoder::RtmpMessage;
using encoder::RtmpType;
using encoder::detail::append_be;
using encoder::detail::read_be;
using Ending = FakeRtmpServer::Script::Ending;

constexpr size_t kHandshakeBytes = 1536;

std::string with_key(std::string text, const std::string& key) {
  const size_t at = text.find("%KEY%");
  return at == std::string::npos ? text : text.replace(at, 5, key);
}

}  // namespace

class FakeRtmpServer::Connection {
 public:
  Connection(FakeRtmpServer& server, Script script, int fd)
      : server_(server), script_(std::move(script)), fd_(fd) {}

  /// False when the connection is over.
  bool receive(std::span<const uint8_t> bytes) {
    received_ += bytes.size();
    if (hello_.size() < 1 + 2 * kHandshakeBytes) {
      const size_t taken = std::min(bytes.size(), 1 + 2 * kHandshakeBytes - hello_.size());
      const size_t before = hello_.size();
      hello_.insert(hello_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(taken));
      bytes = bytes.subspan(taken);
      if (before <= kHandshakeBytes && hello_.size() > kHandshakeBytes) answer_hello();
    }
    bool goes_on = true;
    const auto ok = reader_.feed(bytes, [&](const RtmpMessage& message) {
      goes_on = goes_on && on_message(message);
      return Status{};
    });
    if (received_ - acknowledged_ > (16 << 10) && is_live_ && script_.acknowledgements != 0) {
      acknowledged_ = received_;
      --script_.acknowledgements;
      send_number(RtmpType::kAcknowledgement, static_cast<uint32_t>(received_));
    }
    return ok && goes_on && flush();
  }

 private:
  void answer_hello() {
    if (script_.is_handshake_garbage) {
      for (const char c : std::string("HTTP/1.1 400 Bad Request\r\n\r\n"))
        out_.push_back(static_cast<uint8_t>(c));
      return;
    }
    out_.push_back(3);
    out_.insert(out_.end(), kHandshakeBytes, uint8_t{7});
    out_.insert(out_.end(), hello_.begin() + 1, hello_.begin() + 1 + kHandshakeBytes);
  }

  bool on_message(const RtmpMessage& message) {
    const std::lock_guard lock(server_.mutex_);
    auto& seen = server_.seen_;
    switch (message.type) {
      case RtmpType::kAcknowledgement:
        ++seen.acknowledgements;
        break;
      case RtmpType::kUserControl:
        seen.pongs += read_be(std::span(message.payload).first(2)) == 7 ? 1 : 0;
        break;
      case RtmpType::kAudio:
      case RtmpType::kVideo:
      case RtmpType::kDataAmf0: {
        auto cut = message;
        cut.payload.resize(std::min<size_t>(cut.payload.size(), 16));
        seen.media.push_back(std::move(cut));
        if (!script_.late_status.empty() && message.timestamp > 500) {
          send_status(script_.late_status, "error", seen.key);
          script_.late_status.clear();
        }
        break;
      }
      case RtmpType::kCommandAmf0:
        return on_command(message, seen);
      default:
        break;
    }
    return true;
  }

  bool on_command(const RtmpMessage& message, Seen& seen) {
    const auto values = encoder::amf0::decode(message.payload);
    if (!values || values->size() < 2 || (*values)[0].text() == nullptr) return false;
    const std::string name = *(*values)[0].text();
    const double transaction = (*values)[1].number() == nullptr ? 0 : *(*values)[1].number();
    seen.commands.push_back(name);
    if (name == "connect") return on_connect(transaction);
    if (name == "createStream")
      send_command([&](auto& out) { out.text("_result").number(transaction).null().number(1); });
    if (name == "releaseStream")
      send_command([&](auto& out) { out.text("_error").number(transaction).null().null(); });
    if (name == "publish") {
      if (values->size() > 3 && (*values)[3].text() != nullptr) seen.key = *(*values)[3].text();
      return on_publish(seen.key);
    }
    return true;
  }

  bool on_connect(double transaction) {
    if (script_.hangs_up == Ending::kAtConnect) return false;
    if (!script_.answers_connect) return true;
    if (script_.out_chunk_bytes != 128) {
      send_number(RtmpType::kSetChunkSize, script_.out_chunk_bytes);
      writer_.set_chunk_size(script_.out_chunk_bytes);
    }
    if (script_.ack_window_bytes != 0) send_number(RtmpType::kWindowAckSize, script_.ack_window_bytes);
    send_command([&](auto& out) {
      out.text(script_.connect_error.empty() ? "_result" : "_error").number(transaction);
      out.begin_object()
          .name("fmsVer")
          .text("FMS/3,0,1,123")
          .name("filler")
          .text(std::string(400, '.'))
          .end();
      out.begin_object().name("level").text("status");
      out.name("code")
          .text(script_.connect_error.empty() ? "NetConnection.Connect.Success" : script_.connect_error)
          .end();
    });
    return true;
  }

  bool on_publish(const std::string& key) {
    if (script_.hangs_up == Ending::kAtPublish) return false;
    if (script_.status.empty()) return true;
    send_status(script_.status, script_.level, key);
    is_live_ = script_.level == "status";
    if (script_.hangs_up == Ending::kAfterStart) {
      flush();
      return false;
    }
    for (int i = 0; i < script_.pings; ++i) {
      Bytes ping;
      append_be(ping, 6, 2);
      append_be(ping, static_cast<uint64_t>(1000 + i), 4);
      writer_.write({2, RtmpType::kUserControl, 0, 0}, {ping}, out_);
    }
    return true;
  }

  void send_status(const std::string& code, const std::string& level, const std::string& key) {
    send_command([&](auto& out) {
      out.text("onStatus").number(0).null().begin_object();
      out.name("level").text(level).name("code").text(code);
      out.name("description").text(with_key(script_.description, key)).end();
    });
  }

  void send_number(RtmpType type, uint32_t number) {
    Bytes payload;
    append_be(payload, number, 4);
    writer_.write({2, type, 0, 0}, {payload}, out_);
  }

  void send_command(const std::function<void(encoder::amf0::Writer&)>& write) {
    Bytes payload;
    encoder::amf0::Writer writer(payload);
    write(writer);
    writer_.write({3, RtmpType::kCommandAmf0, 0, 0}, {payload}, out_);
  }

  bool flush() {
    size_t done = 0;
    while (done < out_.size()) {
      const ssize_t sent = ::send(fd_, out_.data() + done, out_.size() - done, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      done += static_cast<size_t>(sent);
    }
    out_.clear();
    return true;
  }

  FakeRtmpServer& server_;
  Script script_;
  const int fd_;
  Bytes hello_;
  Bytes out_;
  encoder::RtmpChunkReader reader_;
  encoder::RtmpChunkWriter writer_;
  size_t received_ = 0;
  size_t acknowledged_ = 0;
  bool is_live_ = false;
};

FakeRtmpServer::FakeRtmpServer(Script script)
    : listener_(listen_on_loopback()), port_(port_of(listener_)), script_(std::move(script)) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

FakeRtmpServer::~FakeRtmpServer() = default;

void FakeRtmpServer::set_script(Script script) {
  const std::lock_guard lock(mutex_);
  script_ = std::move(script);
}

FakeRtmpServer::Seen FakeRtmpServer::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

void FakeRtmpServer::run(const std::stop_token& stop) {
  const auto is_readable = [&](int fd) {
    pollfd polled{fd, POLLIN, 0};
    return ::poll(&polled, 1, 20) > 0;
  };
  while (!stop.stop_requested()) {
    if (!is_readable(listener_.get())) continue;
    const UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ++connections_;
    Script script;
    {
      const std::lock_guard lock(mutex_);
      script = script_;
    }
    Connection connection(*this, std::move(script), client.get());
    std::array<uint8_t, 32 * 1024> buffer;
    while (!stop.stop_requested()) {
      if (!is_readable(client.get())) continue;
      const ssize_t count = ::recv(client.get(), buffer.data(), buffer.size(), 0);
      if (count <= 0 || !connection.receive(std::span(buffer).first(static_cast<size_t>(count)))) break;
    }
  }
}

}  // namespace vitrine::fakes
