// Tabs with the locks and channels of a browser, played: what the state machine (tabs.test.mjs) leaves to its surroundings.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Station } from "../../pkg/tabs/station.js";

/** Web Locks: exclusive ones, in the order of asking, granted a moment later. */
class Locks {
  queues = new Map();
  /** Names that the browser refuses, as it does where a page has no access to storage. */
  isRefused = () => false;
  /** Whether locks are granted. */
  isOpen = true;

  async request(name, ...rest) {
    const callback = rest.pop();
    const { signal } = rest[0] ?? {};
    if (this.isRefused(name)) throw new DOMException("access to the lock manager is denied", "SecurityError");
    if (!this.queues.has(name)) this.queues.set(name, []);
    const queue = this.queues.get(name);
    const entry = { isHeld: false };
    queue.push(entry);
    const leave = () => queue.splice(queue.indexOf(entry), 1);
    while (queue[0] !== entry || !this.isOpen) {
      await setImmediate();
      if (signal?.aborted) {
        leave();
        throw signal.reason;
      }
    }
    entry.isHeld = true;
    try {
      return await callback();
    } finally {
      leave();
    }
  }

  /** Names of locks that somebody has. */
  get held() {
    return [...this.queues].filter(([, queue]) => queue[0]?.isHeld).map(([name]) => name);
  }
}

const channels = new Set();

class PlayedChannel {
  onmessage = undefined;
  constructor(name) {
    this.name = name;
    channels.add(this);
  }
  postMessage(message) {
    const data = structuredClone(message);
    for (const other of channels) {
      if (other !== this && other.name === this.name) void setImmediate().then(() => channels.has(other) && other.onmessage?.({ data }));
    }
  }
  close() {
    channels.delete(this);
  }
}

const ARGS = {
  apiUrl: "http://node", env: "local", identifier: { identifier: "0xab", identifierKind: 0 }, nonce: 1n, appVersion: undefined,
  dbPath: "diary", dbEncryptionKey: undefined, disableDeviceSync: false, wasmUrl: undefined,
};

/** The files of the database: one tab at a time has them. */
let files;
let locks;
let stations;

class Tab {
  answers = new Map();
  told = [];
  isOpen = false;
  #id = 0;

  constructor() {
    const engine = {
      open: async () => {
        assert.equal(files.owner, undefined, "the database is opened by one tab at a time");
        await setImmediate();
        files.owner = this;
      },
      state: () => {
        if (files.owner !== this) throw { code: "client.closed", message: "the client is closed" };
        return { inboxId: "a".repeat(64) };
      },
      run: async (method) => {
        engine.state();
        if (method !== "client.deleteDatabase") return method;
        files.owner = undefined;
        await setImmediate();
        if (files.cannotBeDeleted) throw { code: "storage.locked_by_other_tab", message: "a handle is held", retryable: true };
        return undefined;
      },
      openStream: async () => ({ end: () => {}, existing: [] }),
      close: async () => {
        await setImmediate();
        if (files.owner === this) files.owner = undefined;
      },
      setNetwork: () => {},
      isTrap: () => false,
    };
    const post = (message) => {
      if (message.type === "answer") this.answers.set(message.id, message);
      else this.told.push(message);
    };
    this.station = new Station(ARGS, engine, post, assert.fail);
    stations.push(this);
  }

  join() {
    const id = (this.#id += 1);
    void this.station.join(id);
    return this.answered(id);
  }

  ask(method, args) {
    const id = (this.#id += 1);
    this.station.request({ id, method, args });
    return this.answered(id);
  }

  async answered(id) {
    for (let turn = 0; turn < 500; turn += 1) {
      if (this.answers.has(id)) return this.answers.get(id);
      await setImmediate();
    }
    return "no answer";
  }

  get role() {
    return this.told.filter(({ type }) => type === "role").at(-1)?.role;
  }

  get fatal() {
    return this.told.find(({ type }) => type === "fatal")?.error;
  }
}

const settled = async () => {
  for (let turn = 0; turn < 100; turn += 1) await setImmediate();
};

beforeEach(() => {
  [files, locks, stations] = [{ owner: undefined, cannotBeDeleted: false }, new Locks(), []];
  Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
  globalThis.BroadcastChannel = PlayedChannel;
});

afterEach(async () => {
  for (const tab of stations) if (tab.role !== undefined) await tab.ask("client.close");
  await settled();
  assert.deepEqual([locks.held, channels.size], [[], 0], "whoever is closed leaves nothing behind");
});

describe("a page that has no access to storage", () => {
  it("is told so with the reason, and leaves nothing behind", async () => {
    for (const isRefused of [() => true, (name) => name.endsWith('"diary"]')]) {
      locks.isRefused = isRefused;
      const { ok, error } = await new Tab().join();
      assert.deepEqual([ok, error?.code, error?.details], [false, "storage.unavailable", { reason: "refused" }]);
    }
  });

  it("is told when it loses it while it is away", async () => {
    const tab = new Tab();
    await tab.join();
    await tab.ask("tabs.rest");
    await settled();
    locks.isRefused = () => true;
    await tab.ask("tabs.resume");
    await settled();
    assert.equal(tab.fatal?.code, "storage.unavailable");
    assert.equal((await tab.ask("group.messages")).error?.code, "client.closed");
  });
});

describe("deleting the database", () => {
  it("that fails ends the tab that tried, and the others go on with it", async () => {
    const [leader, follower] = [new Tab(), new Tab()];
    await leader.join();
    await follower.join();
    assert.deepEqual([leader.role, follower.role], ["leader", "follower"]);
    files.cannotBeDeleted = true;
    const { error } = await follower.ask("client.deleteDatabase");
    assert.equal(error.code, "storage.locked_by_other_tab");
    await settled();
    assert.equal(leader.fatal?.code, "storage.locked_by_other_tab");
    assert.equal(follower.role, "leader");
    assert.equal((await follower.ask("group.messages")).result, "group.messages");
    assert.equal((await leader.ask("group.messages")).error.code, "client.closed");
  });
});

describe("a page that goes out of use", () => {
  it("while its tab is just making itself known takes no lock, and has its client when it is back", async () => {
    for (const after of [0, 1]) {
      const tab = new Tab();
      locks.isOpen = false;
      const joining = tab.join();
      if (after > 0) await settled();
      await tab.ask("tabs.rest");
      locks.isOpen = true;
      await settled();
      assert.deepEqual([locks.held, channels.size, files.owner], [[], 0, undefined]);
      void tab.ask("tabs.resume");
      assert.equal((await joining).ok, true);
      assert.equal(tab.role, "leader");
      await tab.ask("client.close");
    }
  });

  it("and comes back twice is known to the others before it asks for anything", async () => {
    const [leader, tab] = [new Tab(), new Tab()];
    await leader.join();
    await tab.join();
    await tab.ask("tabs.rest");
    locks.isOpen = false;
    const coming = [tab.ask("tabs.resume"), tab.ask("tabs.resume")];
    const reading = tab.ask("group.messages");
    await settled();
    assert.equal(locks.queues.get('xmtp-web:["path","diary"]').length, 1, "it is not in the queue yet");
    locks.isOpen = true;
    await Promise.all(coming);
    assert.equal((await reading).ok, true);
    assert.equal((await tab.ask("group.messages")).ok, true);
  });

  it("again before it is quite back stays away", async () => {
    const [leader, tab] = [new Tab(), new Tab()];
    await leader.join();
    await tab.join();
    await tab.ask("tabs.rest");
    locks.isOpen = false;
    void tab.ask("tabs.resume");
    await settled();
    await tab.ask("tabs.rest");
    locks.isOpen = true;
    await leader.ask("client.close");
    await settled();
    assert.deepEqual([locks.held, files.owner], [[], undefined]);
    await tab.ask("tabs.resume");
    await settled();
    assert.equal(tab.role, "leader");
  });
});
