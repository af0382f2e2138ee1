// What a client writes to the console, where the app asks for it, and what it never writes.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import * as api from "../../pkg/index.js";
import { resolveOptions } from "../../pkg/options.js";
import { PACKAGE_VERSION } from "../../pkg/version.js";
import { Account, INBOX } from "./support/played-worker.mjs";
import { uncaught } from "./support/uncaught.mjs";

const { Client, createEOASigner, LogLevel, Opfs } = api;
const ADDRESS = `0x${"ab".repeat(20)}`;
const GROUP = "f".repeat(32);
const TEXT = "the secret of the soup";
const signer = createEOASigner(ADDRESS, () => new Uint8Array(65));
const code = (expected) => (error) => error instanceof api.XmtpError && error.code === expected;
const settled = async () => {
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
};

let account, lines, client;

beforeEach(() => {
  account = new Account();
  account.group(GROUP);
  globalThis.Worker = account.Worker;
  lines = [];
});

afterEach(async () => {
  await client?.close();
  client = undefined;
  delete globalThis.Worker;
});

/** Replaces the console while something runs. */
async function logged(run) {
  const methods = ["error", "warn", "info", "debug", "log", "trace"];
  const real = Object.fromEntries(methods.map((method) => [method, console[method]]));
  for (const method of methods) console[method] = (...parts) => lines.push([method, ...parts]);
  try {
    await run();
    await settled();
  } finally {
    Object.assign(console, real);
  }
  return lines;
}

/** A life with a bit of everything that is logged. */
async function live(options) {
  client = await Client.create(signer, { dbPath: null, ...options });
  const group = await client.conversations.getConversationById(GROUP);
  await group.sendText(TEXT);
  account.overrides["group.sync"] = () => {
    throw { code: "network.unavailable", message: `no way to ${ADDRESS} with ${TEXT}`, retryable: true };
  };
  await assert.rejects(group.sync(), code("network.unavailable"));
  const stream = await client.conversations.streamAllMessages({ retryOnFail: false });
  account.tell("connection", { connection: "connecting" });
  account.tell("connection", { connection: "connected" });
  account.tell("connection", { connection: "connected" });
  account.tellMessage(account.message(GROUP, TEXT));
  account.workers.at(-1).post({ type: "role", role: "leader" });
  for (const { send } of account.streams("allMessages")) send({ event: "end" });
  await settled();
  assert.equal(stream.isDone, true);
  await client.close();
}

const texts = () => lines.map(([method, text]) => `${method} ${text.replace(/^\[xmtp-web \d+\] /, "")}`);

describe("the log of a client", () => {
  it("is empty unless one of its options is given", async () => {
    await logged(() => live({}));
    assert.deepEqual(lines, []);
    await logged(() => live({ loggingLevel: LogLevel.Off, structuredLogging: true, performanceLogging: true }));
    assert.deepEqual(lines, []);
    await logged(() => live({ structuredLogging: false, performanceLogging: false }));
    assert.deepEqual(lines, []);
  });

  it("tells failed calls and streams, and by level what else happens", async () => {
    await logged(() => live({ loggingLevel: LogLevel.Error }));
    assert.deepEqual(texts(), ["error stream gives up stream=allMessages code=network.unavailable"]);
    lines = [];
    await logged(() => live({ loggingLevel: LogLevel.Warn }));
    assert.deepEqual(texts(), [
      "warn call failed method=group.sync code=network.unavailable",
      "warn stream broke stream=allMessages code=network.unavailable retries=0",
      "error stream gives up stream=allMessages code=network.unavailable",
    ]);
    lines = [];
    await logged(() => live({ loggingLevel: LogLevel.Info }));
    assert.deepEqual(texts().filter((text) => text.startsWith("info")), [
      `info open env=dev version=${PACKAGE_VERSION} isRegistered=true`,
      "info connection state=connecting",
      "info connection state=connected",
      "info role of this tab role=leader",
      "info closed",
    ]);
    lines = [];
    await logged(() => live({ loggingLevel: LogLevel.Debug }));
    assert.ok(texts().includes("debug call done method=group.sendContent"));
    assert.ok(!texts().some((text) => text.includes("stream value")));
    lines = [];
    await logged(() => live({ loggingLevel: LogLevel.Trace }));
    assert.ok(texts().includes("debug call method=group.sendContent"));
    assert.ok(texts().includes("debug stream value stream=allMessages"));
  });

  it("holds no text, address, id or message of an error", async () => {
    await logged(() => live({ loggingLevel: LogLevel.Trace, performanceLogging: true }));
    await logged(() => live({ loggingLevel: LogLevel.Trace, structuredLogging: true }));
    assert.ok(lines.length > 20);
    for (const secret of [TEXT, "no way", ADDRESS.slice(2), GROUP, INBOX, "0".repeat(64)]) {
      assert.deepEqual(lines.filter((line) => line.join(" ").includes(secret)), [], secret);
    }
  });

  it("is one JSON object a line when it is structured, at level Info unless another is given", async () => {
    await logged(() => live({ structuredLogging: true }));
    const objects = lines.map(([method, ...parts]) => {
      assert.equal(parts.length, 1);
      assert.ok(!parts[0].includes("\n"));
      return { sink: method, ...JSON.parse(parts[0]) };
    });
    const failed = objects.find(({ message }) => message === "call failed");
    assert.match(failed.time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.deepEqual(
      { ...failed, time: 0, client: typeof failed.client },
      { sink: "warn", time: 0, level: "WARN", target: "xmtp-web", client: "number", message: "call failed", method: "group.sync", code: "network.unavailable" },
    );
    assert.ok(objects.every(({ level }) => ["ERROR", "WARN", "INFO"].includes(level)));
  });

  it("tells how long calls took, to the Performance panel too, which keeps nothing", async () => {
    const seen = [];
    const observer = new PerformanceObserver((list) => seen.push(...list.getEntries()));
    observer.observe({ type: "measure" });
    await logged(() => live({ performanceLogging: true }));
    observer.disconnect();
    assert.ok(texts().some((text) => /^info call done method=group\.sendContent ms=\d+(\.\d)?$/.test(text)), texts().join("\n"));
    assert.ok(texts().some((text) => /^warn call failed method=group\.sync code=network\.unavailable ms=\d+(\.\d)?$/.test(text)));
    assert.ok(seen.some(({ name, duration }) => name === "xmtp-web group.sendContent" && duration >= 0));
    assert.deepEqual(performance.getEntriesByType("measure"), []);
  });

  it("opens no stream that the app has not, and closes its own with the app's last", async () => {
    await logged(async () => {
      client = await Client.create(signer, { dbPath: null, loggingLevel: LogLevel.Info });
      await settled();
      assert.deepEqual(account.streams(), []);
      const one = await client.conversations.streamAllMessages();
      const two = await client.preferences.streamConsent();
      await settled();
      assert.equal(account.streams("connection").length, 1);
      assert.equal((await client.diagnostics()).counts.openStreams, 2);
      await one.end();
      await settled();
      assert.equal(account.streams("connection").length, 1);
      await two.end();
      await settled();
      assert.deepEqual(account.streams(), []);
      await client.conversations.streamAllMessages();
      await settled();
      assert.equal(account.streams("connection").length, 1);
    });
  });

  it("tells that the worker failed", async () => {
    await logged(async () => {
      client = await Client.create(signer, { dbPath: null, loggingLevel: LogLevel.Error });
      account.workers.at(-1).post({ type: "fatal", error: { code: "internal", message: TEXT, retryable: false } });
    });
    assert.deepEqual(texts(), ["error ended code=internal"]);
  });

  it("stops nothing when the console throws", async () => {
    const real = console.info;
    console.info = () => {
      throw new Error("no console");
    };
    try {
      const faults = await uncaught(async () => {
        client = await Client.create(signer, { dbPath: null, loggingLevel: LogLevel.Info });
      });
      assert.equal(client.isReady, true);
      assert.ok(faults.length > 0 && faults.every((text) => text === "no console"));
    } finally {
      console.info = real;
    }
  });

  it("of the tools for files tells their calls", async () => {
    await logged(async () => {
      account.overrides["opfs.list"] = () => [];
      const opfs = await Opfs.create(true);
      await opfs.listFiles();
      opfs.close();
    });
    assert.ok(texts().includes("debug call done method=opfs.list"));
  });

  it("has options of the right types alone", () => {
    for (const options of [{ loggingLevel: 6 }, { loggingLevel: "Debug" }, { loggingLevel: 1.5 }, { structuredLogging: 1 }, { performanceLogging: "yes" }]) {
      assert.throws(() => resolveOptions(options), code("argument.invalid"), JSON.stringify(options));
    }
  });
});

describe("waitForRegistrationVisible", () => {
  /** A worker whose node shows a registration at the given attempt. */
  const registering = (attempt) => {
    let calls = 0;
    account.overrides["client.isRegistered"] = () => false;
    account.overrides["client.signatureText"] = () => undefined;
    account.overrides["client.register"] = () => {
      if ((calls += 1) < attempt) throw { code: "network.unavailable", message: "not yet", retryable: true };
      return { inboxId: INBOX, installationId: INBOX, installationIdBytes: new Uint8Array(32), isRegistered: true, protocolVersion: "1.0.0" };
    };
    return () => calls;
  };

  it("tries until the node shows the installation", async () => {
    const calls = registering(3);
    client = await Client.create(signer, { dbPath: null, waitForRegistrationVisible: { quorumPercentage: 0.5 } });
    assert.equal(calls(), 3);
    assert.equal(client.installationId, INBOX);
  });

  it("gives up after its time, and without it tries once", async () => {
    for (const [options, most] of [[{ waitForRegistrationVisible: { timeoutMs: 120 } }, 2], [{}, 1]]) {
      const calls = registering(100);
      await assert.rejects(Client.create(signer, { dbPath: null, ...options }), code("network.unavailable"));
      assert.ok(calls() <= most, `${calls()}`);
    }
  });

  it("is given up by a signal", async () => {
    const calls = registering(100);
    const signal = AbortSignal.timeout(50);
    await assert.rejects(Client.create(signer, { dbPath: null, waitForRegistrationVisible: {}, signal }), code("call.aborted"));
    const then = calls();
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(calls(), then);
  });

  it("asks for no more nodes than there are", () => {
    assert.equal(resolveOptions({ waitForRegistrationVisible: { quorumAbsolute: 1 } }).visibilityTimeoutMs, 30_000);
    assert.throws(() => resolveOptions({ waitForRegistrationVisible: { quorumAbsolute: 2 } }), code("argument.unsupported"));
    assert.throws(() => resolveOptions({ waitForRegistrationVisible: { nodes: 2 } }), code("argument.unsupported"));
    for (const wrong of [true, null, { quorumPercentage: 0 }, { quorumPercentage: 50 }, { quorumAbsolute: 0.5 }, { timeoutMs: -1 }, { timeoutMs: "1s" }]) {
      assert.throws(() => resolveOptions({ waitForRegistrationVisible: wrong }), code("argument.invalid"), JSON.stringify(wrong));
    }
  });
});
