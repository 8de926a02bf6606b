#!/usr/bin/env python3
"""What an agent's session costs over a Sentry server: requests upstream, time, size of answers.

One made-up server, which counts requests and answers each after a delay, and two MCP servers in front of it in turns:
prodsignal, and, where its program is named, the official @sentry/mcp-server.

    examples/sentry_figures.py target/release/prodsignal [node_modules/@sentry/mcp-server/dist/index.js]

DELAY_MS sets the delay (80). Standard library alone; with `tiktoken` installed, tokens are counted, else bytes.
"""

import concurrent.futures
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import urllib.parse

DATA = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "sentry"
EVENT = "0123456789abcdef0123456789abcdef"
DELAY_S = float(os.environ.get("DELAY_MS", "80")) / 1000

try:
    import tiktoken

    COUNT, UNIT = (lambda text: len(tiktoken.get_encoding("o200k_base").encode(text))), "tokens"
except ImportError:
    COUNT, UNIT = (lambda text: len(text.encode())), "bytes"


def file(name):
    return json.loads((DATA / f"{name}.json").read_text())


def events(query):
    """Rows of two issues for whatever fields are asked for."""
    rows = [("101", "shop@2.3.0", 5, 3, "2026-11-17T08:00:00Z"), ("102", "shop@2.2.0", 2, 1, "2026-11-02T08:00:00Z")]
    found = []
    for issue, release, n, users, first in rows:
        known = {
            "issue.id": int(issue), "issue": f"SHOP-{issue[2:]}", "id": EVENT, "release": release, "project": "shop",
            "user": "id:42", "count()": n, "count_unique(user)": users, "timestamp": "2026-11-20T11:00:00Z",
            "max(timestamp)": "2026-11-20T11:00:00Z", "min(timestamp)": first, "title": "TypeError: cart is undefined",
            "timestamp.to_day": "2026-11-20T00:00:00+00:00", "timestamp.to_hour": "2026-11-20T11:00:00+00:00",
            "browser": "Firefox 142",
        }
        asked = query.get("query", [""])[0]
        if "issue.id:" not in asked or (issue in asked) != ("!issue.id" in asked):
            found.append({field: known.get(field) for field in query.get("field", [])})
    return {"data": found, "meta": {"fields": {}, "units": {}}}


def answer(method, path, query):
    parts = [part for part in path.removeprefix("/api/0/").split("/") if part]
    issues = {"101", "SHOP-1"}
    match parts:
        case ["organizations", _]:
            return file("organization")
        case ["organizations"] | ["users", "me", "regions"]:
            return [file("organization")] if parts == ["organizations"] else {"regions": []}
        case ["organizations", _, ("projects" | "environments" | "releases" | "sessions" | "issues") as name]:
            return file(name)
        case ["projects", _, "shop", "environments"]:
            return file("environments")
        case ["organizations", _, "events"]:
            return events(query)
        case ["organizations", _, "events-timeseries"]:
            return file("timeseries")
        case ["organizations", _, "eventids", _]:
            return file("eventid")
        case ["organizations", _, "issues", issue] if issue in issues:
            return file("issue")
        case ["organizations", _, "issues", issue, "events"] if issue in issues:
            return file("issue_events")
        case ["organizations", _, "issues", issue, "events", _] if issue in issues:
            return file("event")
        case ["organizations", _, "replay-count"]:
            return {}
        case ["projects", _, _, "events", _, "attachments"] | ["organizations", _, "issues", _, "external-issues"]:
            return []
        case ["auth"] | ["users", "me"]:
            return {"id": "1", "name": "Ada", "email": "ada@example.com", "username": "ada"}
        case ["organizations", _, "issues", _, "autofix"]:
            return {"autofix": None}
    return None


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = []

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        Upstream.seen.append(url.path)
        time.sleep(DELAY_S)
        found = answer(self.command, url.path, urllib.parse.parse_qs(url.query, keep_blank_values=True))
        body = json.dumps(found if found is not None else {"detail": "not here"}).encode()
        self.send_response(200 if found is not None else 404)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Agent:
    """An MCP client over standard input and output."""

    def __init__(self, command, env):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **env}
        )
        self.next, self.waiting, self.lock = 0, {}, threading.Lock()
        threading.Thread(target=self.read, daemon=True).start()
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "figures", "version": "1"}}
        self.ask("initialize", hello)
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
        result = self.ask("tools/call", {"name": tool, "arguments": arguments}).get("result", {})
        if result.get("isError"):
            print(f"    {tool} {arguments}: {json.dumps(result['content'])[:200]}", file=sys.stderr)
        return "".join(part.get("text", "") for part in result.get("content", []))


def measured(work):
    Upstream.seen.clear()
    start = time.perf_counter()
    text = work()
    return len(Upstream.seen), (time.perf_counter() - start) * 1000, COUNT(text)


def figures(name, agent, opened, session):
    agent_call = lambda call: agent.call(*call)
    print(f"{name}\n  what                          requests      ms  {UNIT}")
    rows = [
        ("open an issue", lambda: agent_call(opened)),
        ("open it again", lambda: agent_call(opened)),
    ]
    for what, work in rows:
        print("  {:<28} {:>9} {:>7.0f} {:>7}".format(what, *measured(work)))
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        ten = lambda: "".join(pool.map(agent_call, [session[0]] * 10))
        print("  {:<28} {:>9} {:>7.0f} {:>7}".format("ten equal calls at once", *measured(ten)))
    print("  {:<28} {:>9} {:>7.0f} {:>7}".format("session of ten calls", *measured(lambda: "".join(map(agent_call, session)))))


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"127.0.0.1:{server.server_port}"
    own = [
        ("list_issues", {"since_release": "shop@2.3.0"}),
        ("get_event", {"issue": "SHOP-1"}),
        ("get_event", {"issue": "SHOP-1"}),
        ("affected_users", {"issue": "SHOP-1"}),
        ("affected_users", {"issue": "SHOP-1", "by": ["browser"]}),
        ("search_events", {"query": "level:error"}),
        ("list_releases", {}),
        ("get_event", {"event": EVENT}),
        ("verify_fix_since_release", {"issue": "SHOP-1", "release": "shop@2.3.0"}),
        ("get_event", {"issue": "SHOP-1"}),
    ]
    program = [sys.argv[1], "--sentry-url", f"http://{host}", "--sentry-org", "acme", "stdio"]
    agent = Agent(program, {"PRODSIGNAL_SENTRY_TOKEN": "sntryu_figures"})
    figures("prodsignal", agent, ("get_event", {"issue": "SHOP-1"}), own)
    if len(sys.argv) > 2:
        org = {"organizationSlug": "acme"}
        issue = ("get_sentry_resource", {"resourceType": "issue", "resourceId": "SHOP-1", **org})
        tags = lambda key: ("get_issue_tag_values", {"issueId": "SHOP-1", "tagKey": key, **org})
        theirs = [
            ("search_issues", {"query": "release:shop@2.3.0", **org}),
            issue,
            issue,
            tags("browser"),
            tags("release"),
            ("search_events", {"dataset": "errors", "query": "level:error", "statsPeriod": "14d", **org}),
            ("find_releases", org),
            issue,
            ("search_issues", {"query": "is:unresolved issue:SHOP-1", **org}),
            issue,
        ]
        program = ["node", sys.argv[2], "--access-token=figures", f"--host={host}", "--insecure-http"]
        figures("@sentry/mcp-server", Agent(program, {}), issue, theirs)


if __name__ == "__main__":
    main()
