// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/unique_fd.h"

namespace vitrine::fakes {

/// A TCP socket that listens on 127.0.0.1, on a port the kernel chose.
UniqueFd listen_on_loopback();
int port_of(const UniqueFd& listener);

/// A port nobody listens on, for a server that opens it itself.
int free_port();

/// Connected to 127.0.0.1:`port`; not open when nobody listens there.
UniqueFd connect_to_loopback(int port);

/// Closing sends a reset.
void reset_on_close(int fd);

}  // namespace vitrine::fakes
