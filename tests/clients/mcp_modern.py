"""The same with the Python SDK of the 2026 revision; words as in mcp_legacy.mjs."""

import asyncio
import json
import sys

from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client

kind, target, calls = sys.argv[1:4]


def server():
    if kind == "stdio":
        command, *args = json.loads(target)
        return StdioServerParameters(command=command, args=args)
    return target if kind == "http" else sse_client(target)


async def main():
    async with Client(server()) as client:
        tools = (await client.list_tools()).tools
        results = await asyncio.gather(*[client.call_tool(name, args) for name, args in json.loads(calls)])
        dump = lambda value: value.model_dump(mode="json", by_alias=True, exclude_none=True)
        print(json.dumps({
            "protocol": client.protocol_version,
            "tools": [dump(tool) for tool in tools],
            "results": [dump(result) for result in results],
        }))


asyncio.run(main())
