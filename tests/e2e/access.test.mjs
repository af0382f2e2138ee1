// The page without a mouse, and as axe sees it: every main state, light and dark, wide and narrow.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, it } from "node:test";
import { picture } from "./support/picture.mjs";
import { world } from "./support/world.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe objects to, in both colour schemes. */
async function objections(window, state) {
  await window.evaluate((source) => "axe" in window || (0, eval)(source), axe);
  const found = [];
  for (const colorScheme of ["light", "dark"]) {
    await window.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const violations = await window.evaluate(async () => {
      // A colour that is still changing is no colour to judge.
      await Promise.all(document.getAnimations().map((animation) => animation.effect?.getTiming().iterations === Infinity || animation.finished.catch(() => undefined)));
      const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
      return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`));
    });
    found.push(...violations.map((violation) => `${state}, ${colorScheme}: ${violation}`));
  }
  return found;
}

describe("everybody can use the page", () => {
  const here = world();

  it("axe has no objections to any main state, in light and in dark, wide and at phone width", async () => {
    const all = [];
    const look = async (person, state) => all.push(...(await objections(person.window, state)));
    const context = await here.browser.newContext();
    const stranger = { window: await context.newPage() };
    await stranger.window.goto(`${here.page.url}/?node=${encodeURIComponent("http://localhost:1")}`);
    await stranger.window.getByTestId("connect-throwaway").waitFor();
    await look(stranger, "welcome");
    await stranger.window.getByTestId("connect-throwaway").click();
    await stranger.window.getByTestId("connect-error").waitFor();
    await look(stranger, "no node");
    await context.close();

    const alice = await here.join("alice");
    const bob = await here.join("bob", { viewport: { width: 390, height: 844 } });
    await alice.window.getByTestId("no-conversations").waitFor();
    await look(alice, "nothing there");
    await alice.window.getByTestId("new-conversation").click();
    await look(alice, "new direct message");
    await alice.window.getByTestId("kind-group").check();
    await look(alice, "new group");
    await alice.window.keyboard.press("Escape");
    await alice.createGroup("Lunch", [bob]);
    await look(alice, "nothing said");
    await alice.say("Soup or noodles?");
    await alice.createGroup("Weekend", [bob]);
    await alice.say("Who has a tent?");
    await alice.openGroup("Lunch");

    await look(bob, "list with requests");
    await alice.startDm(await bob.wallet());
    await alice.say("Just us two");
    await look(alice, "direct message");
    await alice.window.getByTestId("details").click();
    await look(alice, "details of a direct message");
    await alice.window.keyboard.press("Escape");
    await alice.openGroup("Lunch");
    await bob.openGroup("Weekend");
    await look(bob, "request");
    await bob.window.getByTestId("deny").click();
    await bob.window.locator('[data-consent="denied"]').first().waitFor({ state: "attached" });
    await look(bob, "denied");
    await bob.window.getByTestId("back").click();
    await look(bob, "list with one kept out");
    await bob.openGroup("Lunch");
    await bob.act("Soup or noodles?", "reply");
    await look(bob, "replying");
    await bob.say("Noodles");
    await alice.act("Noodles", "react");
    await look(alice, "choosing a reaction");
    await alice.window.locator('[data-emoji="👍"]:visible').click();
    await bob.window.getByTestId("reaction").waitFor();
    await bob.say("or not");
    await alice.act("or not", "remove");
    await look(alice, "confirming");
    await alice.window.getByTestId("confirm-remove").click();
    await bob.window.getByTestId("removed-text").waitFor();
    await bob.window.getByTestId("file-input").setInputFiles({ name: "menu.png", mimeType: "image/png", buffer: picture(60, 40) });
    await look(bob, "file chosen");
    await bob.window.getByTestId("send").click();
    await bob.window.getByTestId("picture").waitFor();
    await look(bob, "thread at phone width");
    await look(alice, "thread");

    await alice.window.getByTestId("search").fill("soup");
    await alice.window.getByTestId("search-status").filter({ hasText: "found" }).waitFor();
    await look(alice, "search");
    await alice.window.getByTestId("search").press("Escape");
    await alice.window.getByTestId("details").click();
    const dialog = alice.window.getByTestId("details-dialog");
    await dialog.getByTestId("rule-rename").waitFor();
    await look(alice, "details");
    await dialog.getByTestId("member-menu").last().click();
    await look(alice, "member menu");
    await alice.window.keyboard.press("Escape");
    await alice.window.keyboard.press("Escape");
    await bob.window.getByTestId("details").click();
    await bob.window.getByTestId("rule-rename").waitFor();
    await look(bob, "details of a member");
    await bob.window.keyboard.press("Escape");

    await here.node.kill();
    await alice.window.getByTestId("connection").filter({ hasText: "No connection" }).waitFor();
    await alice.write("Hello?");
    await alice.seesStatus("Hello?", "waiting");
    await look(alice, "offline");
    await bob.window.getByTestId("connection").filter({ hasText: "No connection" }).waitFor();
    await look(bob, "offline at phone width");
    assert.deepEqual(all, []);
  });

  it("without a mouse: lists by arrows, messages by arrows, Escape closes, the focus comes back", async () => {
    const { alice, bob } = await here.twoInAGroup();
    await alice.say("Soup or noodles?");
    await alice.createGroup("Weekend", [bob]);
    await alice.say("Who has a tent?");
    const { window } = alice;
    const { keyboard } = window;
    const focused = (selector) => window.waitForFunction((wanted) => document.activeElement?.matches(wanted), selector);

    // The list is one stop, and arrows go through it.
    await window.getByTestId("search").focus();
    await keyboard.press("Tab");
    await focused('[data-testid="conversation"][aria-current]');
    await keyboard.press("ArrowDown");
    await focused('[data-testid="conversation"]:not([aria-current])');
    await keyboard.press("Enter");
    await window.getByTestId("thread-title").filter({ hasText: "Lunch" }).waitFor();
    await focused('[data-testid="message-input"]');

    // Messages: one stop too, with what can be done about the current one behind it.
    await window.getByTestId("message").last().focus();
    await keyboard.press("Tab");
    await focused('[data-testid="react"]');
    await keyboard.press("Enter");
    await focused(".picker-emoji");
    await keyboard.press("Escape");
    await focused('[data-testid="react"]');
    await keyboard.press("Enter");
    await keyboard.press("Enter");
    await window.getByTestId("reaction").waitFor();

    // Dialogs and menus give back what they took.
    await window.getByTestId("details").focus();
    await keyboard.press("Enter");
    const dialog = window.getByTestId("details-dialog");
    await dialog.getByTestId("rule-rename").waitFor();
    await dialog.getByTestId("member-menu").last().focus();
    await keyboard.press("Enter");
    await focused('[data-testid="make-admin"]');
    await keyboard.press("ArrowDown");
    await focused('[data-testid="make-super-admin"]');
    await keyboard.press("End");
    await focused('[data-testid="remove-member"]');
    await keyboard.press("Escape");
    await focused('[data-testid="member-menu"]');
    await keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await focused('[data-testid="details"]');

    // What comes is told: the log and the connection are live regions.
    assert.equal(await window.getByRole("log", { name: "Messages" }).count(), 1);
    assert.ok((await window.getByRole("status").count()) > 0);
  });

  it("at phone width going back puts the focus on the conversation that was left", async () => {
    const alice = await here.join("alice", { viewport: { width: 390, height: 844 } });
    const bob = await here.join("bob");
    await alice.createGroup("Lunch", [bob]);
    await alice.window.goBack();
    await alice.window.getByTestId("conversation").filter({ hasText: "Lunch" }).waitFor();
    await alice.window.waitForFunction(() => document.activeElement?.matches('[data-testid="conversation"]'));
    await alice.window.goForward();
    await alice.window.getByTestId("back").click();
    await alice.window.waitForFunction(() => document.activeElement?.matches('[data-testid="conversation"]'));
  });
});
