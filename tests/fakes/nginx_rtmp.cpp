// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/nginx_rtmp.h"

#include <algorithm>
#include <signal.h>
#include <stdexcept>

#include <fmt/format.h>

#include "tests/fakes/sockets.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::fakes {

NginxRtmp::NginxRtmp() : port_(free_port()) {
  start();
}

void NginxRtmp::start() {
  // nginx names a recording by the second: one of a server that is back within it would go over the last.
  std::filesystem::create_directories(dir_.path() / "flv" / std::to_string(++run_));
  static_cast<void>(dir_.write("nginx.conf", fmt::format(R"(
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
daemon off;
master_process off;
pid {0}/nginx.pid;
error_log {0}/nginx.log info;
events {{ worker_connections 64; }}
rtmp {{
  server {{
    listen 127.0.0.1:{1};
    ping 2s;
    application live {{
      live on;
      record all;
      record_path {0}/flv/{2};
      record_unique on;
    }}
  }}
}}
)",
                                                         dir_.path().string(), port_, run_)));
  process_.reset();
  process_.emplace(std::vector<std::string>{"/usr/sbin/nginx", "-e", dir_.path() / "nginx.log", "-p",
                                            dir_.path(), "-c", dir_.path() / "nginx.conf"},
                   dir_.path() / "nginx.out");
  const bool is_up =
      wait_for([&] { return !process_->is_running() || connect_to_loopback(port_).is_open(); });
  if (!is_up || !process_->is_running()) {
    throw std::runtime_error("nginx does not start: " + read_file(dir_.path() / "nginx.out") + log());
  }
}

void NginxRtmp::kill() {
  process_->signal(SIGKILL);
  process_->wait();
}

void NginxRtmp::stop() {
  process_->signal(SIGTERM);
  process_->wait();
}

void NginxRtmp::freeze() const {
  process_->signal(SIGSTOP);
}
void NginxRtmp::thaw() const {
  process_->signal(SIGCONT);
}

std::vector<std::filesystem::path> NginxRtmp::recordings(const std::string& stream_name) const {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_.path() / "flv")) {
    if (entry.path().filename().string().starts_with(stream_name + "-")) files.push_back(entry.path());
  }
  std::ranges::sort(files, {}, [](const auto& file) { return std::filesystem::last_write_time(file); });
  return files;
}

}  // namespace vitrine::fakes
