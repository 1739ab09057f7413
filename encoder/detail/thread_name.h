// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <string>

namespace vitrine::encoder::detail {

/// Names the calling thread for top(1) and core files; the kernel keeps 15 bytes.
inline void name_this_thread(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace vitrine::encoder::detail
