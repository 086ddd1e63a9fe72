#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""alert_receiver.py PREFIX PORT: an HTTP server on loopback that answers every POST with 200 and
appends its body to the file PREFIX followed by the path, with '_' for '/'."""
import http.server
import sys


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(sys.argv[1] + self.path.replace("/", "_"), "ab") as f:
            f.write(body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Receiver).serve_forever()
