import { spawn } from "node:child_process";
import { freePort, startDevnode } from "./devnode.mjs";

// A test in a browser has no environment, so the node's address is compiled in: the same port each time spares a
// rebuild. XMTP_TEST_PORT chooses it.
const preferred = Number(process.env.XMTP_TEST_PORT ?? 15557);
const port = await freePort(preferred);
if (port !== preferred) console.log(`test-browser: port ${preferred} is taken, using ${port} (the suites are rebuilt for it)`);

const log = [];
const node = await startDevnode(["--grpc-port", "0", "--grpc-web-port", String(port), "--memory", "--faults"], {
  onLog: (line) => log.push(line),
});

const command = 'source scripts/env && wasm_env cargo test --target wasm32-unknown-unknown -p xmtp-web --test web -- "$@"';
const tests = spawn("bash", ["-c", command, "test-browser", ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, XMTP_NODE_URL: node.url },
});
const code = await new Promise((resolve) => tests.once("close", (exit) => resolve(exit ?? 1)));
await node.stop();
if (code !== 0) console.error(`The node's last lines:\n${log.slice(-40).join("\n")}`);
process.exit(code);
