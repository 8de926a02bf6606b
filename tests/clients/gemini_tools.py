"""Converts every tool of a server with Google's own library, as its chats do with an MCP session."""

import asyncio
import json
import sys

from google.genai import _mcp_utils
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

command, *args = json.loads(sys.argv[1])


async def main():
    async with stdio_client(StdioServerParameters(command=command, args=args)) as streams:
        async with ClientSession(*streams) as session:
            await session.initialize()
            tools = (await session.list_tools()).tools
            declared = [_mcp_utils.mcp_to_gemini_tool(tool) for tool in tools]
            print(json.dumps([tool.model_dump(mode="json", exclude_none=True) for tool in declared]))


asyncio.run(main())
