import { spawn } from "node:child_process";
import { freePort, startDevnode } from "./devnode.mjs";

// A test in a browser has no environment, so the node's address is compiled in: the same port each time spares a
// rebuild. XMTP_TEST_PORT chooses it.
const preferred = Number(process.env.XMTP_TEST_PORT ?? 15557);

/** Cargo on the suites, which will ask this node; answers its exit code. */
function cargoTest(nodeUrl, ...args) {
  const command = 'source scripts/env && wasm_env cargo test --target wasm32-unknown-unknown -p xmtp-web --test web "$@"';
  const cargo = spawn("bash", ["-c", command, "test-browser", ...args], { stdio: "inherit", env: { ...process.env, XMTP_NODE_URL: nodeUrl } });
  return new Promise((resolve) => cargo.once("close", (code) => resolve(code ?? 1)));
}

if (process.argv[2] === "--no-run") process.exit(await cargoTest(`http://localhost:${preferred}`, "--no-run"));

const port = await freePort(preferred);
if (port !== preferred) console.log(`test-browser: port ${preferred} is taken, using ${port} (the suites are rebuilt for it)`);

const log = [];
const node = await startDevnode(["--grpc-port", "0", "--grpc-web-port", String(port), "--memory", "--faults"], {
  onLog: (line) => log.push(line),
});

const code = await cargoTest(node.url, "--", ...process.argv.slice(2));
await node.stop();
if (code !== 0) console.error(`The node's last lines:\n${log.slice(-40).join("\n")}`);
process.exit(code);
