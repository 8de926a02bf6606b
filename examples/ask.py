#!/usr/bin/env python3
"""Asks a prodsignal server over MCP what broke, with nothing but the standard library.

    python3 examples/ask.py "prodsignal stdio" [RELEASE]

The first word is the command that starts the server; without a release it asks for the last two weeks."""

import json
import shlex
import subprocess
import sys


class Server:
    """One MCP server on standard input and output."""

    def __init__(self, command):
        self.process = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.last = 0
        client = {"name": "ask.py", "version": "1"}
        self.request("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client})
        self.send({"method": "notifications/initialized"})

    def send(self, message):
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()

    def request(self, method, params):
        self.last += 1
        self.send({"id": self.last, "method": method, "params": params})
        while True:
            answer = json.loads(self.process.stdout.readline())
            if answer.get("id") == self.last:
                return answer["result"]

    def call(self, tool, **arguments):
        answer = self.request("tools/call", {"name": tool, "arguments": arguments})
        print(answer["content"][0]["text"], end="\n\n")
        return answer.get("structuredContent") or {}


def main():
    command, *release = sys.argv[1:] or ["prodsignal stdio"]
    server = Server(command)
    question = {"since_release": release[0]} if release else {"period": "14d"}
    issues = server.call("list_issues", **question).get("issues") or []
    if issues:
        server.call("get_event", issue=issues[0]["short_id"])
        server.call("affected_users", issue=issues[0]["short_id"])
    server.process.stdin.close()
    server.process.wait()


main()
