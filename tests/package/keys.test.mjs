// Keys of databases without a browser: a store of what is kept, and a model of the file that knows what encrypted it.
// The browser's own files are in tests/web_keys.rs and tests/tabs/storage.test.mjs.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { deleteFiles, directoryOf, nameHash } from "../../pkg/database.js";
import { XmtpError } from "../../pkg/errors.js";
import { deleteKept, Keeper } from "../../pkg/keys.js";
import { tellWantOfSpace } from "../../pkg/no-space.js";

const NAME = `xmtp-dev-${"ab".repeat(32)}.db3`;
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const own = (byte) => new Uint8Array(32).fill(byte);
const code = (expected) => (error) => error instanceof XmtpError && error.code === expected;

/** What is kept, on a disk whose plug may be pulled. */
class Store {
  records = new Map();
  /** How many more writes arrive. */
  left = Infinity;

  async get(id) {
    return this.records.get(id);
  }
  async put(kept) {
    this.#write(() => this.records.set(kept.id, structuredClone(kept)));
  }
  async delete(id) {
    this.#write(() => this.records.delete(id));
  }
  async ids() {
    return [...this.records.keys()];
  }
  #write(change) {
    if (this.left <= 0) throw new Error("the power is off");
    this.left -= 1;
    change();
  }
}

/** A database: a file with a key (hex), in clear (`clear`), or none. Encrypting it is one transaction. */
class Database {
  store = new Store();
  file = undefined;

  /** As the module opens one. */
  async open(ownKey, { installed = true, ...known } = {}) {
    const keeper = new Keeper(ownKey, known, this.store, async () => this.file !== undefined);
    await keeper.directory(NAME);
    let failed;
    for (;;) {
      const offer = await keeper.key(this.file !== undefined, this.file === "clear", failed);
      const key = hex(offer.key);
      if (offer.clear && this.file === "clear") this.file = key;
      this.file ??= key;
      if (this.file === key) break;
      failed = "storage.wrong_key";
    }
    await keeper.opened();
    if (installed) await keeper.installed("cd".repeat(32));
    return keeper;
  }

  rekey(keeper, ownKey) {
    return keeper.rekey(ownKey, (key) => void (this.file = hex(key)));
  }

  kept() {
    return [...this.store.records.values()][0];
  }
}

const browser = (storage) => Object.defineProperty(globalThis, "navigator", { value: { storage }, configurable: true });
const fails = (name) => async () => {
  throw new DOMException("no", name);
};
/** A private file system: what looking for the directory of all databases ends with. */
const root = (getDirectoryHandle) => ({ getDirectory: async () => ({ getDirectoryHandle }) });

beforeEach(() => browser(root(fails("NotFoundError"))));

describe("the key of a database", () => {
  it("is random, opens the database again, and is not what is kept", async () => {
    const [one, other] = [new Database(), new Database()];
    await one.open();
    await other.open();
    assert.notEqual(one.file, other.file);
    const { id, current } = one.kept();
    assert.equal(current.wrapping.extractable, false);
    assert.ok(!hex(new Uint8Array(current.wrapped)).includes(one.file));
    assert.ok(!id.includes("ab".repeat(32)), "the name may hold an inbox id");
    await one.open();
  });

  it("is bound to the database's name", async () => {
    const one = new Database();
    await one.open();
    const stolen = { ...one.kept(), id: await nameHash("other.db3") };
    one.store.records.set(stolen.id, stolen);
    const keeper = new Keeper(undefined, {}, one.store, async () => true);
    await keeper.directory("other.db3");
    await assert.rejects(keeper.key(true, false), code("storage.key_lost"));
  });

  it("of the app's own is never kept, and must be given each time", async () => {
    const database = new Database();
    await database.open(own(1));
    assert.equal(database.file, hex(own(1)));
    assert.deepEqual(database.kept().current, { kind: "own" });
    await database.open(own(1));
    const before = structuredClone(database.kept());
    await assert.rejects(database.open(own(2)), code("storage.wrong_key"));
    await assert.rejects(database.open(), code("storage.wrong_key"));
    assert.deepEqual(database.kept(), before);
    assert.equal(database.file, hex(own(1)));
  });

  it("that is kept is not replaced by one that is passed", async () => {
    const database = new Database();
    await database.open();
    const { file } = database;
    await assert.rejects(database.open(own(1)), code("storage.wrong_key"));
    assert.equal(database.file, file);
    await database.open();
  });

  it("that is lost is told, and nothing changes", async () => {
    const database = new Database();
    await database.open();
    const { file } = database;
    database.store.records.clear();
    await assert.rejects(database.open(), code("storage.key_lost"));
    assert.equal(database.store.records.size, 0);
    assert.equal(database.file, file);
  });

  it("that is damaged is told", async () => {
    const database = new Database();
    await database.open();
    new Uint8Array(database.kept().current.wrapped)[0] ^= 1;
    await assert.rejects(database.open(), code("storage.key_lost"));
  });

  it("of the app's own opens a database of which nothing is kept, and a wrong one leaves nothing behind", async () => {
    const database = new Database();
    database.file = hex(own(1));
    await assert.rejects(database.open(own(2)), code("storage.wrong_key"));
    assert.equal(database.store.records.size, 0);
    await database.open(own(1));
    assert.equal(database.kept().current.kind, "own");
  });
});

describe("a database in clear, as earlier versions made it", () => {
  it("is encrypted with a key that is kept, or with the app's own", async () => {
    for (const key of [undefined, own(1)]) {
      const database = new Database();
      database.file = "clear";
      await database.open(key);
      assert.notEqual(database.file, "clear");
      assert.equal(database.kept().encrypting, undefined);
      await database.open(key);
    }
  });

  it("may be left half encrypted: it looks encrypted then, and is opened as it was", async () => {
    const database = new Database();
    database.file = "clear";
    const keeper = new Keeper(undefined, {}, database.store, async () => true);
    await keeper.directory(NAME);
    assert.equal((await keeper.key(true, true)).clear, false);
    assert.equal((await keeper.key(true, true, "storage.wrong_key")).clear, true);
    // The plug is pulled: the first page is encrypted, and the journal holds the clear one.
    const again = new Keeper(undefined, {}, database.store, async () => true);
    await again.directory(NAME);
    const offers = [await again.key(true, false), await again.key(true, false, "storage.corrupt")];
    assert.deepEqual(offers.map(({ clear }) => clear), [false, true]);
    assert.equal(hex(offers[0].key), hex(offers[1].key));
  });
});

describe("a database that is gone", () => {
  it("is told, with the installation that was in it, and only then if the network knew it", async () => {
    const database = new Database();
    await database.open(undefined, { installed: false });
    database.file = undefined;
    await database.open();
    database.file = undefined;
    const evicted = (error) => code("storage.evicted")(error) && error.details.installationId === "cd".repeat(32);
    await assert.rejects(database.open(), evicted);
    await assert.rejects(database.open(own(1)), evicted);
    await assert.rejects(database.open(undefined, { isBack: true }), evicted);
    database.store.records.clear();
    await assert.rejects(database.open(undefined, { madeHere: "cd".repeat(32) }), evicted);
    assert.equal(database.file, undefined);
  });

  it("is made anew when the app has said so", async () => {
    const database = new Database();
    await database.open();
    database.file = undefined;
    await deleteKept(await nameHash(NAME), async () => {}, database.store);
    assert.equal(database.store.records.size, 0);
    await database.open();
  });

  it("by deletion is whole or none wherever that is cut off, and never told as cleared", async () => {
    const id = await nameHash(NAME);
    // How many writes of the record arrive, and whether the files go.
    for (const [left, remove] of [[0, "not at all"], [1, "not at all"], [1, "wholly"], [2, "wholly"], [0, "wholly"]]) {
      const database = new Database();
      await database.open(own(1));
      database.store.left = left;
      const deleting = deleteKept(id, async () => {
        if (remove === "not at all") throw new Error("a handle is held");
        database.file = undefined;
      }, database.store);
      if (remove === "wholly" && left === 2) assert.equal(await deleting, "cd".repeat(32));
      else await assert.rejects(deleting);
      database.store.left = Infinity;
      // The one that had no write at all could not even say that it was going to.
      if (remove === "wholly" && left === 0) await assert.rejects(database.open(own(1)), code("storage.evicted"));
      else await database.open(own(1));
      assert.equal(database.file, left === 0 && remove === "wholly" ? undefined : hex(own(1)));
    }
  });

  it("that cannot be deleted keeps what is kept of it", async () => {
    const database = new Database();
    await database.open();
    const before = structuredClone(database.kept());
    const refused = new XmtpError("storage.locked_by_other_tab", "a handle is held");
    await assert.rejects(deleteKept(before.id, () => Promise.reject(refused), database.store), refused);
    assert.deepEqual(database.kept(), before);
    await database.open();
  });

  it("is not made anew in a tab that had it open", async () => {
    const database = new Database();
    await assert.rejects(database.open(undefined, { isBack: true }), code("storage.deleted"));
    await assert.rejects(database.open(undefined, { isBack: true, madeHere: "cd".repeat(32) }), code("storage.deleted"));
    assert.equal(database.store.records.size, 0);
  });
});

describe("a browser that does not let its storage be looked at", () => {
  const inside = (getDirectoryHandle) => root(async () => ({ getDirectoryHandle }));
  const unavailable = (reason) => (thrown) => code("storage.unavailable")(thrown) && thrown.details.reason === reason;
  const ways = [
    ["no_file_system", undefined],
    ["no_file_system", {}],
    ["refused", { getDirectory: fails("SecurityError") }],
    ["failed", { getDirectory: fails("UnknownError") }],
    ["refused", root(fails("NotAllowedError"))],
    ["failed", root(fails("InvalidStateError"))],
    ["failed", inside(fails("NotReadableError"))],
  ];

  it("is told as such: no database is taken for gone, and what is kept of it stays", async () => {
    for (const [reason, storage] of ways) {
      browser(root(fails("NotFoundError")));
      const database = new Database();
      await database.open();
      const kept = structuredClone(database.kept());
      browser(storage);
      for (const known of [{}, { isBack: true }, { madeHere: "cd".repeat(32) }]) {
        const keeper = new Keeper(undefined, known, database.store);
        await assert.rejects(keeper.directory(NAME), unavailable(reason), reason);
      }
      await assert.rejects(deleteFiles(NAME), unavailable(reason), "what cannot be looked at is not said to be deleted");
      assert.deepEqual(database.kept(), kept);
    }
  });

  it("is another thing than one that says there is none", async () => {
    for (const storage of [root(fails("NotFoundError")), inside(fails("NotFoundError"))]) {
      browser(root(fails("NotFoundError")));
      const database = new Database();
      await database.open();
      browser(storage);
      assert.equal(await directoryOf(NAME), await nameHash(NAME));
      await assert.rejects(new Keeper(undefined, {}, database.store).directory(NAME), code("storage.evicted"));
    }
  });
});

describe("a change of the key", () => {
  const kinds = { "kept": undefined, "own": own(1), "another own": own(2) };

  for (const [from, before] of Object.entries(kinds)) {
    for (const [to, after] of Object.entries(kinds)) {
      it(`from ${from} to ${to} leaves one that opens the database, wherever it is cut`, async () => {
        // 0: before anything; 1: after what is kept; 2: after the pages; 3: through.
        for (const cut of [0, 1, 2, 3]) {
          const database = new Database();
          const keeper = await database.open(before);
          const { file } = database;
          database.store.left = cut === 0 ? 0 : cut === 3 ? Infinity : 1;
          const apply = (key) => {
            if (cut === 1) throw new Error("the power is off");
            database.file = hex(key);
          };
          const changed = keeper.rekey(after, apply);
          if (cut < 2) await assert.rejects(changed);
          else await changed;
          database.store.left = Infinity;
          if (cut >= 2 && after !== before) assert.notEqual(database.file, file);
          const fits = cut < 2 ? before : after;
          await database.open(fits);
          assert.equal(database.kept().next, undefined);
          assert.equal(database.kept().current.kind, fits === undefined ? "managed" : "own");
          for (const key of Object.values(kinds)) {
            if (key !== fits) await assert.rejects(database.open(key), code("storage.wrong_key"));
          }
          await database.open(fits);
        }
      });
    }
  }

  it("that could not be noted is not forgotten by the next one", async () => {
    const database = new Database();
    const keeper = await database.open();
    database.store.left = 1;
    await database.rekey(keeper);
    database.store.left = 1;
    await database.rekey(keeper);
    database.store.left = Infinity;
    await database.open();
  });

  it("that failed may have reached the disk: what it led to opens the database whatever is tried after it", async () => {
    // Of each change: the app's own key, or none; whether its pages reached the disk; whether it is told to have failed.
    const apply = (database, isThere) => (key) => {
      if (isThere) database.file = hex(key);
      throw new Error("the disk is full");
    };
    for (const [first, second] of [[undefined, undefined], [undefined, own(1)], [own(1), undefined], [own(1), own(2)]]) {
      for (const reached of ["first", "second", "neither"]) {
        const database = new Database();
        const keeper = await database.open(own(9));
        await assert.rejects(keeper.rekey(first, apply(database, reached === "first")));
        await assert.rejects(keeper.rekey(second, apply(database, reached === "second")));
        const { file } = database;
        const opens = reached === "first" ? first : reached === "second" ? second : own(9);
        await database.open(opens);
        assert.equal(database.file, file);
        const { current, next, earlier } = database.kept();
        assert.deepEqual([current.kind, next, earlier], [opens === undefined ? "managed" : "own", undefined, undefined]);
        await database.open(opens);
      }
    }
  });

  it("that failed can be made again", async () => {
    for (const key of [undefined, own(1)]) {
      const database = new Database();
      const keeper = await database.open();
      for (const [one, other] of [[undefined, own(2)], [own(2), undefined]]) {
        for (const failing of [one, other, one]) {
          await assert.rejects(keeper.rekey(failing, () => {
            throw new Error("the disk is full");
          }));
        }
      }
      await database.rekey(keeper, key);
      assert.deepEqual([database.kept().next, database.kept().earlier], [undefined, undefined]);
      await database.open(key);
    }
  });

  it("waits for the one before", async () => {
    const database = new Database();
    const keeper = await database.open();
    await Promise.all([database.rekey(keeper, own(1)), database.rekey(keeper), database.rekey(keeper, own(2))]);
    await database.open(own(2));
  });

  it("keeps a new key only, wrapped anew", async () => {
    const database = new Database();
    const keeper = await database.open();
    const { file } = database;
    const { wrapped } = database.kept().current;
    await database.rekey(keeper);
    assert.notEqual(database.file, file);
    assert.notDeepEqual(database.kept().current.wrapped, wrapped);
    assert.equal(database.kept().next, undefined);
  });
});

describe("a file that takes a part of what is written, or none", () => {
  class FileSystemSyncAccessHandle {
    room = 10;
    write(buffer) {
      if (buffer.byteLength <= this.room) return (this.room -= buffer.byteLength), buffer.byteLength;
      // What Chromium answers in a private window: -8 without its sign.
      return this.room > 0 ? this.room : 4294967288;
    }
  }

  it("is full", () => {
    tellWantOfSpace({ FileSystemSyncAccessHandle });
    const file = new FileSystemSyncAccessHandle();
    assert.equal(file.write(new Uint8Array(8), { at: 0 }), 8);
    const full = { name: "QuotaExceededError" };
    assert.throws(() => file.write(new Uint8Array(8), { at: 8 }), full);
    assert.equal(file.write(new Uint8Array(2), { at: 8 }), 2);
    assert.throws(() => file.write(new Uint8Array(1), { at: 10 }), full);
  });

  it("does not matter where there is no private file system", () => tellWantOfSpace({}));
});
