// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/once.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <fmt/format.h>

#include "core/json_text.h"
#include "core/rfc3339.h"
#include "core/unique_fd.h"
#include "overlay/render/shut_in.h"

namespace vitrine::overlay {
namespace {

constexpr rlim_t kMaxCpuSeconds = 20;

int print(const Problems& problems) {
  for (const auto& problem : problems) fmt::print(stderr, "{}\n", problem.text());
  return 1;
}

nlohmann::json described(const TileMaker::Drawn& drawn, double milliseconds) {
  const Size size = drawn.pixmap.size();
  nlohmann::json json = {{"blank", drawn.is_blank},
                         {"rect", {drawn.origin.x, drawn.origin.y, size.width, size.height}},
                         {"time_bound", drawn.is_time_bound},
                         {"milliseconds", milliseconds}};
  if (drawn.from != Instant::min()) json["from"] = format_rfc3339(drawn.from);
  if (drawn.until != Instant::max()) json["until"] = format_rfc3339(drawn.until);
  return json;
}

/// In the child: nothing but the drawing, shut in.
int draw_onto(int png_fd, const OnceOptions& options) {
  const rlimit cpu{kMaxCpuSeconds, kMaxCpuSeconds};
  ::setrlimit(RLIMIT_CPU, &cpu);
  if (const auto sandbox = shut_in(options.directories); !sandbox) {
    fmt::print(stderr, "{}\n", sandbox.error().message);
    return 1;
  }
  const auto begin = std::chrono::steady_clock::now();
  TileMaker maker(options.directories);
  auto drawn = maker.draw(options.spec, options.at);
  if (!drawn) return print(drawn.error());
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  if (options.prints_json) fmt::print("{}\n", described(*drawn, took.count()).dump());
  if (drawn->is_blank) {
    fmt::print(stderr, "{} has no form '{}': on air it would show nothing\n", options.spec.template_name,
               to_string(options.spec.form));
    return 1;
  }
  std::fflush(stdout);
  if (const auto written = drawn->pixmap.write_png(png_fd); !written) {
    fmt::print(stderr, "{}\n", written.error().message);
    return 1;
  }
  return 0;
}

int copy_to(const std::filesystem::path& out, int png_fd) {
  const UniqueFd file(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  struct stat status {};
  off_t offset = 0;
  bool is_good = file.is_open() && ::fstat(png_fd, &status) == 0;
  while (is_good && offset < status.st_size) {
    is_good = ::sendfile(file.get(), png_fd, &offset, static_cast<size_t>(status.st_size - offset)) > 0;
  }
  if (is_good) return 0;
  fmt::print(stderr, "{}\n", fail_errno(ErrorCode::kIo, "writing " + out.string()).value().message);
  return 1;
}

}  // namespace

int render_once(OnceOptions options) {
  const auto text = read_text_file(options.data, size_t{1} << 20);
  if (!text) return print(text.error());
  auto data = parse_json(*text, size_t{1} << 20);
  if (!data)
    return print({{options.data.string(), data.error().message, "a JSON object with the template's fields"}});
  options.spec.data = std::move(*data);

  // The drawing happens in a child that can't write files, so a refused template leaves no half picture
  // behind.
  const UniqueFd png(::memfd_create("png", MFD_CLOEXEC));
  const pid_t child = ::fork();
  if (child == 0) {
    const int status = draw_onto(png.get(), options);
    std::fflush(stdout);
    std::fflush(stderr);
    ::_exit(status);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) {
    fmt::print(stderr, "{}\n", fail_errno(ErrorCode::kIo, "starting the drawing process").value().message);
    return 1;
  }
  if (WIFSIGNALED(status)) {
    fmt::print(stderr, "{}: drawing it was stopped by signal {} ({}); allowed are {} s of computing\n",
               options.spec.template_name, WTERMSIG(status), sigdescr_np(WTERMSIG(status)), kMaxCpuSeconds);
    return 1;
  }
  return WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : copy_to(options.out, png.get());
}

}  // namespace vitrine::overlay
