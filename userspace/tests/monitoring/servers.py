#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The module with its exporter, Prometheus, Alertmanager, node_exporter and VictoriaMetrics in
a lab: every panel of every dashboard has data, and an alert reaches Alertmanager when its cause
appears and is resolved when the cause is removed.

usage: servers.py [--show] RULES FLEET-RULES DASHBOARDS OUT

It prints TAP. With --show it prints the times at which one alert passes each server instead, and
the rules keep their own waiting times. OUT gets the live page.
"""
import glob
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

SHOW = sys.argv[1] == "--show"
RULES, FLEET, DASHBOARDS, OUT = sys.argv[2 if SHOW else 1:]
EXPORTER, PROMETHEUS, ALERTMANAGER, VICTORIA, NODE = (
    f"http://127.0.0.1:{port}" for port in (9090, 9290, 9093, 8428, 9100))
tmp = tempfile.mkdtemp()
children = []
count = failed = 0


def ok(good, what):
    global count, failed
    count += 1
    failed += not good
    if not SHOW:
        print(f"{'ok' if good else 'not ok'} {count} - {what}", flush=True)
    elif not good:
        print(f"FAILED: {what}", flush=True)
    return good


def say(text):
    print(text if SHOW else f"# {text}", flush=True)


def fetch(url, data=None, timeout=30):
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=timeout) as r:
        return r.read().decode()


def wait_for(what, within=240, step=0.1):
    """The first true result of @what(), or None after @within seconds."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            got = what()
        except (OSError, ValueError, KeyError, IndexError):
            got = None
        if got:
            return got
        time.sleep(step)
    return None


def start(*command, ready=None):
    log = open(f"{tmp}/{os.path.basename(command[0])}.log", "w")
    child = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp, env={**os.environ, "GOMAXPROCS": "2"})
    children.append(child)
    if ready and not wait_for(lambda: fetch(ready) or True):
        sys.exit(f"{command[0]} does not come up: " + open(log.name).read()[-2000:])
    return child


def vexctl(*words):
    return subprocess.run(["vexctl", *words], capture_output=True, text=True)


def query(expr, url=PROMETHEUS):
    got = json.loads(fetch(f"{url}/api/v1/query?" + urllib.parse.urlencode({"query": expr})))
    return got["data"]["result"]


def alerts():
    return {a["labels"]["alertname"]: a for a in json.loads(fetch(f"{PROMETHEUS}/api/v1/alerts"))["data"]["alerts"]}


def received(name):
    return [a for a in json.loads(fetch(f"{ALERTMANAGER}/api/v2/alerts")) if a["labels"]["alertname"] == name]


# ---- servers ----

def write_config():
    for path, name in ((RULES, "alerts.yml"), (FLEET, "fleet.yml")):
        text = open(path).read()
        # Rules are evaluated each second. In tests they also wait for seconds instead of minutes.
        text = re.sub(r"interval: \d+s", "interval: 1s", text)
        if not SHOW:
            text = re.sub(r"for: \d+m", "for: 2s", text)
            text = text.replace("[5m]", "[15s]")
        open(f"{tmp}/{name}", "w").write(text)
    open(f"{tmp}/alertmanager.yml", "w").write(
        "route: {receiver: r, group_wait: 1s, group_interval: 1s, group_by: [alertname]}\n"
        "receivers: [{name: r}]\n")
    os.mkdir(f"{tmp}/sd")
    open(f"{tmp}/sd/machines.json", "w").write(json.dumps([{"targets": ["127.0.0.1:9090"]}]))
    open(f"{tmp}/prometheus.yml", "w").write(f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{tmp}/alerts.yml, {tmp}/fleet.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:9093"]}}]}}]}}
remote_write: [{{url: "{VICTORIA}/api/v1/write"}}]
scrape_configs:
  - {{job_name: vexfs, file_sd_configs: [{{files: ["{tmp}/sd/*.json"]}}]}}
  - {{job_name: node, static_configs: [{{targets: ["127.0.0.1:9100"]}}]}}
""")


def start_servers():
    write_config()
    os.mkdir(f"{tmp}/text")
    start("vexfs-exporter", "--listen", "9090", ready=f"{EXPORTER}/-/ready")
    fetch(f"{EXPORTER}/")
    start("prometheus-alertmanager", f"--config.file={tmp}/alertmanager.yml", f"--storage.path={tmp}/am",
          "--web.listen-address=127.0.0.1:9093", "--cluster.listen-address=", ready=f"{ALERTMANAGER}/-/ready")
    start("victoria-metrics", f"-storageDataPath={tmp}/vm", "-httpListenAddr=127.0.0.1:8428",
          "-memory.allowedBytes=64MB", ready=f"{VICTORIA}/health")
    start("prometheus-node-exporter", "--web.listen-address=127.0.0.1:9100", "--collector.disable-defaults",
          "--collector.textfile", f"--collector.textfile.directory={tmp}/text", ready=f"{NODE}/metrics")
    start("prometheus", f"--config.file={tmp}/prometheus.yml", f"--storage.tsdb.path={tmp}/prom",
          "--web.listen-address=127.0.0.1:9290", ready=f"{PROMETHEUS}/-/ready")


def load():
    """Makes a result of vexstress for its dashboard and starts a load that runs until the end."""
    vexctl("create", "documents", "--dim", "16", "--index", "graph")
    vexctl("create", "images", "--dim", "8")
    for i in range(20):
        vexctl("put", "documents", str(i), "--vector", ",".join(str((i * j) % 7) for j in range(16)))
    vexctl("get", "documents", "99999")
    subprocess.run(["vexstress", "--target", "--smoke", "-o", f"{tmp}/result.json"], capture_output=True, timeout=200)
    made = vexctl("monitoring", "results", f"{tmp}/result.json")
    open(f"{tmp}/text/vexstress.prom", "w").write(made.stdout)
    ok(made.returncode == 0 and "vexstress_target_measured{" in made.stdout,
       "vexctl monitoring results turns a result of vexstress into metrics")
    work = subprocess.Popen(["sh", "-c", "i=0; while :; do vexctl search documents --id $((i % 20)) -k 3; "
                             "vexctl put images $i --vector 1,2,3,4,5,6,7,8 --upsert; i=$((i + 1)); sleep 0.2; done"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    children.append(work)
    return work


# ---- dashboards ----

def panels():
    for path in sorted(glob.glob(f"{DASHBOARDS}/*.json")):
        board = json.load(open(path))
        for p in board["panels"]:
            for t in p["targets"]:
                expr = re.sub(r"\$(job|instance|collection|metric)\b", ".*", t["expr"])
                yield os.path.basename(path), p["title"], expr
        for v in board["templating"]["list"]:
            if v["type"] != "query":
                continue
            got = re.fullmatch(r"label_values\((.*), (\w+)\)", v["query"]["query"])
            expr = re.sub(r"\$(job|instance|collection|metric)\b", ".*", got[1])
            yield os.path.basename(path), "variable " + v["name"], f"count by ({got[2]}) ({expr})"


def with_values(expr):
    """Series that have a number: 0 divided by 0 is none."""
    return [s for s in query(expr) if math.isfinite(float(s["value"][1]))]


def check_panels():
    end = time.monotonic() + 75
    for board, title, expr in panels():
        got = wait_for(lambda: with_values(expr), max(1, end - time.monotonic()), 0.5) or []
        ok(got, f"{board}: '{title}' has data ({len(got)} series)")
        if not got:
            say(f"no data for {expr}")


def check_grafana_alerts():
    """Queries of Grafana's own alert rules: those of a quiet machine may have no data."""
    import yaml  # not for --show
    groups = yaml.safe_load(open(f"{DASHBOARDS}/../provisioning/alerting/vexfs.yml"))["groups"]
    for rule in (r for g in groups for r in g["rules"]):
        for expr in (d["model"]["expr"] for d in rule["data"] if "expr" in d["model"]):
            try:
                got = len(query(expr))
            except (OSError, ValueError, KeyError) as e:
                got = say(f"{expr}: {e}")
            ok(got is not None, f"Grafana's alert '{rule['title']}' asks what Prometheus can answer ({got} series)")


# ---- alerts ----

def clock(begin):
    return f"{time.monotonic() - begin:7.2f} s  "


def alert_comes(name, within=240):
    return wait_for(lambda: alerts().get(name, {}).get("state") == "firing" and received(name), within)


def show_alert():
    begin = time.monotonic()
    say(clock(begin) + "vexctl tune simd=scalar: the arithmetic runs without SIMD")
    vexctl("tune", "simd=scalar")
    wait_for(lambda: "\nvexfs_simd_acceleration_enabled 0\n" in fetch(f"{EXPORTER}/metrics"))
    say(clock(begin) + "vexfs-exporter says vexfs_simd_acceleration_enabled 0")
    wait_for(lambda: query("vexfs_simd_acceleration_enabled == 0"))
    say(clock(begin) + "Prometheus has scraped it")
    wait_for(lambda: alerts().get("VexFSSIMDDisabled"))
    say(clock(begin) + "Prometheus: VexFSSIMDDisabled is pending, for: 1m")
    ok(wait_for(lambda: alerts()["VexFSSIMDDisabled"]["state"] == "firing"), "the alert fires")
    say(clock(begin) + "Prometheus: VexFSSIMDDisabled is firing")
    got = wait_for(lambda: received("VexFSSIMDDisabled"))
    if ok(got, "the alert arrives"):
        say(clock(begin) + "Alertmanager has it: " + got[0]["annotations"]["description"])
    vexctl("tune", "simd=auto")
    say(clock(begin) + "vexctl tune simd=auto")
    ok(wait_for(lambda: "VexFSSIMDDisabled" not in alerts()), "the alert resolves")
    say(clock(begin) + "Prometheus: VexFSSIMDDisabled is resolved")


def check_alerts():
    ok(wait_for(lambda: query("vexfs:pool_requests:rate5m")) is not None, "Prometheus evaluates the recording rules")
    ok(not [a for a in alerts() if a in ("VexFSSIMDDisabled", "VexFSStackViolations", "VexFSModuleGone")],
       "no alert fires on a healthy machine")
    vexctl("tune", "simd=scalar")
    ok(alert_comes("VexFSSIMDDisabled"), "VexFSSIMDDisabled arrives at Alertmanager when simd=scalar is set")
    vexctl("tune", "simd=auto")
    ok(wait_for(lambda: "VexFSSIMDDisabled" not in alerts()), "VexFSSIMDDisabled resolves when simd=auto is set")
    vexctl("tune", "stack_limit=1024", "stack_alarm=1000")
    ok(alert_comes("VexFSStackViolations"), "VexFSStackViolations arrives at Alertmanager when ops exceed the stack limit")
    vexctl("tune", "stack_limit=3072", "stack_alarm=2800", "pool_enabled=0")
    ok(alert_comes("VexFSMemoryPoolIssue"), "VexFSMemoryPoolIssue arrives at Alertmanager when the pools are off")
    vexctl("tune", "pool_enabled=1")
    for name in ("VexFSStackViolations", "VexFSMemoryPoolIssue"):
        ok(wait_for(lambda n=name: n not in alerts()), f"{name} resolves when its cause is removed")
    got = wait_for(lambda: query("vexfs_up", VICTORIA), 60)
    ok(got, "VictoriaMetrics receives the metrics by remote write")


def main():
    start_servers()
    work = load()
    wait_for(lambda: query("vexfs_up == 1"))
    if SHOW:
        show_alert()
    else:
        check_panels()
        check_grafana_alerts()
        check_alerts()
    open(f"{OUT}/page.html", "w").write(fetch(f"{EXPORTER}/"))
    os.killpg(work.pid, signal.SIGTERM)


try:
    main()
finally:
    for c in children:
        c.terminate()
    for c in children:
        c.wait()
if not SHOW:
    print(f"1..{count}")
sys.exit(failed != 0)
