// What a browser does with pages besides opening and closing them. In Chromium alone: its DevTools protocol can freeze a
// page, and Playwright can leave the back/forward cache on. The headless shell has no such cache.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { sees, stage } from "./support.mjs";

/** Opening a database takes a second or two in a module that was just loaded; a lock that nobody gives up, 30 s. */
const HAND_OVER_MS = 15_000;

let alice, leader, follower, friend, groupId;

/** Two tabs of Alice and one of Bob, in one group. */
async function gather(somebody) {
  const bob = await somebody("bob");
  alice = await somebody("alice");
  [leader, follower, friend] = [await alice.tab(), await alice.tab(), await bob.tab()];
  groupId = await leader.must("createGroup", [friend.state.address], "Lunch");
  await friend.must("sync");
}

/** Everybody has seen these live, each once, and lists them. */
async function haveAll(tabs, texts) {
  for (const tab of tabs) {
    assert.deepEqual((await sees(tab, texts.length)).toSorted(), texts.toSorted());
    assert.deepEqual((await tab.must("list", groupId)).toSorted(), texts.toSorted());
  }
}

describe("the life of a page that leads", () => {
  const { somebody } = stage();
  beforeEach(() => gather(somebody));

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

describe("the back/forward cache", () => {
  const { there, somebody } = stage({
    executablePath: process.env.CHROMIUM_WITH_CACHE,
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
  beforeEach(() => gather(somebody));

  it("one that is left and gone back to gives the database up at once, and has missed nothing", async () => {
    await leader.must("send", groupId, "before");
    await haveAll([leader, follower, friend], ["before"]);
    const { page } = leader;
    await page.evaluate(() => addEventListener("pageshow", ({ persisted }) => (globalThis.isKept = persisted)));
    await page.goto(`${there.site.url}/elsewhere.html`);
    const leftAt = Date.now();
    await follower.must("send", groupId, "while it is left");
    assert.ok(Date.now() - leftAt < HAND_OVER_MS, `handed over after ${Date.now() - leftAt} ms`);
    await haveAll([follower, friend], ["before", "while it is left"]);

    // One that was kept has no load event.
    await page.goBack({ waitUntil: "commit" });
    await page.waitForFunction(() => globalThis.isKept === true);
    await leader.must("send", groupId, "back");
    await haveAll([leader, follower, friend], ["before", "while it is left", "back"]);
  });
});
