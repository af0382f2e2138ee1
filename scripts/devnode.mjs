// Starts the local node and waits until it listens. It says so itself, in one line on stdout that names its two
// addresses; nothing here guesses by waiting.
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
// `release` where something is measured: also what cargo's profile `bench` makes is there.
export const devnodeBinary = join(target, process.env.XMTP_NODE_PROFILE ?? "debug", "xmtp-devnode");

/** How long a node may take to say that it listens, milliseconds. */
const READY_MS = 30_000;
/** How long it may take to stop when asked, milliseconds. */
const STOP_MS = 10_000;

/** Resolves to { url, grpcPort, grpcWebPort, stop(), kill(), exited } once the node listens. */
export async function startDevnode(args, { onLog = () => {} } = {}) {
  const child = spawn(devnodeBinary, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const exited = new Promise((resolve) => child.once("close", (code, signal) => resolve({ code, signal })));
  const lastLines = [];
  const read = (stream, each) => {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        lastLines.push(line);
        if (lastLines.length > 20) lastLines.shift();
        onLog(line);
        each(line);
      }
    });
  };
  let timer;
  const ports = await new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`the node did not say that it listens within ${READY_MS / 1000} s`)), READY_MS);
    child.once("error", (error) => reject(new Error(`${devnodeBinary} cannot be started: ${error.message}`)));
    exited.then(({ code, signal }) =>
      reject(new Error(`the node stopped at once (${signal ?? `exit code ${code}`}):\n${lastLines.join("\n")}`)),
    );
    read(child.stdout, (line) => {
      const found = readiness(line);
      if (found) resolve(found);
    });
    read(child.stderr, () => {});
  }).catch((error) => {
    child.kill("SIGKILL");
    throw error;
  }).finally(() => clearTimeout(timer));

  const end = async (signal) => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await exited;
      clearTimeout(late);
    }
  };
  return {
    ...ports,
    url: `http://localhost:${ports.grpcWebPort}`,
    exited,
    /** Asks it to shut down and waits. */
    stop: () => end("SIGTERM"),
    /** Ends it as a crash would. */
    kill: () => end("SIGKILL"),
  };
}

/** The ports in the readiness line; undefined for any other line. */
function readiness(line) {
  const found = /^ready grpc=http:\/\/localhost:(\d+) grpc-web=http:\/\/localhost:(\d+)$/.exec(line);
  return found ? { grpcPort: Number(found[1]), grpcWebPort: Number(found[2]) } : undefined;
}

/**
 * From here to there no system gives ports to who asks for any: a node that is killed and started again finds its own, which no
 * connection was given meanwhile.
 */
const KEPT_PORTS = [20_000, 32_767];

/** The first of the given ports that is free on loopback, else a free one that connections are not given. */
export async function freePort(...preferred) {
  const [first, last] = KEPT_PORTS;
  const others = Array.from({ length: 100 }, () => randomInt(first, last + 1));
  for (const port of [...preferred, ...others]) {
    if (await isFree(port)) return port;
  }
  throw new Error(`no port is free on 127.0.0.1 from ${first} to ${last}`);
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
