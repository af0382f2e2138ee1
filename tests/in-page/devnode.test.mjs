// `npx xmtp-devnode`: the packed package in an empty folder, with the built xmtp-web against it.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openPages } from "./support.mjs";

const run = promisify(execFile);
const built = fileURLToPath(new URL("../../pkg-devnode", import.meta.url));

describe("the command xmtp-devnode of npm", { timeout: 180_000 }, () => {
  let folder, command, child, ports;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "xmtp-devnode-"));
    const { stdout } = await run("npm", ["pack", built, "--json", "--pack-destination", folder]);
    const tarball = join(folder, JSON.parse(stdout)[0].filename);
    await writeFile(join(folder, "package.json"), "{}");
    await run("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball], { cwd: folder });
    command = join(folder, "node_modules", ".bin", "xmtp-devnode");
    // As with npx, in the folder it was installed to; no cargo is looked for.
    child = spawn("npx", ["--offline", "xmtp-devnode", "--grpc-port", "0", "--grpc-web-port", "0", "--faults"], {
      cwd: folder,
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(createInterface(child.stdout), "line");
    const found = /^ready grpc=http:\/\/localhost:(\d+) grpc-web=http:\/\/localhost:(\d+)$/.exec(line);
    assert.ok(found, line);
    ports = { grpc: found[1], web: found[2] };
  });
  after(async () => {
    if (child?.exitCode === null) {
      process.kill(-child.pid, "SIGTERM");
      await once(child, "close");
    }
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it("is ready for browsers: two accounts of the built package chat", async () => {
    const pages = await openPages();
    try {
      const page = await pages.page();
      const heard = await page.run(async (apiUrl) => {
        const options = { env: "local", apiUrl, dbPath: null };
        const [alice, bob] = await Promise.all([window.open(options), window.open(options)]);
        const next = window.texts(await bob.conversations.streamAllMessages());
        const group = await alice.conversations.createGroup([bob.inboxId]);
        await group.sendText("hello");
        const { content } = await next();
        await Promise.all([alice.close(), bob.close()]);
        return content;
      }, `http://localhost:${ports.web}`);
      assert.equal(heard, "hello");
    } finally {
      await pages.close();
    }
    const { calls } = await (await fetch(`http://localhost:${ports.web}/faults`)).json();
    assert.ok(calls.SendGroupMessages >= 2, JSON.stringify(calls));
  });

  it("speaks gRPC over HTTP/2, with the status in trailers", async () => {
    const call = async (method) => {
      const session = connect(`http://127.0.0.1:${ports.grpc}`);
      try {
        const stream = session.request({
          ":method": "POST",
          ":path": `/xmtp.mls.api.v1.MlsApi/${method}`,
          "content-type": "application/grpc",
          te: "trailers",
        });
        const answer = { bytes: 0, status: undefined };
        stream.on("response", (headers) => (answer.status ??= headers["grpc-status"]));
        stream.on("trailers", (trailers) => (answer.status = trailers["grpc-status"]));
        stream.on("data", (piece) => (answer.bytes += piece.length));
        // An empty message in its frame.
        stream.end(Buffer.alloc(5));
        await once(stream, "close");
        return answer;
      } finally {
        session.close();
      }
    };
    assert.deepEqual(await call("FetchKeyPackages"), { bytes: 5, status: "0" });
    assert.deepEqual(await call("SendGroupMessages"), { bytes: 0, status: "3" });
  });

  it("answers readiness and CORS, and refuses what it cannot do", async () => {
    const url = `http://localhost:${ports.web}`;
    assert.equal(await (await fetch(`${url}/healthz`)).text(), "ok\n");
    const preflight = await fetch(`${url}/xmtp.mls.api.v1.MlsApi/SendGroupMessages`, {
      method: "OPTIONS",
      headers: { origin: "https://app.example", "access-control-request-method": "POST", "access-control-request-headers": "x-grpc-web" },
    });
    assert.equal(preflight.headers.get("access-control-allow-origin"), "https://app.example");
    for (const wrong of [["--db", "node.db"], ["--grpc-port", "http"], ["--unknown"], ["--contract-wallet", "0x12", "--grpc-port", "0", "--grpc-web-port", "0"]]) {
      await assert.rejects(run(command, wrong), (error) => error.code === 1 && error.stderr.startsWith("error: "), wrong.join(" "));
    }
    const taken = run(command, ["--grpc-port", "0", "--grpc-web-port", ports.web]);
    await assert.rejects(taken, (error) => error.stderr.includes("another node"));
    assert.match((await run(command, ["--version"])).stdout, /^xmtp-devnode \d+\.\d+\.\d+\n$/);
  });
});
