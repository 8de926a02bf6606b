"""Lists and calls tools with FastMCP's client; words as in mcp_legacy.mjs."""

import asyncio
import json
import sys

from fastmcp import Client
from fastmcp.client.transports import SSETransport, StdioTransport, StreamableHttpTransport

kind, target, calls = sys.argv[1:4]


def transport():
    if kind == "stdio":
        command, *args = json.loads(target)
        return StdioTransport(command=command, args=args)
    return StreamableHttpTransport(target) if kind == "http" else SSETransport(target)


async def main():
    async with Client(transport()) as client:
        tools = await client.list_tools()
        results = [await client.call_tool_mcp(name, args) for name, args in json.loads(calls)]
        dump = lambda value: value.model_dump(mode="json", by_alias=True, exclude_none=True)
        print(json.dumps({
            "tools": [dump(tool) for tool in tools],
            "results": [dump(result) for result in results],
        }))


asyncio.run(main())
