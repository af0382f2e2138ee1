import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sees, stage } from "./support.mjs";

describe("tabs of one person in one profile", () => {
  const { there, somebody, neighbour } = stage();

  /** Alice with so many tabs and Bob with one, in one group. */
  const gathering = async (count) => {
    const [alice, bob] = [await somebody("alice"), await somebody("bob")];
    const tabs = [];
    for (let n = 0; n < count; n += 1) tabs.push(await alice.tab());
    const friend = await bob.tab();
    const groupId = await tabs[0].must("createGroup", [friend.state.address], "Lunch");
    await friend.must("sync");
    return { alice, bob, tabs, friend, groupId };
  };

  const sorted = (texts) => texts.toSorted();

  it("five tabs are one installation, and all of them see all messages live", async () => {
    const { tabs, friend, groupId } = await gathering(5);
    assert.equal(new Set(tabs.map(({ state }) => state.installationId)).size, 1);
    const all = [];
    for (const [n, tab] of tabs.entries()) {
      all.push(`from tab ${n}`, `from bob ${n}`);
      await tab.must("send", groupId, `from tab ${n}`);
      await friend.must("send", groupId, `from bob ${n}`);
    }
    for (const tab of [...tabs, friend]) {
      assert.deepEqual(sorted(await sees(tab, all.length)), sorted(all));
      assert.deepEqual(sorted(await tab.must("list", groupId)), sorted(all));
    }
  });

  const endings = { closed: "shut", crashed: "crash" };
  for (const [how, end] of Object.entries(endings)) {
    it(`the leader is ${how} in the middle of 200 sends from three tabs: each message is once in each list`, async () => {
      const { alice, tabs, friend, groupId } = await gathering(5);
      const [leader, ...rest] = tabs;
      const shares = [67, 67, 66];
      const sending = shares.map((count, n) => rest[n].call("sendMany", groupId, `tab ${n + 1}:`, count));
      await rest[0].page.waitForFunction(() => window.sent >= 15);
      await alice[end](leader);
      const outcomes = (await Promise.all(sending)).flat();
      assert.equal(outcomes.length, 200);
      assert.deepEqual(outcomes.filter((outcome) => outcome.ok === undefined), []);
      const expected = sorted(outcomes.map(({ text }) => text));
      for (const tab of [...rest, friend]) {
        assert.deepEqual(sorted(await tab.must("list", groupId)), expected);
        assert.deepEqual(sorted(await sees(tab, 200)), expected);
      }
      // What is said afterwards is heard by all, and nothing comes late and twice.
      await friend.must("send", groupId, "and now?");
      for (const tab of [...rest, friend]) assert.deepEqual(sorted(await sees(tab, 201)), sorted([...expected, "and now?"]));
    });
  }

  it("a leader that navigates away hands over, and one that closes its client too", async () => {
    const { alice, tabs: [first, second, third], friend, groupId } = await gathering(3);
    await first.page.goto("about:blank");
    await second.must("send", groupId, "after the first");
    await second.must("close");
    await friend.must("send", groupId, "after the second");
    await third.must("send", groupId, "from the third");
    const all = sorted(["after the first", "after the second", "from the third"]);
    assert.deepEqual(sorted(await sees(third, 3)), all);
    assert.deepEqual(sorted(await sees(friend, 3)), all);
    const again = await alice.tab();
    assert.equal(again.state.installationId, third.state.installationId);
    assert.deepEqual(sorted(await again.must("list", groupId)), all);
  });

  it("a call that may have happened is not made again, and its caller is told so", async () => {
    const { alice, tabs: [leader, follower], friend, groupId } = await gathering(2);
    await there.node.break({ method: "SendGroupMessages", fault: { kind: "delay", ms: 3_000 } });
    const before = await there.node.calls("SendGroupMessages");
    const renaming = follower.call("rename", groupId, "Dinner");
    await there.node.called("SendGroupMessages", before + 1);
    await alice.crash(leader);
    await there.node.heal();
    assert.equal((await renaming).code, "tabs.outcome_unknown");
    await follower.must("send", groupId, "still here");
    assert.deepEqual(await sees(friend, 1), ["still here"]);
  });

  it("two accounts are open side by side in one profile", async () => {
    const alice = await somebody("alice");
    const carol = neighbour(alice, "carol");
    const [mine, hers] = [await alice.tab(), await carol.tab()];
    assert.notEqual(mine.state.inboxId, hers.state.inboxId);
    const groupId = await mine.must("createGroup", [hers.state.address], "Two");
    await hers.must("sync");
    await mine.must("send", groupId, "hello");
    assert.deepEqual(await sees(hers, 1), ["hello"]);
  });

  it("a tab that wants something else of the same database is refused, and the others go on", async () => {
    const alice = await somebody("alice");
    const first = await alice.tab({ dbPath: "shared.db3" });
    const other = await alice.blank();
    assert.equal((await other.open({ dbPath: "shared.db3", disableDeviceSync: true })).code, "storage.locked_by_other_tab");
    const groupId = await first.must("createGroup", [], "Alone");
    await first.must("send", groupId, "still mine");
    const third = await alice.tab({ dbPath: "shared.db3" });
    assert.deepEqual(await third.must("list", groupId), ["still mine"]);
  });

  it("a newer version takes the database, and the older tabs step aside and say so", async () => {
    const { alice, tabs, groupId } = await gathering(3);
    await tabs[0].must("send", groupId, "from the older");
    const newer = await alice.blank("?build=newer");
    newer.state = await newer.must("open", alice.privateKey, there.node.url, {});
    assert.equal(newer.state.installationId, tabs[0].state.installationId);
    assert.deepEqual(await newer.must("list", groupId), ["from the older"]);
    for (const tab of tabs) {
      await tab.page.waitForFunction(() => window.tab.streamErrors().includes("tabs.newer_version"));
      assert.equal((await tab.call("send", groupId, "too old")).code, "tabs.newer_version");
    }
    const late = await alice.blank();
    assert.equal((await late.open()).code, "tabs.newer_version");
  });

  it("what a newer version has migrated is refused by an older one, which changes no byte of it", async () => {
    const { alice, tabs: [older], friend, groupId } = await gathering(1);
    const newer = await alice.blank("?build=newer");
    newer.state = await newer.must("open", alice.privateKey, there.node.url, {});
    await newer.must("identityKey");
    await newer.must("send", groupId, "of another age");
    assert.deepEqual(await sees(friend, 1), ["of another age"]);
    assert.equal((await older.call("send", groupId, "too old")).code, "tabs.newer_version");
    await newer.must("close");
    const before = await newer.page.evaluate(() => window.tab.stored());
    for (let turn = 0; turn < 2; turn += 1) {
      const again = await alice.blank();
      assert.equal((await again.open()).code, "storage.newer_schema");
      await alice.shut(again);
    }
    assert.deepEqual(await newer.page.evaluate(() => window.tab.stored()), before);
  });

  it("a wallet that is asked while the leader is closed signs for the same installation, whoever leads then", async () => {
    const alice = await somebody("alice");
    const [first, second] = [await alice.blank(), await alice.blank()];
    for (const tab of [first, second]) {
      tab.opening = tab.open({ holds: true }).catch(() => undefined);
      await tab.page.waitForFunction(() => window.press !== undefined);
    }
    await alice.shut(first);
    await second.page.evaluate(() => window.press());
    const { ok, code, message } = await second.opening;
    assert.equal(code, undefined, message);
    const third = await alice.tab();
    assert.deepEqual(third.state, ok);
  });

  it("a stream outlives a leader that is closed while the node is away, and misses nothing", async () => {
    const { alice, tabs: [leader], friend, groupId } = await gathering(1);
    const follower = await alice.blank();
    follower.state = await follower.must("open", alice.privateKey, there.node.url, {});
    await follower.must("watch", { retryAttempts: 1 });
    await friend.must("send", groupId, "before");
    await sees(follower, 1);
    await there.node.kill();
    await alice.shut(leader);
    await follower.page.waitForFunction(() => window.tab.role() === "leader");
    await follower.page.waitForFunction(() => window.tab.restarts() > 0);
    await there.node.restart();
    await friend.must("send", groupId, "after");
    assert.deepEqual(await sees(follower, 2), ["before", "after"]);
    assert.deepEqual(await follower.call("streamErrors"), []);
  });
});
