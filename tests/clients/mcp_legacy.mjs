// Lists and calls tools with the TypeScript SDK of the 2025 revisions: node mcp_legacy.mjs TRANSPORT TARGET CALLS
// TRANSPORT: stdio (TARGET: JSON list of the command), http or sse (TARGET: URL). CALLS: JSON list of [tool, arguments].
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const [kind, target, calls] = process.argv.slice(2)
const transport = {
  stdio: () => {
    const [command, ...args] = JSON.parse(target)
    return new StdioClientTransport({ command, args, stderr: 'inherit' })
  },
  http: () => new StreamableHTTPClientTransport(new URL(target)),
  sse: () => new SSEClientTransport(new URL(target)),
}[kind]()

const client = new Client({ name: 'legacy-check', version: '1.0.0' })
await client.connect(transport)
const { tools } = await client.listTools()
const results = await Promise.all(
  JSON.parse(calls).map(([name, args]) => client.callTool({ name, arguments: args })),
)
console.log(JSON.stringify({ server: client.getServerVersion(), tools, results }))
await client.close()
