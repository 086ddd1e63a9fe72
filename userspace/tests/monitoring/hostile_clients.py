#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Hostile and many clients of the exporter, as TAP lines without numbers.

usage: hostile_clients.py PORT PID
"""
import os
import select
import socket
import sys
import time

PORT, PID = int(sys.argv[1]), int(sys.argv[2])
bad = 0


def ok(good, what):
    global bad
    bad += not good
    print(("ok" if good else "not ok") + " - " + what, flush=True)


def connect():
    s = socket.create_connection(("127.0.0.1", PORT), timeout=30)
    return s


def ask(text, timeout=15, end=False):
    """All that comes back until the other side closes, or what came before it went silent."""
    got = b""
    with connect() as s:
        s.settimeout(timeout)
        try:
            s.sendall(text)
            if end:
                s.shutdown(socket.SHUT_WR)
            while part := s.recv(1 << 16):
                got += part
        except (ConnectionError, TimeoutError, socket.timeout):
            pass
    return got


def status(answer):
    words = answer.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


def get(path="/metrics", head=b""):
    return ask(b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n" % (path.encode(), head))


def scrape_works(what, within=3):
    begin = time.monotonic()
    answer = get()
    took = time.monotonic() - begin
    ok(status(answer) == 200 and b"\nvexfs_up 1\n" in answer and took < within, what)


ok(status(get("/metrics", b"X-Long: " + b"a" * 100000 + b"\r\n")) in (0, 400, 413, 431),
   "a header of 100,000 bytes is refused or the connection is closed")
ok(status(get("/" + "a" * 60000)) in (0, 400, 404, 413, 414, 431), "a path of 60,000 bytes is refused or the connection is closed")
ok(status(get("/../../etc/passwd")) == 404, "a path with .. is answered with 404")
ok(status(ask(b"DELETE /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")) == 405,
   "DELETE is answered with 405")
answer = ask(b"HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
ok(status(answer) == 200 and answer.endswith(b"\r\n\r\n"), "the answer to HEAD has no body")
answer = ask(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 100000, 3)
ok(status(answer) in (0, 400, 405, 413), "a request with a body of 100 MB is refused")
for name, junk in [("random bytes", os.urandom(5000)), ("zeroes", bytes(5000)),
                   ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(500)),
                   ("a negative length", b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
                   ("no version", b"GET /metrics\r\n\r\n"),
                   ("a line without end", b"GET /metrics HTTP/1.1\r\nHost" * 10)]:
    ask(junk, 0.5, True)
    scrape_works(f"the exporter answers a scrape after a client sent {name}")

# Half of these connections send nothing, half send a part of a request.
slow = [connect() for _ in range(300)]
for s in slow[:150]:
    s.sendall(b"GET /metr")
scrape_works("a scrape succeeds beside 300 connections without a whole request")

# Thousands that connect, ask for a page that is made anew each time, and do not wait for it.
for i in range(2000):
    with connect() as s:
        if i % 2:
            s.sendall(b"GET /live.json HTTP/1.1\r\nHost: x\r\n\r\n")
scrape_works("a scrape succeeds after 2,000 clients that went away", 10)

# Many at once: thousands of requests over hundreds of connections.
begin = time.monotonic()
many, good = [connect() for _ in range(100)], 0
for round_ in range(20):
    for s in many:
        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    for s in many:
        data = b""
        while b"\r\n\r\n" not in data:
            part = s.recv(1 << 16)
            if not part:
                break
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        length = [int(h.split(b":")[1]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length")]
        while length and len(body) < length[0]:
            part = s.recv(1 << 16)
            if not part:
                break
            body += part
        good += b"\nvexfs_up 1\n" in body
for s in many:
    s.close()
ok(good == 2000, "2,000 requests of 100 concurrent clients are answered")
print(f"# 2000 scrapes in {time.monotonic() - begin:.2f} s")

# These connections send a byte each second and never a whole request.
deadline = time.monotonic() + 40
while slow and time.monotonic() < deadline:
    for s in slow[:]:
        try:
            s.sendall(b"a")
            r, _, _ = select.select([s], [], [], 0)
            if r and not s.recv(4096):
                raise ConnectionError
        except OSError:
            s.close()
            slow.remove(s)
    time.sleep(1)
ok(not slow, f"connections that never finish a request are closed ({len(slow)} are left)")

with open(f"/proc/{PID}/status") as f:
    rss = [int(line.split()[1]) for line in f if line.startswith("VmHWM")][0]
ok(rss <= 16384, f"the exporter used at most 16 MB in all of these tests ({rss} KB)")
sys.exit(bad != 0)
