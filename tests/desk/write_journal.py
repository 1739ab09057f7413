#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""write_journal.py DIRECTORY: a journal of the real systemd-journald, with lines as the system manager writes of units.
To be the manager it must have process id 1: run it with `unshare --fork --pid --mount --mount-proc`."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

target = sys.argv[1]
for place in ("/run", "/var/log"):
    subprocess.run(["mount", "-t", "tmpfs", "none", place], check=True)
for place in ("/run/systemd/journal", "/run/log/journal"):
    os.makedirs(place)
daemon = subprocess.Popen(["/lib/systemd/systemd-journald"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
end = time.monotonic() + 10
while True:
    try:
        sender.connect("/run/systemd/journal/socket")
        break
    except OSError:
        if time.monotonic() > end:
            raise
        time.sleep(0.02)


def say(message, **fields):
    lines = {"MESSAGE": message, "PRIORITY": "6", **fields}
    sender.send("".join(f"{name}={value}\n" for name, value in lines.items()).encode())


for number in range(30):
    say(f"第 {number} 行", UNIT="vitrine-studio.service" if number % 2 else "vitrine-desk.service")
say("of another unit", UNIT="nginx.service")
say("of no unit")
say("killed", PRIORITY="3", UNIT="vitrine-studio.service")


def files():
    return [os.path.join(at, name) for at, _, names in os.walk("/run/log/journal") for name in names]


end = time.monotonic() + 10
while not any(b"MESSAGE=killed" in open(name, "rb").read() for name in files()):
    if time.monotonic() > end:
        sys.exit("journald wrote nothing")
    time.sleep(0.05)
daemon.send_signal(signal.SIGTERM)
daemon.wait()
shutil.copytree("/run/log/journal", target, dirs_exist_ok=True)
