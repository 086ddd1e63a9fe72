#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A fleet for Prometheus: N machines that all serve a recorded exposition, with counters that
go on and some noise of their own, behind one port. The last one is slow.

usage: fleet_sim.py RECORDED N SECONDS INTERVAL OUT [RULES...]

Starts Prometheus and VictoriaMetrics (remote write) on ports of their own, prints what the
fleet costs them, and what vexctl fleet says of it.
"""
import http.server
import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

RECORDED, OUT, RULES = sys.argv[1], os.path.abspath(sys.argv[5]), sys.argv[6:]
N, SECONDS, INTERVAL = map(int, sys.argv[2:5])
SIM, PROM, VM = 19390, 19290, 19428
BEGIN = time.monotonic()

lines = []
kinds = {}
for line in open(RECORDED):
    got = re.match(r"# TYPE (\S+) (\S+)", line)
    if got:
        kinds[got[1]] = got[2]
    got = re.match(r"([^#{ ][^{ ]*)(\{.*\})? (\S+)$", line)
    if got:
        base = re.sub(r"_(bucket|sum|count)$", "", got[1])
        grows = kinds.get(got[1]) == "counter" or kinds.get(base) == "histogram"
        lines.append((got[1], got[2] or "", float(got[3]) if grows else None, got[3], base))
    else:
        lines.append((None, None, None, line.rstrip("\n"), None))


def exposition(i):
    """Machine @i now: what grows does so in proportion to what it was when it was recorded."""
    pace = (0.9 + 0.2 * random.Random(i).random()) * (time.monotonic() - BEGIN) / 60
    out = []
    for name, labels, value, text, base in lines:
        if value is None:
            out.append(text if name is None else f"{name}{labels} {text}")
            continue
        le = re.search(r'le="([^"]+)"', labels)
        if i == N - 1 and le and le[1] != "+Inf" and float(le[1]) < 0.1:
            value = 0  # everything this one does takes longer than that
        v = value * (1 + pace)
        out.append(f"{name}{labels} {v:.9g}" if base.endswith("seconds") and not le and "_count" not in name
                   else f"{name}{labels} {int(v)}")
    return ("\n".join(out) + "\n").encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = exposition(int(self.path.split("/")[1]))
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024


def fetch(url):
    with urllib.request.urlopen(url, timeout=60) as r:
        return r.read().decode()


def query(expr, port=PROM):
    got = json.loads(fetch(f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expr})))
    return got["data"]["result"]


def one(expr, port=PROM):
    got = query(expr, port)
    return float(got[0]["value"][1]) if got else float("nan")


def own(port, name):
    got = re.search(rf"^{name} (\S+)$", fetch(f"http://127.0.0.1:{port}/metrics"), re.M)
    return float(got[1]) if got else float("nan")


def size(path):
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(path) for f in files)


shutil.rmtree(OUT, ignore_errors=True)
os.makedirs(OUT)
threading.Thread(target=Server(("127.0.0.1", SIM), Handler).serve_forever, daemon=True).start()
json.dump([{"targets": [f"127.0.0.1:{SIM}"],
            "labels": {"__metrics_path__": f"/{i}/metrics", "instance": f"machine-{i:05d}"}} for i in range(N)],
          open(f"{OUT}/machines.json", "w"))
open(f"{OUT}/prometheus.yml", "w").write(f"""
global: {{scrape_interval: {INTERVAL}s, evaluation_interval: {INTERVAL}s}}
rule_files: {json.dumps([os.path.abspath(r) for r in RULES])}
remote_write: [{{url: "http://127.0.0.1:{VM}/api/v1/write"}}]
scrape_configs: [{{job_name: vexfs, file_sd_configs: [{{files: ["{OUT}/machines.json"]}}]}}]
""")
children = [subprocess.Popen(c, stdout=open(f"{OUT}/{n}.log", "w"), stderr=subprocess.STDOUT) for n, c in (
    ("vm", ["victoria-metrics", f"-storageDataPath={OUT}/vm", f"-httpListenAddr=127.0.0.1:{VM}",
            "-memory.allowedBytes=256MB"]),
    ("prometheus", ["prometheus", f"--config.file={OUT}/prometheus.yml", f"--storage.tsdb.path={OUT}/data",
                    f"--web.listen-address=127.0.0.1:{PROM}"]))]
try:
    time.sleep(SECONDS)
    samples = own(PROM, r'prometheus_tsdb_head_samples_appended_total\{type="float"\}')
    if samples != samples:
        samples = own(PROM, "prometheus_tsdb_head_samples_appended_total")
    series = own(PROM, "prometheus_tsdb_head_series")
    print(f"machines scraped            {one('sum(up)'):.0f} of {N}, every {INTERVAL} s for {SECONDS} s")
    print(f"bytes of one scrape         {len(exposition(0))}")
    print(f"series of one machine       {one('max(scrape_samples_scraped)'):.0f}")
    print(f"series in Prometheus        {series:.0f}, rules included")
    print(f"samples in all              {samples:.0f}")
    print(f"scrape, mean and slowest    {one('avg(scrape_duration_seconds)') * 1e3:.1f} ms, "
          f"{one('max(scrape_duration_seconds)') * 1e3:.1f} ms (Python serves them)")
    print(f"Prometheus memory           {own(PROM, 'process_resident_memory_bytes') / 2**20:.0f} MiB, "
          f"{own(PROM, 'process_resident_memory_bytes') / series:.0f} bytes a series")
    print(f"Prometheus processor time   {own(PROM, 'process_cpu_seconds_total') / SECONDS * 100:.0f} % of one")
    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{VM}/internal/force_flush"), timeout=60)
    rows = sum(float(x) for x in re.findall(r'^vm_rows\{type="storage/(?:small|big|inmemory)"\} (\S+)$',
                                            fetch(f"http://127.0.0.1:{VM}/metrics"), re.M))
    print(f"VictoriaMetrics             {rows:.0f} samples, {size(OUT + '/vm/data') / max(rows, 1):.2f} bytes a sample "
          f"in its data, {own(VM, 'process_resident_memory_bytes') / 2**20:.0f} MiB of memory")
    for words in (["fleet", "status", "-j"], ["fleet", "top", "--by", "p99_s", "-n", "3"]):
        begin = time.monotonic()
        got = subprocess.run(["build/bin/vexctl", *words, "--prometheus", f"http://127.0.0.1:{PROM}", "--range", "1m"],
                             capture_output=True, text=True)
        took = time.monotonic() - begin
        if "-j" in words:
            answer = json.loads(got.stdout)
            found = [m["machine"] for m in answer.get("fleet", []) if m["outlier"]] or answer.get("error")
            print(f"vexctl fleet status         {took:.2f} s, exit code {got.returncode}, stands out: {found}")
        else:
            print(f"vexctl fleet top            {took:.2f} s\n{got.stdout}", end="")
finally:
    for c in children:
        c.terminate()
    for c in children:
        c.wait()
