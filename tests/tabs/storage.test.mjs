// What lies on the disk of a person's browser, and what becomes of it.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sees, stage } from "./support.mjs";

const hex = (text) => Buffer.from(text).toString("hex");
const key = (byte) => Buffer.alloc(32, byte).toString("hex");

describe("what is stored", () => {
  const { there, somebody, neighbour } = stage();

  /** Alice, in a tab of hers, has said something to Bob and has been answered. */
  const chat = async (options = {}) => {
    const [alice, bob] = [await somebody("alice"), await somebody("bob")];
    const tab = await alice.tab(options);
    const friend = await bob.tab();
    const groupId = await tab.must("createGroup", [friend.state.address], "Conspirators");
    await friend.must("sync");
    await tab.must("send", groupId, "the treasure is under the oak");
    await friend.must("send", groupId, "I shall bring a spade");
    await sees(tab, 2);
    return { alice, bob, tab, friend, groupId };
  };

  /** What nobody may find: texts, names and ids as text and as bytes, and keys. */
  const secrets = ({ tab, friend, groupId }, keys) => ({
    "what was said": hex("the treasure is under the oak"),
    "what was answered": hex("I shall bring a spade"),
    "the group's name": hex("Conspirators"),
    "the inbox id": hex(tab.state.inboxId),
    "the inbox id's bytes": tab.state.inboxId,
    "the friend's inbox id": hex(friend.state.inboxId),
    "the friend's inbox id's bytes": friend.state.inboxId,
    "the group id's bytes": groupId,
    "the address": hex(tab.state.address),
    ...Object.fromEntries(keys.flatMap((one, n) => [[`key ${n}`, one], [`key ${n} in hex`, hex(one)]])),
  });

  const isFree = (tab) => tab.page.waitForFunction(async () => {
    const state = await navigator.locks.query();
    return state.held.length === 0;
  });

  it("neither texts, names, ids nor keys can be found in what lies on the disk, with a kept key or one's own", async () => {
    for (const options of [{}, { key: 7 }]) {
      const talk = await chat(options);
      const blank = await talk.alice.blank();
      const name = `xmtp-local-${talk.tab.state.inboxId}.db3`;
      const keys = options.key === undefined ? [await blank.page.evaluate((name) => window.tab.keptKey(name), name)] : [key(7)];
      const needles = secrets(talk, keys);
      await talk.tab.must("close");
      const stored = await blank.page.evaluate(() => window.tab.stored());
      assert.ok(stored.files.some(({ size }) => size > 100_000), "there is a database");
      assert.equal(stored.records, 1);
      assert.deepEqual(await blank.page.evaluate((needles) => window.tab.found(needles), needles), []);
      // The looking itself works: the file's name in the pool is no secret.
      const [hit] = await blank.page.evaluate((needles) => window.tab.found(needles), { name: hex("/client.db3") });
      assert.match(hit, /name in .*\.opaque/);
    }
  });

  it("nor while a transaction is under way, nor in what a tab leaves that dies in the middle of them; what was sent is there once", async () => {
    const talk = await chat();
    const { alice, tab, friend, groupId } = talk;
    const blank = await alice.blank();
    const name = `xmtp-local-${tab.state.inboxId}.db3`;
    const needles = secrets(talk, [await blank.page.evaluate((name) => window.tab.keptKey(name), name)]);
    const acknowledged = [];
    await tab.page.exposeFunction("acknowledged", (text) => void acknowledged.push(text));
    const count = 200;
    const sending = tab.call("sendMany", groupId, "the treasure is under the oak", count).catch(() => undefined);
    await tab.page.waitForFunction(() => window.sent >= 5);
    const { journal, hits } = await blank.page.evaluate((needles) => window.tab.foundDuringTransaction(needles), needles);
    assert.ok(journal > 0);
    assert.deepEqual(hits, []);
    await alice.crash(tab);
    await sending;
    await isFree(blank);
    assert.deepEqual(await blank.page.evaluate((needles) => window.tab.found(needles), needles), []);
    assert.ok(acknowledged.length >= 5 && acknowledged.length < count, `it died in the middle: after ${acknowledged.length}`);
    const again = await alice.tab();
    assert.equal(again.state.installationId, tab.state.installationId);
    for (const side of [again, friend]) {
      const texts = (await side.must("list", groupId)).filter((text) => /oak \d+$/.test(text));
      assert.equal(new Set(texts).size, texts.length, "nothing is there twice");
      assert.deepEqual(acknowledged.filter((text) => !texts.includes(text)), []);
    }
    assert.deepEqual((await again.must("list", groupId)).toSorted(), (await friend.must("list", groupId)).toSorted());
  });

  it("a wrong key, none, or one where none belongs opens nothing and changes nothing", async () => {
    const { alice, tab, groupId } = await chat({ key: 1 });
    await tab.must("close");
    const blank = await alice.blank();
    const before = await blank.page.evaluate(() => window.tab.stored());
    for (const options of [{ key: 2 }, {}]) {
      const { code } = await (await alice.blank()).open(options);
      assert.equal(code, "storage.wrong_key");
    }
    assert.deepEqual(await blank.page.evaluate(() => window.tab.stored()), before);
    const again = await alice.tab({ key: 1 });
    assert.equal((await again.must("list", groupId)).length, 2);
    const other = await somebody("other");
    await (await other.tab()).must("close");
    assert.equal((await (await other.blank()).open({ key: 1 })).code, "storage.wrong_key");
  });

  it("an installation is opened again without the person's key, and is the same one", async () => {
    const { alice, tab, groupId } = await chat();
    await tab.must("close");
    const again = await alice.blank();
    const { installationId, inboxId, isRegistered } = await again.must("build", alice.privateKey, there.node.url);
    assert.deepEqual([installationId, inboxId, isRegistered], [tab.state.installationId, tab.state.inboxId, true]);
    assert.deepEqual(await again.must("list", groupId), ["the treasure is under the oak", "I shall bring a spade"]);
    await again.must("send", groupId, "without a signature");
    assert.equal((await again.must("list", groupId)).length, 3);
  });

  it("deleting a database that is open nowhere leaves no byte", async () => {
    for (const options of [{}, { key: 5 }, { dbPath: "diary.db3" }]) {
      const { alice, tab } = await chat(options);
      await tab.must("close");
      const { files, records, marks } = await tab.page.evaluate(() => window.tab.stored());
      assert.deepEqual([files.length > 0, records, marks], [true, 1, 1]);
      const { key: _, ...rest } = options;
      await tab.must("deleteClosedDatabase", alice.privateKey, there.node.url, rest);
      assert.deepEqual(await tab.page.evaluate(() => window.tab.stored()), { files: [], records: 0, marks: 0 });
    }
  });

  it("a key that is lost is told, and deleting the database makes room for a new installation", async () => {
    const { alice, tab } = await chat();
    await tab.must("close");
    const blank = await alice.blank();
    await blank.page.evaluate(() => window.tab.lose("keys"));
    assert.equal((await (await alice.blank()).open()).code, "storage.key_lost");
    assert.equal((await (await alice.blank()).open()).code, "storage.key_lost", "nothing has changed");
    await blank.must("deleteClosedDatabase", alice.privateKey, there.node.url);
    const again = await alice.tab();
    assert.notEqual(again.state.installationId, tab.state.installationId);
  });

  it("a database that the browser has cleared is told, and nothing is made anew until the app says so", async () => {
    const { alice, tab } = await chat();
    await tab.must("close");
    const blank = await alice.blank();
    for (const lost of ["files", "keys"]) {
      await blank.page.evaluate((what) => window.tab.lose(what), lost);
      const { code, details } = await (await alice.blank()).open();
      assert.equal(code, "storage.evicted");
      assert.deepEqual(details, { installationId: tab.state.installationId });
    }
    await blank.must("deleteClosedDatabase", alice.privateKey, there.node.url);
    const again = await alice.tab();
    assert.notEqual(again.state.installationId, tab.state.installationId);
    assert.equal(again.state.inboxId, tab.state.inboxId);
  });

  it("the key is changed from a kept one to a new one, to one's own and back, and everything stays", async () => {
    const talk = await chat();
    const { alice, tab, groupId } = talk;
    const name = `xmtp-local-${tab.state.inboxId}.db3`;
    const keptKey = () => tab.page.evaluate((name) => window.tab.keptKey(name), name);
    const before = await keptKey();
    await tab.must("rekey");
    const after = await keptKey();
    assert.notEqual(after, before);
    await tab.must("send", groupId, "after the change");
    await tab.must("rekey", 9);
    assert.deepEqual((await tab.page.evaluate(() => window.tab.kept())).map(({ kind, next }) => [kind, next]), [["own", undefined]]);
    await tab.must("close");
    const keys = [before, after, key(9)];
    assert.deepEqual(await tab.page.evaluate((needles) => window.tab.found(needles), secrets(talk, keys)), []);
    assert.equal((await (await alice.blank()).open()).code, "storage.wrong_key");
    const own = await alice.tab({ key: 9 });
    assert.equal((await own.must("list", groupId)).length, 3);
    await own.must("rekey");
    await own.must("close");
    assert.equal((await (await alice.blank()).open({ key: 9 })).code, "storage.wrong_key");
    const again = await alice.tab();
    assert.equal((await again.must("list", groupId)).length, 3);
    assert.equal(again.state.installationId, tab.state.installationId);
  });

  it("a tab that does not have the database changes its key, and the next ones take over with it", async () => {
    const { alice, tab, groupId } = await chat();
    const [second, third] = [await alice.tab(), await alice.tab()];
    await second.must("rekey", 3);
    await tab.must("send", groupId, "still here");
    await alice.shut(tab);
    await second.must("send", groupId, "mine now");
    await alice.shut(second);
    // One that never asked for it knows it too.
    await third.must("send", groupId, "the last one");
    assert.equal((await third.must("list", groupId)).length, 5);
    const fourth = await alice.tab({ key: 3 });
    assert.equal(fourth.state.installationId, third.state.installationId);
  });

  for (const which of ["that has it", "that does not have it"]) {
    it(`deleting the database in a tab ${which} leaves no byte, ends the other tabs, and makes nothing anew`, async () => {
      const { alice, tab, groupId } = await chat();
      const second = await alice.tab();
      const [deleting, other] = which === "that has it" ? [tab, second] : [second, tab];
      const blank = await alice.blank();
      assert.ok((await blank.page.evaluate(() => window.tab.stored())).files.length > 0);
      await deleting.must("deleteDatabase");
      assert.equal((await deleting.call("send", groupId, "too late")).code, "client.closed");
      await other.page.waitForFunction(() => window.tab.streamErrors().includes("storage.deleted"));
      assert.equal((await other.call("send", groupId, "too late")).code, "storage.deleted");
      assert.deepEqual(await blank.page.evaluate(() => window.tab.stored()), { files: [], records: 0, marks: 0 });
      const again = await alice.tab();
      assert.notEqual(again.state.installationId, tab.state.installationId);
    });
  }

  it("one account is deleted, and another of the same browser stays", async () => {
    const alice = await somebody("alice");
    const carol = neighbour(alice, "carol");
    const [mine, hers] = [await alice.tab(), await carol.tab()];
    const groupId = await hers.must("createGroup", [], "Hers");
    await hers.must("send", groupId, "mine alone");
    const open = await alice.blank();
    const refused = await open.call("deleteClosedDatabase", carol.privateKey, there.node.url);
    assert.equal(refused.code, "storage.locked_by_other_tab");
    await mine.must("deleteDatabase");
    assert.deepEqual(await hers.must("list", groupId), ["mine alone"]);
    await hers.must("close");
    assert.deepEqual(await (await carol.tab()).must("list", groupId), ["mine alone"]);
    assert.equal((await open.page.evaluate(() => window.tab.kept())).length, 1);
  });

  it("a browser without a private file system is told so with the reason, and memory is taken when it is asked for", async () => {
    const alice = await somebody("alice");
    const tab = await alice.blank("?without=opfs");
    const { code, details } = await tab.open();
    assert.equal(code, "storage.unavailable");
    assert.deepEqual(details, { reason: "no_file_system" });
    const inMemory = await alice.blank("?without=opfs");
    inMemory.state = (await inMemory.open({ storage: "memory" })).ok;
    assert.match(inMemory.state.installationId, /^[0-9a-f]{64}$/);
    const info = await inMemory.must("storageInfo");
    assert.equal(info.location, "memory");
    assert.equal((await inMemory.call("rekey")).code, "argument.unsupported");
    assert.deepEqual((await tab.page.evaluate(() => window.tab.stored())).files, []);
  });

  it("a frame in a sandbox is told that it is refused storage, and may go on in memory with a worker that it makes itself", async () => {
    const [alice, bob] = [await somebody("alice"), await somebody("bob")];
    for (const query of ["", "?worker=blob"]) {
      const frame = await alice.sandboxed(query);
      assert.equal(await frame.page.evaluate(() => window.origin), "null");
      const { code, details, message } = await frame.open();
      assert.deepEqual([code, details], ["storage.unavailable", { reason: "refused" }], message);
    }
    const { code, details, message } = await (await alice.sandboxed()).open({ storage: "memory" });
    assert.deepEqual([code, details], ["client.no_worker", { reason: "refused" }]);
    assert.match(message, /Blob URL whose text is import\("<address of worker\.js>"\)/);
    const frame = await alice.sandboxed("?worker=blob");
    frame.state = await frame.must("open", alice.privateKey, there.node.url, { storage: "memory" });
    await frame.must("watch");
    const friend = await bob.tab();
    const groupId = await frame.must("createGroup", [friend.state.address], "Sand");
    await friend.must("sync");
    await friend.must("send", groupId, "is it warm in there?");
    assert.deepEqual(await sees(frame, 1), ["is it warm in there?"]);
    assert.equal((await frame.must("storageInfo")).location, "memory");
  });

  it("the browser is asked to keep it, and what it says can be read", async () => {
    const alice = await somebody("alice");
    const tab = await alice.tab();
    const { location, persistence, usage, quota } = await tab.must("storageInfo");
    assert.equal(location, "opfs");
    assert.ok(["granted", "denied"].includes(persistence), persistence);
    assert.ok(usage > 0 && quota > usage);
    const { storage } = await tab.must("diagnostics");
    const { files } = await tab.page.evaluate(() => window.tab.stored());
    assert.equal(storage.bytes, files.reduce((sum, { size }) => sum + size, 0));
    assert.ok(storage.bytes > 100_000);
  });

  it("a full disk is told as such, loses nothing, and is over when there is room", async () => {
    const { alice, tab, friend, groupId } = await chat();
    const session = await alice.context.newCDPSession(tab.page);
    const origin = new URL(there.site.url).origin;
    const { usage } = await tab.must("storageInfo");
    await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: usage });
    const outcomes = [];
    for (let n = 0; n < 60 && !outcomes.includes("storage.full"); n += 1) {
      outcomes.push((await tab.call("send", groupId, `${n} ${"x".repeat(60_000)}`)).code);
    }
    assert.equal(outcomes.at(-1), "storage.full");
    await session.send("Storage.overrideQuotaForOrigin", { origin });
    await tab.must("send", groupId, "there is room again");
    await sees(friend, 2);
    const texts = await tab.must("list", groupId);
    assert.equal(texts.at(-1), "there is room again");
    assert.deepEqual(await friend.must("list", groupId), texts);
  });
});
