// What a browser does with pages besides opening and closing them. In Chromium alone: its DevTools protocol can freeze a
// page, and Playwright can leave the back/forward cache on.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { sees, stage } from "./support.mjs";

describe("the life of a page that leads", () => {
  const { somebody } = stage({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
  let alice, bob, leader, follower, friend, groupId;

  beforeEach(async () => {
    [alice, bob] = [await somebody("alice"), await somebody("bob")];
    [leader, follower, friend] = [await alice.tab(), await alice.tab(), await bob.tab()];
    groupId = await leader.must("createGroup", [friend.state.address], "Lunch");
    await friend.must("sync");
  });

  /** Everybody has seen these live, each once, and lists them. */
  const haveAll = async (tabs, texts) => {
    for (const tab of tabs) {
      assert.deepEqual((await sees(tab, texts.length)).toSorted(), texts.toSorted());
      assert.deepEqual((await tab.must("list", groupId)).toSorted(), texts.toSorted());
    }
  };

  it("a frozen one gives the database up, and has missed nothing when it goes on", async () => {
    await leader.must("send", groupId, "before");
    await haveAll([leader, follower, friend], ["before"]);
    const session = await alice.context.newCDPSession(leader.page);
    await session.send("Page.setWebLifecycleState", { state: "frozen" });
    await follower.must("send", groupId, "while it sleeps");
    await friend.must("send", groupId, "so I hear");
    await haveAll([follower, friend], ["before", "while it sleeps", "so I hear"]);

    await session.send("Page.setWebLifecycleState", { state: "active" });
    await leader.must("send", groupId, "awake");
    await haveAll([leader, follower, friend], ["before", "while it sleeps", "so I hear", "awake"]);
  });

  it("one whose worker was ended is followed by another, and what is sent meanwhile is there once", async () => {
    const sending = follower.call("sendMany", groupId, "from the other:", 40);
    await follower.page.waitForFunction(() => window.sent >= 5);
    await leader.page.evaluate(() => window.workers.forEach((worker) => worker.terminate()));
    const outcomes = await sending;
    assert.deepEqual(outcomes.filter(({ ok }) => ok === undefined), []);
    await haveAll([follower, friend], outcomes.map(({ text }) => text));
  });
});
