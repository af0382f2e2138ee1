#!/usr/bin/env node
// The command: the options of the native one, as far as a node in memory has them.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { startDevnode } from "./server.js";

const HELP = `A local XMTP v3 node, on loopback only and in memory. When it accepts connections it prints one line on stdout:
ready grpc=http://localhost:PORT grpc-web=http://localhost:PORT

Usage: xmtp-devnode [OPTIONS]

      --grpc-port <PORT>                 Port of gRPC, for native clients; 0 for a free one [default: 5556]
      --grpc-web-port <PORT>             Port of gRPC-web, for browsers; 0 for a free one [default: 5557]
      --memory                           Keep everything in memory, which is what happens anyway
      --faults                           Let POST, GET and DELETE /faults on the gRPC-web port break calls, for tests
      --v2-closed                        Refuse new V2 envelopes, as public nodes do since June 2025
      --contract-wallet <ADDRESS=OWNER>  A contract wallet on chain 31337 and its owner; may be given more than once
  -h, --help                             Print help
  -V, --version                          Print version
`;

function fail(text) {
  process.stderr.write(`error: ${text}\n`);
  process.exit(1);
}

function portOf(name, text, otherwise) {
  if (text === undefined) return otherwise;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) fail(`--${name} must be a port, not "${text}"`);
  return port;
}

let given;
try {
  given = parseArgs({
    options: {
      "grpc-port": { type: "string" },
      "grpc-web-port": { type: "string" },
      memory: { type: "boolean" },
      faults: { type: "boolean" },
      "v2-closed": { type: "boolean" },
      "contract-wallet": { type: "string", multiple: true },
      db: { type: "string" },
      reset: { type: "boolean" },
      help: { type: "boolean", short: "h" },
      version: { type: "boolean", short: "V" },
    },
  }).values;
} catch (error) {
  fail(`${error.message}; see --help`);
}
if (given.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
if (given.version) {
  const { version } = JSON.parse(readFileSync(new URL("./package.json", import.meta.url), "utf8"));
  process.stdout.write(`xmtp-devnode ${version}\n`);
  process.exit(0);
}
if (given.db !== undefined || given.reset) {
  fail("this command keeps everything in memory: a database file (--db, --reset) takes the one that cargo builds");
}

let node;
try {
  node = await startDevnode({
    grpcPort: portOf("grpc-port", given["grpc-port"], 5556),
    grpcWebPort: portOf("grpc-web-port", given["grpc-web-port"], 5557),
    faults: given.faults,
    v2Closed: given["v2-closed"],
    contractWallets: given["contract-wallet"],
  });
} catch (error) {
  const { code, message } = error;
  fail(code === "EADDRINUSE" ? `${message}; is another node running?` : message);
}
let stopping = false;
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    if (stopping) process.exit(1);
    stopping = true;
    node.close().then(() => process.exit(0));
  });
}
process.stdout.write(`ready grpc=${node.grpcUrl} grpc-web=${node.grpcWebUrl}\n`);
