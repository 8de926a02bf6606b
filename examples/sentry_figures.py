#!/usr/bin/env python3
"""What an agent's session costs over a Sentry server: requests upstream, time, size of answers.

One made-up server (`sentry_upstream.py`) and two MCP servers in front of it in turns: prodsignal, and the official
@sentry/mcp-server, which is fetched from npm into target/ (OFFICIAL= leaves it out).

    cargo build --release && examples/sentry_figures.py [target/release/prodsignal]

DELAY_MS sets the delay of each answer (80), SCALE=30 gives the issues thirty times the events, BUSY=1 makes the project one of
120 issues and 6,000 events, LOG=1 shows what was asked. PEAK is the most memory that the process took, in MiB (Linux).
Loopback and the standard library alone.
"""

import concurrent.futures
import datetime
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

import sentry_upstream as upstream

TARGET = pathlib.Path(__file__).resolve().parent.parent / "target"
PACKAGE, NODE = "@sentry/mcp-server@0.39.0", "node@22"
ORG = {"organizationSlug": "acme"}
OURS = [
    ("what broke since", "list_issues", {"since_release": "shop@2.3.0"}),
    ("an issue", "get_event", {"issue": "SHOP-1"}),
    ("the same issue", "get_event", {"issue": "SHOP-1"}),
    ("who is hit", "affected_users", {"issue": "SHOP-1"}),
    ("who is hit, by browser", "affected_users", {"issue": "SHOP-1", "by": ["browser"]}),
    ("a replay", "get_replay_summary", {"replay": upstream.REPLAY}),
    ("releases", "list_releases", {}),
    ("another issue", "get_event", {"issue": "SHOP-2"}),
    ("is it fixed", "verify_fix_since_release", {"issue": "SHOP-1", "release": "shop@2.3.0"}),
    ("the issue again", "get_event", {"issue": "SHOP-1"}),
]


def resource(kind, name):
    return "get_sentry_resource", {"resourceType": kind, "resourceId": name, **ORG}


def search(tool, **arguments):
    return tool, {**ORG, **arguments}


def more(tool, **arguments):
    """A tool that is not listed."""
    return "execute_sentry_tool", {"name": tool, "arguments": {**ORG, **arguments}}


#: The nearest that the official server has to each.
THEIRS = [
    search("search_issues", query="release:shop@2.3.0", sort="user"),
    resource("issue", "SHOP-1"),
    resource("issue", "SHOP-1"),
    more("get_issue_tag_values", issueId="SHOP-1", tagKey="release"),
    more("get_issue_tag_values", issueId="SHOP-1", tagKey="browser"),
    resource("replay", upstream.REPLAY),
    more("find_releases"),
    resource("issue", "SHOP-2"),
    search("search_events", dataset="errors", query="issue:SHOP-1 release:shop@2.3.0", fields=["release", "count()"], sort="-count()"),
    resource("issue", "SHOP-1"),
]


class Agent:
    """An MCP client over standard input and output."""

    def __init__(self, command, env):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, env={**os.environ, **env}, **pipes)
        self.next, self.waiting, self.lock = 0, {}, threading.Lock()
        threading.Thread(target=self.read, daemon=True).start()
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "figures", "version": "1"}}
        self.name = self.ask("initialize", hello)["result"]["serverInfo"]
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def read(self):
        for line in self.process.stdout:
            message = json.loads(line)
            if "id" in message and message["id"] in self.waiting:
                self.waiting[message["id"]].set_result(message)

    def send(self, message):
        with self.lock:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()

    def ask(self, method, params):
        with self.lock:
            self.next += 1
            number, done = self.next, concurrent.futures.Future()
            self.waiting[number] = done
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return done.result(timeout=60)

    def call(self, tool, arguments):
        reply = self.ask("tools/call", {"name": tool, "arguments": arguments})
        result = reply.get("result", {"isError": True, "content": [{"text": str(reply.get("error"))}]})
        text = "".join(part.get("text", "") for part in result.get("content", []))
        if result.get("isError") or "Error" in text[:40]:
            print(f"{tool} {arguments}: {text[:400]}", file=sys.stderr)
        return text

    def peak_mib(self):
        try:
            status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return 0
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)


class Figure:
    """One measured call, or several together."""

    def __init__(self, requests, ms, text):
        self.requests, self.ms, self.text = requests, ms, text

    def cells(self):
        return f"{self.requests} | {self.ms:.0f} | {len(self.text) // 4:,} | {len(self.text.encode()):,}"


def measured(what, work):
    asked = upstream.Upstream.seen
    asked.clear()
    start = time.perf_counter()
    text = work()
    figure = Figure(len(asked), (time.perf_counter() - start) * 1000, text)
    if os.environ.get("LOG"):
        print(f"{what}: {figure.requests}", *asked, sep="\n    ", file=sys.stderr)
        print(text, file=sys.stderr)
    return figure


def figures(start, calls):
    """Each part in a fresh process, as a session begins; name and version, rows."""
    (_, issue), found = calls[1], {}
    agent = start()
    found["one issue's details, first"] = measured("first", lambda: agent.call(*issue))
    found["the same call again"] = measured("again", lambda: agent.call(*issue))
    agent.close()
    agent = start()
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        ten = lambda: "".join(pool.map(lambda _: agent.call(*issue), range(10)))
        found["ten equal calls at once"] = measured("ten at once", ten)
    agent.close()
    agent = start()
    session = {f"{n}. {what}": measured(what, lambda: agent.call(*call)) for n, (what, call) in enumerate(calls, 1)}
    print(f"PEAK of {agent.name['name']}: {agent.peak_mib():.1f} MiB after the session", file=sys.stderr)
    agent.close()
    all_of = session.values()
    text = "".join(figure.text for figure in all_of)
    found["a session of ten calls"] = Figure(sum(f.requests for f in all_of), sum(f.ms for f in all_of), text)
    return "{name} {version}".format(**agent.name), {**found, **session}


def official():
    """The command of the official server, fetched once with the Node that it needs; nothing where it is not wanted."""
    if not os.environ.get("OFFICIAL", "1"):
        return []
    folder = TARGET / "tmp" / "packages" / "sentry-figures"
    program = folder / "node_modules/@sentry/mcp-server/dist/index.js"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private":true}')
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent", PACKAGE, NODE], cwd=folder, check=True)
    return [folder / "node_modules/node/bin/node", program]


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else TARGET / "release" / "prodsignal"
    delay_ms = float(os.environ.get("DELAY_MS", "80"))
    host = upstream.start(delay_ms / 1000)
    own = [program, "--sentry-url", f"http://{host}", "--sentry-org", "acme", "stdio"]
    env = {"PRODSIGNAL_SENTRY_TOKEN": "sntryu_figures"}
    columns = [figures(lambda: Agent(own, env), [(what, (tool, arguments)) for what, tool, arguments in OURS])]
    if other := official():
        command = [*other, "--access-token=sntryu_figures", f"--host={host}", "--insecure-http", "--sentry-dsn="]
        calls = [(what, call) for (what, *_), call in zip(OURS, THEIRS)]
        columns.append(figures(lambda: Agent(command, {}), calls))
    print(f"{datetime.date.today()}, each answer of the upstream after {delay_ms:.0f} ms.\n")
    print("| | " + " | ".join(f"{name}: requests | ms | tokens | bytes" for name, _ in columns) + " |")
    print("|---|" + "---:|" * 4 * len(columns))
    for what in columns[0][1]:
        print(f"| {what} | " + " | ".join(rows[what].cells() for _, rows in columns) + " |")
    if upstream.Upstream.lacking:
        print("not there:", *sorted(upstream.Upstream.lacking), sep="\n  ", file=sys.stderr)


if __name__ == "__main__":
    main()
