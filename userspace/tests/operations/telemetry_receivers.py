#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""telemetry_receivers.py DIR: receives telemetry on a stream socket DIR/socket, on another one
DIR/late once DIR/open-late exists, and as StatsD on UDP port 18125. Data goes to DIR/NAME.got."""
import os
import selectors
import socket
import sys

top = sys.argv[1]
poll = selectors.DefaultSelector()


def listen(name):
    s = socket.socket(socket.AF_UNIX)
    s.bind(f"{top}/{name}")
    s.listen()
    poll.register(s, selectors.EVENT_READ, name)


def keep(name, data):
    with open(f"{top}/{name}.got", "ab") as f:
        f.write(data)


listen("socket")
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 18125))
poll.register(udp, selectors.EVENT_READ, None)
open(f"{top}/ready", "w").close()
late = False
while True:
    if not late and os.path.exists(f"{top}/open-late"):
        late = True
        listen("late")
    for key, _ in poll.select(0.1):
        if key.fileobj is udp:
            keep("statsd", udp.recv(65536))
            continue
        with key.fileobj.accept()[0] as c:
            whole = b""
            while more := c.recv(65536):
                whole += more
            keep(key.data, whole)
