"""Lists and calls tools with the Python SDK as it was in 2024, before Streamable HTTP; words as in mcp_legacy.mjs."""

import asyncio
import json
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client

kind, target, calls = sys.argv[1:4]


def streams():
    if kind == "stdio":
        command, *args = json.loads(target)
        return stdio_client(StdioServerParameters(command=command, args=args))
    return sse_client(target)


async def main():
    async with streams() as (read, write), ClientSession(read, write) as session:
        started = await session.initialize()
        tools = (await session.list_tools()).tools
        results = [await session.call_tool(name, args) for name, args in json.loads(calls)]
        dump = lambda value: value.model_dump(mode="json", by_alias=True, exclude_none=True)
        print(json.dumps({
            "protocol": started.protocolVersion,
            "tools": [dump(tool) for tool in tools],
            "results": [dump(result) for result in results],
        }))


asyncio.run(main())
