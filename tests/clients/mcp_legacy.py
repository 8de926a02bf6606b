"""Lists and calls tools with the Python SDK of the 2025 revisions; words as in mcp_legacy.mjs."""

import asyncio
import contextlib
import json
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client

kind, target, calls = sys.argv[1:4]


@contextlib.asynccontextmanager
async def streams():
    if kind == "stdio":
        command, *args = json.loads(target)
        async with stdio_client(StdioServerParameters(command=command, args=args)) as (read, write):
            yield read, write
    elif kind == "http":
        async with streamablehttp_client(target) as (read, write, _):
            yield read, write
    else:
        async with sse_client(target) as (read, write):
            yield read, write


async def main():
    async with streams() as (read, write), ClientSession(read, write) as session:
        started = await session.initialize()
        tools = (await session.list_tools()).tools
        results = await asyncio.gather(*[session.call_tool(name, args) for name, args in json.loads(calls)])
        dump = lambda value: value.model_dump(mode="json", by_alias=True, exclude_none=True)
        print(json.dumps({
            "server": dump(started.serverInfo),
            "protocol": started.protocolVersion,
            "tools": [dump(tool) for tool in tools],
            "results": [dump(result) for result in results],
        }))


asyncio.run(main())
