// The same with the TypeScript client of the 2026 revision; words as in mcp_legacy.mjs.
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'

const [kind, target, calls] = process.argv.slice(2)
const transport = {
  stdio: () => {
    const [command, ...args] = JSON.parse(target)
    return new StdioClientTransport({ command, args, stderr: 'inherit' })
  },
  http: () => new StreamableHTTPClientTransport(new URL(target)),
  sse: () => new SSEClientTransport(new URL(target)),
}[kind]()

const client = new Client({ name: 'modern-check', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
await client.connect(transport)
const { tools } = await client.listTools()
const results = await Promise.all(
  JSON.parse(calls).map(([name, args]) => client.callTool({ name, arguments: args })),
)
console.log(JSON.stringify({ server: client.getServerVersion(), protocol: client.getNegotiatedProtocolVersion?.(), tools, results }))
await client.close()
