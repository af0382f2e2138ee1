// What the page remembers of installations in localStorage, and when it forgets them.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import * as api from "../../pkg/index.js";
import { Account, INBOX } from "./support/played-worker.mjs";

const { Client, createEOASigner, ethereumIdentifier, Opfs } = api;
const [ADDRESS, OTHER] = [`0x${"ab".repeat(20)}`, `0x${"cd".repeat(20)}`];
const signer = (address) => createEOASigner(address, () => new Uint8Array(65));
const code = (expected) => (error) => error instanceof api.XmtpError && error.code === expected;

/** One for all tests: the worker of what needs no client goes on. */
const account = new Account();
let marks;

/** As the browser's: entries are properties. */
class Marks {
  getItem(key) {
    return this[key] ?? null;
  }
  setItem(key, value) {
    this[key] = value;
  }
  removeItem(key) {
    delete this[key];
  }
}

beforeEach(() => {
  Object.assign(account, { overrides: {}, deleted: undefined });
  marks = new Marks();
  const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true });
  define("Worker", account.Worker);
  define("localStorage", marks);
});

afterEach(() => {
  for (const name of ["Worker", "localStorage"]) delete globalThis[name];
});

const OPENED = { inboxId: INBOX, installationIdBytes: new Uint8Array(32), isRegistered: true, protocolVersion: "1.0.0" };
const count = () => Object.keys(marks).length;
const refused = () => {
  throw { code: "storage.locked_by_other_tab", message: "the database is open", retryable: true };
};

describe("what is noted of an installation", () => {
  it("is forgotten before its database is deleted: who dies in between is not told that it was cleared", async () => {
    const client = await Client.create(signer(ADDRESS));
    assert.equal(count(), 1);
    let during;
    account.overrides["client.deleteDatabase"] = () => void (during = count());
    await client.deleteLocalDatabase();
    assert.deepEqual([during, count()], [0, 0]);
    await (await Client.create(signer(ADDRESS))).close();
    account.overrides["tools.deleteDatabase"] = () => ((during = count()), { installationId: undefined });
    await Client.deleteLocalDatabase(ethereumIdentifier(ADDRESS));
    assert.deepEqual([during, count()], [0, 0]);
  });

  it("stays when the database does", async () => {
    const client = await Client.create(signer(ADDRESS));
    const before = { ...marks };
    account.overrides["client.deleteDatabase"] = account.overrides["tools.deleteDatabase"] = refused;
    await assert.rejects(client.deleteLocalDatabase(), code("storage.locked_by_other_tab"));
    await assert.rejects(Client.deleteLocalDatabase(ethereumIdentifier(ADDRESS)), code("storage.locked_by_other_tab"));
    assert.deepEqual({ ...marks }, before);
    await client.close();
  });

  it("of many databases is forgotten with each, so that nothing is noted of one that is gone, nor nothing of one that stays", async () => {
    const databases = new Map([["one", "1".repeat(64)], ["two", "2".repeat(64)], ["three", "3".repeat(64)]]);
    /** Deletes all, one of which cannot be deleted; answers whose databases and marks there were before and after each step. */
    const cleared = async (openOne) => {
      const there = new Map(databases);
      for (const [dbPath, installationId] of there) {
        account.overrides["client.open"] = () => ({ ...OPENED, installationId });
        await (await Client.create(signer(ADDRESS), { dbPath })).close();
      }
      account.overrides = {};
      const steps = [];
      const note = () => steps.push([[...there.values()].sort(), Object.values(marks).sort()]);
      account.overrides["opfs.list"] = () => [...there.keys()];
      account.overrides["opfs.installation"] = ({ path }) => there.get(path);
      account.overrides["opfs.delete"] = ({ path }) => {
        note();
        if (path === openOne) refused();
        const found = there.delete(path);
        note();
        return found;
      };
      account.overrides["opfs.clear"] = note;
      const opfs = await Opfs.create();
      if (openOne === undefined) await opfs.clearAll();
      else await assert.rejects(opfs.clearAll(), code("storage.locked_by_other_tab"));
      opfs.close();
      note();
      return steps;
    };
    for (const [existing, noted] of await cleared()) {
      assert.deepEqual(noted.filter((id) => !existing.includes(id)), [], "no mark of a database that is gone");
      assert.ok(existing.length - noted.length <= 1, "at most the one that is just being deleted has no mark");
    }
    assert.equal(count(), 0);
    const [existing, noted] = (await cleared("two")).at(-1);
    assert.deepEqual([existing, noted], [["2".repeat(64), "3".repeat(64)], ["2".repeat(64), "3".repeat(64)]]);
  });

  it("is forgotten under every name: another wallet of the inbox, or a path", async () => {
    const ways = {
      "by its client": async () => (await Client.create(signer(ADDRESS))).deleteLocalDatabase(),
      "by wallet": () => Client.deleteLocalDatabase(ethereumIdentifier(ADDRESS)),
      "by a name nothing was noted under": async () => {
        account.deleted = "0".repeat(64);
        await Client.deleteLocalDatabase(ethereumIdentifier(ADDRESS), { dbPath: "never opened" });
      },
      "of all": async () => (await Opfs.create()).clearAll(),
    };
    for (const [how, act] of Object.entries(ways)) {
      for (const [address, options] of [[ADDRESS, {}], [OTHER, {}], [ADDRESS, { dbPath: "diary" }]]) {
        await (await Client.create(signer(address), options)).close();
      }
      marks.setItem("of the app", "stays");
      assert.equal(count(), 4, how);
      await act();
      assert.deepEqual(Object.keys(marks), ["of the app"], how);
    }
  });
});
