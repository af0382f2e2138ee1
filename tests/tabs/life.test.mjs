// What a browser does with pages besides opening and closing them. In Chromium alone: its DevTools protocol can freeze a
// page, and Playwright can leave the back/forward cache on.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { localNode, openBrowser } from "../e2e/support/page.mjs";
import { sees, serveTabs, Somebody } from "./support.mjs";

describe("the life of a page that leads", () => {
  let browser, site, node, alice, bob, leader, follower, friend, groupId;

  before(async () => {
    browser = await openBrowser({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
    site = await serveTabs();
  });
  after(async () => {
    await browser?.close();
    await site?.close();
  });
  beforeEach(async () => {
    node = await localNode();
    const somebody = async (name) => new Somebody(await browser.newContext(), { site, node, name });
    [alice, bob] = [await somebody("alice"), await somebody("bob")];
    [leader, follower, friend] = [await alice.tab(), await alice.tab(), await bob.tab()];
    groupId = await leader.must("createGroup", [friend.state.address], "Lunch");
    await friend.must("sync");
  });
  afterEach(async () => {
    for (const { context } of [alice, bob]) await context.close();
    await node.close();
    assert.deepEqual([alice, bob].flatMap(({ complaints }) => complaints), []);
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

  it("one that is left and gone back to has missed nothing, kept by the browser or loaded anew", async (test) => {
    await leader.must("send", groupId, "before");
    const { page } = leader;
    await page.evaluate(() => addEventListener("pageshow", ({ persisted }) => (globalThis.isKept = persisted)));
    await page.goto(`${site.url}/elsewhere.html`);
    await follower.must("send", groupId, "while it is left");
    await haveAll([follower, friend], ["before", "while it is left"]);

    // One that was kept has no load event.
    await page.goBack({ waitUntil: "commit" });
    await leader.page.waitForFunction(() => globalThis.tab !== undefined);
    const isKept = await page.evaluate(() => globalThis.isKept === true);
    const reasons = await page.evaluate(() => performance.getEntriesByType("navigation")[0].notRestoredReasons?.reasons);
    test.diagnostic(isKept ? "kept by the browser" : `loaded anew: ${JSON.stringify(reasons)}`);
    if (!isKept) {
      const state = await leader.must("open", alice.privateKey, node.url, {});
      assert.equal(state.installationId, follower.state.installationId);
      await leader.must("watch");
    }
    await leader.must("send", groupId, "back");
    const all = ["before", "while it is left", "back"];
    await haveAll([follower, friend], all);
    const seen = isKept ? all : ["back"];
    assert.deepEqual((await sees(leader, seen.length)).toSorted(), seen.toSorted());
    assert.deepEqual((await leader.must("list", groupId)).toSorted(), all.toSorted());
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
