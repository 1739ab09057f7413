// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/child_process.h"

#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdexcept>
#include <unistd.h>
#include <utility>

#include "tests/fakes/temp_dir.h"

namespace vitrine::fakes {
namespace {

pid_t spawn(const std::vector<std::string>& command, const std::string& output, const std::string& errors) {
  std::vector<char*> argv;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0600);
  pid_t pid = -1;
  const int rc = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (rc != 0) throw std::runtime_error("can't start " + command.front());
  return pid;
}

int to_exit_code(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

Finished run(const std::vector<std::string>& command) {
  const TempDir dir;
  const pid_t pid = spawn(command, dir.path() / "out", dir.path() / "err");
  int status = 0;
  ::waitpid(pid, &status, 0);
  return {to_exit_code(status), read_file(dir.path() / "out"), read_file(dir.path() / "err")};
}

ChildProcess::ChildProcess(const std::vector<std::string>& command, const std::filesystem::path& log)
    : pid_(spawn(command, log, log)) {
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), exit_code_(other.exit_code_) {
}

ChildProcess::~ChildProcess() {
  if (pid_ < 0 || exit_code_) return;
  signal(SIGCONT);
  signal(SIGKILL);
  wait();
}

void ChildProcess::signal(int number) const {
  if (!exit_code_) ::kill(pid_, number);
}

int ChildProcess::wait() {
  if (!exit_code_) {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    exit_code_ = to_exit_code(status);
  }
  return *exit_code_;
}

bool ChildProcess::is_running() {
  if (exit_code_) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == pid_) exit_code_ = to_exit_code(status);
  return !exit_code_;
}

}  // namespace vitrine::fakes
