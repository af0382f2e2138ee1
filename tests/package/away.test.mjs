// A page in the back/forward cache: its worker is ended at once, and another one goes on where it was.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import * as api from "../../pkg/index.js";
import { Account } from "./support/played-worker.mjs";

const { Client, createEOASigner } = api;
const signer = createEOASigner(`0x${"ab".repeat(20)}`, () => new Uint8Array(65));
const code = (expected) => (error) => error instanceof api.XmtpError && error.code === expected;
/** The page's events, with how many listen. */
class Page extends EventTarget {
  listeners = 0;
  addEventListener(...args) {
    this.listeners += 1;
    super.addEventListener(...args);
  }
  removeEventListener(...args) {
    this.listeners -= 1;
    super.removeEventListener(...args);
  }
}
/** A call that nobody answers. */
const never = () => new Promise(() => {});

let account, page;

beforeEach(() => {
  account = new Account();
  account.group("aa");
  page = new Page();
  globalThis.Worker = account.Worker;
  globalThis.addEventListener = page.addEventListener.bind(page);
  globalThis.removeEventListener = page.removeEventListener.bind(page);
});

afterEach(() => {
  for (const name of ["Worker", "addEventListener", "removeEventListener"]) delete globalThis[name];
});

const happens = (type, persisted) => page.dispatchEvent(Object.assign(new Event(type), { persisted }));
const asked = (method) => account.asked.filter(([name]) => name === method).map(([, args]) => args);
/** Until the worker has answered what was asked so far. */
const settled = async () => {
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
};
const key = () => new Uint8Array(32).fill(7);
const opened = (options) => Client.create(signer, { dbPath: "away", dbEncryptionKey: key(), ...options });

describe("a page that is kept for when the person goes back", () => {
  it("ends its worker at once, and opens the same client in another when it is back", async () => {
    const client = await opened();
    happens("pagehide", true);
    assert.equal(account.workers[0].isTerminated, true, "its lock and its files are free before the event is over");
    assert.equal(asked("tabs.rest").length, 0);
    happens("pageshow", true);
    await settled();
    assert.equal(account.workers.length, 2);
    const [first, again] = asked("client.open");
    assert.deepEqual({ ...again, inboxId: undefined }, { ...first, inboxId: undefined });
    assert.equal(again.inboxId, client.inboxId, "nothing is made anew");
    assert.equal(client.isReady, true);
    assert.equal((await client.conversations.list()).length, 1);
    await client.close();
  });

  it("asks again what is safe, sends the same message, and says what it cannot know", async () => {
    const client = await opened();
    const group = await client.conversations.getConversationById("aa");
    for (const method of ["conversations.sync", "group.sendContent", "group.update"]) account.overrides[method] = never;
    const [syncing, sending] = [client.conversations.sync(), group.sendText("hello")];
    const renaming = group.updateName("Dinner");
    renaming.catch(() => undefined);
    await settled();
    happens("pagehide", true);
    account.overrides = {};
    const late = client.conversations.list();
    happens("pageshow", true);
    await Promise.all([syncing, sending, late]);
    await assert.rejects(renaming, code("tabs.outcome_unknown"));
    const [one, other] = asked("group.sendContent");
    assert.match(one.options.idempotencyKey, /^\d+$/);
    assert.deepEqual(other, one);
    assert.equal(asked("group.update").length, 1);
    await client.close();
  });

  it("has its streams again, which go on where they were", async () => {
    const client = await opened();
    const events = [];
    const stream = await client.conversations.streamAllMessages({
      onRetry: () => events.push("retry"),
      onRestart: () => events.push("restart"),
      onError: ({ code }) => events.push(code),
    });
    account.tellMessage(account.message("aa", "before"));
    assert.equal((await stream.next()).value.content, "before");
    happens("pagehide", true);
    const missed = account.message("aa", "meanwhile");
    happens("pageshow", true);
    while (!events.includes("restart")) await settled();
    const { since } = asked("stream.open").at(-1);
    assert.ok(since < missed.insertedAtNs);
    account.tellMessage(missed);
    assert.equal((await stream.next()).value.content, "meanwhile");
    assert.deepEqual(events, ["retry", "restart"]);
    await client.close();
  });

  it("may go and come as it likes, also while it is being opened", async () => {
    const client = await opened();
    account.overrides["client.open"] = never;
    happens("pagehide", true);
    happens("pageshow", true);
    await settled();
    happens("pagehide", true);
    account.overrides = {};
    happens("pageshow", true);
    assert.equal((await client.conversations.list()).length, 1);
    assert.deepEqual(account.workers.map(({ isTerminated }) => isTerminated), [true, true, false]);
    await client.close();
  });

  it("may be left while its client is opened for the first time", async () => {
    account.overrides["client.open"] = never;
    const opening = opened();
    await settled();
    happens("pagehide", true);
    assert.equal(account.workers[0].isTerminated, true, "its lock does not go into the cache with it");
    account.overrides = {};
    happens("pageshow", true);
    const client = await opening;
    assert.equal(account.workers.length, 2);
    assert.equal((await client.conversations.list()).length, 1);
    await client.close();
    account.overrides["client.open"] = () => {
      throw { code: "storage.full", message: "no space is left" };
    };
    await assert.rejects(opened(), code("storage.full"));
    assert.equal(page.listeners, 0, "and nobody listens any more for a client that is not there");
  });

  it("is told when the database cannot be opened any more", async () => {
    const client = await opened();
    const ended = new Promise((resolve) => client.on("ended", resolve));
    happens("pagehide", true);
    account.overrides["client.open"] = () => {
      throw { code: "storage.deleted", message: "the database was deleted" };
    };
    const call = client.conversations.list();
    happens("pageshow", true);
    await assert.rejects(call, code("storage.deleted"));
    assert.equal((await ended).error.code, "storage.deleted");
  });

  it("opens with the key that the database has got meanwhile", async () => {
    const client = await opened();
    account.workers[0].post({ type: "rekeyed", dbEncryptionKey: new Uint8Array(32).fill(8) });
    happens("pagehide", true);
    happens("pageshow", true);
    await settled();
    assert.deepEqual(asked("client.open").at(-1).dbEncryptionKey, new Uint8Array(32).fill(8));
    await client.close();
  });

  it("keeps its worker when the database is in memory", async () => {
    const client = await opened({ dbPath: null, dbEncryptionKey: undefined });
    happens("pagehide", true);
    happens("pageshow", true);
    await settled();
    assert.deepEqual(account.workers.map(({ isTerminated }) => isTerminated), [false]);
    assert.equal((await client.conversations.list()).length, 1);
    await client.close();
  });

  it("whose client is being closed is through with it", async () => {
    const client = await opened();
    account.overrides["client.close"] = never;
    const closing = client.close();
    await settled();
    happens("pagehide", true);
    await closing;
    assert.equal(account.workers[0].isTerminated, true);
    happens("pageshow", true);
    await settled();
    assert.equal(account.workers.length, 1);
  });

  it("that is left for good tells its worker, which is ended with it", async () => {
    const client = await opened();
    happens("pagehide", false);
    assert.equal(account.workers[0].isTerminated, false);
    await settled();
    assert.equal(asked("tabs.rest").length, 1);
    await client.close();
  });
});
