// What a page is told of its tab: two stations of the worker with the engine and the browser's locks played.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Station } from "../../pkg/tabs/station.js";

/** Web Locks of one process: exclusive, first come first served, given up by abort. */
class Locks {
  #queues = new Map();

  request(name, options, callback) {
    if (callback === undefined) [options, callback] = [{}, options];
    const queue = this.#queues.get(name) ?? [];
    this.#queues.set(name, queue);
    return new Promise((resolve, reject) => {
      const waiting = { run: async () => resolve(await callback()) };
      options.signal?.addEventListener("abort", () => {
        const at = queue.indexOf(waiting);
        if (at < 1) return;
        queue.splice(at, 1);
        reject(options.signal.reason);
      });
      queue.push(waiting);
      if (queue.length === 1) void this.#grant(queue);
    });
  }

  async #grant(queue) {
    await Promise.resolve();
    while (queue.length > 0) {
      await queue[0].run();
      queue.shift();
    }
  }
}

const args = {
  apiUrl: "http://localhost:1", env: "local", identifier: { identifier: `0x${"ab".repeat(20)}`, identifierKind: 0 }, nonce: 1n,
  appVersion: undefined, dbPath: "roles", dbEncryptionKey: undefined, disableDeviceSync: false, wasmUrl: undefined,
};

/** One tab: what its page was told, and how to wait for a role. */
function tab() {
  const told = [];
  const waiting = [];
  const post = (message) => {
    told.push(message);
    for (const look of [...waiting]) look();
  };
  const until = (holds) =>
    new Promise((resolve) => {
      const look = () => holds(told) && resolve();
      waiting.push(look);
      look();
    });
  const engine = {
    open: async () => undefined, state: () => ({ inboxId: "ab" }), run: () => undefined, openStream: async () => ({ end() {}, existing: [] }),
    close: async () => undefined, setNetwork() {}, isTrap: () => false,
  };
  const station = new Station(args, engine, post, assert.fail);
  const roles = () => told.filter(({ type }) => type === "role").map(({ role }) => role);
  return { station, told, roles, until, answered: (id) => until((all) => all.some((each) => each.type === "answer" && each.id === id)) };
}

describe("a page with others on its account", () => {
  before(() => {
    Object.defineProperty(globalThis, "navigator", { value: { locks: new Locks() }, configurable: true });
  });
  after(() => {
    delete globalThis.navigator;
  });

  it("is told what its tab is before it has its client, and when that changes", { timeout: 20_000 }, async () => {
    const [first, second] = [tab(), tab()];
    await first.station.join(1);
    await first.answered(1);
    assert.deepEqual(first.roles(), ["waiting", "leader"]);
    assert.ok(first.told.findIndex(({ role }) => role === "leader") < first.told.findIndex(({ type }) => type === "answer"));
    await second.station.join(1);
    await second.answered(1);
    assert.deepEqual(second.roles(), ["waiting", "follower"]);
    first.station.request({ id: 2, method: "client.close", args: undefined });
    await first.answered(2);
    await second.until(() => second.roles().at(-1) === "leader");
    assert.deepEqual(second.roles(), ["waiting", "follower", "waiting", "leader"]);
    assert.deepEqual(first.roles(), ["waiting", "leader"], "who goes is told nothing more");
    second.station.request({ id: 2, method: "client.close", args: undefined });
    await second.answered(2);
  });
});
