// Workers that listen late, as those do whose parts a build has split, and workers that never come.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import * as api from "../../pkg/index.js";
import { createTestNetwork } from "../../pkg/testing/index.js";
import { Account } from "./support/played-worker.mjs";

const { Client, createEOASigner } = api;
const signer = createEOASigner(`0x${"ab".repeat(20)}`, () => new Uint8Array(65));
const code = (expected) => (error) => error instanceof api.XmtpError && error.code === expected;
const turns = async () => {
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
};
const opened = (options) => Client.create(signer, { dbPath: null, ...options });
const begun = async (count = 1) => {
  while (account.workers.length < count) await setImmediate();
  await turns();
  return account.workers[count - 1];
};
const asked = (method) => account.asked.filter(([name]) => name === method).map(([, args]) => args);

let account;

beforeEach(() => {
  account = new Account();
  account.isLate = true;
  globalThis.Worker = account.Worker;
});

afterEach(() => delete globalThis.Worker);

describe("a worker that listens late", { timeout: 10_000 }, () => {
  it("is told nothing before, and everything then, in order", async () => {
    const opening = opened();
    const worker = await begun();
    assert.deepEqual([account.lost, account.asked], [[], []]);
    worker.listen();
    const client = await opening;
    assert.deepEqual(account.lost, []);
    assert.equal(account.asked[0][0], "client.open");
    await client.close();
  });

  it("gets what was asked as it was when it was asked", async () => {
    const key = new Uint8Array(32).fill(7);
    const opening = opened({ dbPath: "late", dbEncryptionKey: key });
    const worker = await begun();
    key.fill(0);
    worker.listen();
    const client = await opening;
    assert.deepEqual(asked("client.open")[0].dbEncryptionKey, new Uint8Array(32).fill(7));
    await client.close();
  });

  it("is not waited for by a call that cannot be sent", async () => {
    const sending = api.encryptAttachment({ mimeType: "text/plain", content: new Uint8Array(), filename: () => "no text" });
    await assert.rejects(sending, (error) => code("argument.invalid")(error) && error.message.includes("cannot be sent"));
    const [worker] = account.workers;
    worker.listen();
    await turns();
    assert.deepEqual([account.lost, account.asked], [[], []]);
  });

  it("is ended at once by who gives up, and may say what it wants then", async () => {
    const abort = new AbortController();
    const opening = opened({ signal: abort.signal });
    const worker = await begun();
    abort.abort();
    await assert.rejects(opening, code("call.aborted"));
    assert.equal(worker.isTerminated, true);
    worker.isTerminated = false;
    worker.listen();
    assert.deepEqual([account.lost, account.asked], [[], []]);
  });

  it("of a page that comes back opens the client as if it had been there", async (test) => {
    const page = new EventTarget();
    globalThis.addEventListener = page.addEventListener.bind(page);
    globalThis.removeEventListener = page.removeEventListener.bind(page);
    test.after(() => {
      delete globalThis.addEventListener;
      delete globalThis.removeEventListener;
    });
    const happens = (type) => page.dispatchEvent(Object.assign(new Event(type), { persisted: true }));
    account.group("aa");
    const opening = opened({ dbPath: "away", dbEncryptionKey: new Uint8Array(32) });
    (await begun()).listen();
    const client = await opening;
    const group = await client.conversations.getConversationById("aa");
    happens("pagehide");
    const renaming = group.updateName("Dinner");
    happens("pageshow");
    await begun(2);
    // Once more before the second worker listens: it has carried nothing out.
    happens("pagehide");
    happens("pageshow");
    (await begun(3)).listen();
    account.overrides["group.update"] = () => account.groups.get("aa");
    await renaming;
    assert.equal(asked("group.update").length, 1);
    assert.equal(asked("client.open").length, 2);
    assert.deepEqual(account.lost, []);
    await client.close();
  });
});

describe("a worker that never listens", { timeout: 10_000 }, () => {
  const noWorker = (error) => code("client.no_worker")(error) && !error.retryable && /worker\.js.*workerUrl/.test(error.message);

  it("because it cannot be loaded ends what waits for it, and says what to see to", async () => {
    const opening = opened();
    const worker = await begun();
    worker.dispatchEvent(new Event("error"));
    await assert.rejects(opening, noWorker);
    assert.equal(worker.isTerminated, true);
  });

  it("because it fails at once says why", async () => {
    const opening = opened();
    const worker = await begun();
    worker.dispatchEvent(Object.assign(new Event("error"), { message: "SyntaxError: unexpected token" }));
    await assert.rejects(opening, (error) => noWorker(error) && error.message.includes("SyntaxError: unexpected token"));
  });

  it("in a page of no origin, which the browser refuses it so, is told as refused storage unless the database is in memory", async (test) => {
    globalThis.origin = "null";
    test.after(() => delete globalThis.origin);
    const isRefused = (code) => (error) => error.code === code && error.details?.reason === "refused" && error.message.includes("Blob");
    for (const [n, [options, expected]] of [[{}, "storage.unavailable"], [{ storage: "memory" }, "client.no_worker"]].entries()) {
      const opening = Client.create(signer, options);
      (await begun(n + 1)).dispatchEvent(new Event("error"));
      await assert.rejects(opening, isRefused(expected));
    }
  });

  it("and says nothing is given up after a minute, and not before", async (test) => {
    test.mock.timers.enable({ apis: ["setInterval"] });
    let ended;
    const opening = opened().catch((error) => (ended = error));
    await begun();
    test.mock.timers.tick(59_000);
    await turns();
    assert.equal(ended, undefined);
    test.mock.timers.tick(1_000);
    await opening;
    assert.ok(noWorker(ended), String(ended));
  });

  it("is another matter than one that fails later, which is our defect", async () => {
    const opening = opened();
    const worker = await begun();
    worker.listen();
    const client = await opening;
    worker.dispatchEvent(Object.assign(new Event("error"), { message: "a trap" }));
    await assert.rejects(client.conversations.sync(), code("internal"));
  });
});

describe("a network in the page whose workers listen late", { timeout: 10_000 }, () => {
  /** A worker that does nothing but to note what it hears, or what it would have missed. */
  class Noting extends EventTarget {
    static all = [];
    heard = [];
    lost = [];
    isListening = false;
    isTerminated = false;

    constructor(url) {
      super();
      this.file = new URL(url).pathname.split("/").at(-1);
      Noting.all.push(this);
    }

    say(data) {
      this.dispatchEvent(Object.assign(new Event("message"), { data }));
    }

    listen() {
      this.isListening = true;
      this.say({ type: "ready" });
    }

    postMessage(message) {
      (this.isListening ? this.heard : this.lost).push(message);
      if (message.id !== undefined && this.file === "node-worker.js") queueMicrotask(() => this.say({ id: message.id, ok: true }));
    }

    terminate() {
      this.isTerminated = true;
    }
  }

  beforeEach(() => {
    Noting.all = [];
    globalThis.Worker = Noting;
  });

  it("is made when it listens, and its clients are connected before they say anything", async () => {
    const making = createTestNetwork();
    await turns();
    const [node] = Noting.all;
    assert.deepEqual([node.file, node.lost], ["node-worker.js", []]);
    node.listen();
    const network = await making;
    const opening = Client.create(signer, network.options).catch(() => undefined);
    await turns();
    const client = Noting.all[1];
    assert.deepEqual([client.file, client.lost], ["client-worker.js", []]);
    client.listen();
    await turns();
    assert.deepEqual(client.heard.map(({ type, method }) => type ?? method), ["test-network.connect", "client.open"]);
    for (const { port } of [...client.heard, ...node.heard]) port?.close();
    client.dispatchEvent(new Event("error"));
    await opening;
    await network.close();
  });

  it("and never come is refused with what to see to", async () => {
    const making = createTestNetwork();
    await turns();
    Noting.all[0].dispatchEvent(new Event("error"));
    await assert.rejects(making, (error) => code("client.no_worker")(error) && error.message.includes("testing/node-worker.js"));
    assert.equal(Noting.all[0].isTerminated, true);
  });
});
