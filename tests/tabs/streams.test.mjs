// What a stream gives that begins after something has happened, or before anything can.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sees, stage } from "./support.mjs";

describe("a stream of all messages", () => {
  const { there, somebody } = stage();

  /** Bob's tab, which watches, and one of Alice's, which does not. */
  async function two() {
    const [alice, bob] = [await somebody("alice"), await somebody("bob")];
    const friend = await bob.tab();
    const tab = await alice.blank();
    const { address } = await tab.must("open", alice.privateKey, there.node.url);
    const groupId = await friend.must("createGroup", [address], "Lunch");
    await tab.must("sync");
    return { alice, tab, friend, groupId };
  }

  it("tells first what was said while nobody listened, in groups that are new as well, each once", async () => {
    const { alice, tab, friend, groupId } = await two();
    await tab.must("close");
    for (const text of ["one", "two", "three"]) await friend.must("send", groupId, text);
    const again = await alice.blank();
    const { address } = await again.must("open", alice.privateKey, there.node.url);
    await friend.must("send", await friend.must("createGroup", [address], "Supper"), "elsewhere");
    await again.must("watch");
    assert.deepEqual((await sees(again, 4)).toSorted(), ["elsewhere", "one", "three", "two"]);
    await friend.must("send", groupId, "four");
    const seen = await sees(again, 5);
    assert.deepEqual(seen.filter((text) => text !== "elsewhere"), ["one", "two", "three", "four"]);
    assert.deepEqual(await again.call("streamErrors"), []);
  });

  it("that is opened without a network begins, says why it had nothing to tell, and misses nothing", async () => {
    const { tab, friend, groupId } = await two();
    await there.node.kill();
    await tab.must("watch");
    const [error, ...more] = await tab.call("streamErrors");
    assert.match(error, /^network\./);
    assert.deepEqual(more, []);
    await there.node.restart();
    await friend.must("send", groupId, "there you are");
    assert.deepEqual(await sees(tab, 1), ["there you are"]);
  });
});
