import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { servePage } from "./support/page.mjs";
import { twoTalkAndOneReloads } from "./support/stories.mjs";
import { world } from "./support/world.mjs";

describe("two browser windows and a local node", () => {
  const here = world();
  const { join, twoInAGroup } = here;

  it("both register, create a group, talk both ways live, reload one, talk again", async () => {
    const { alice, bob } = await twoInAGroup();
    await twoTalkAndOneReloads(alice, bob);
  });

  it("four people in one browser all listen and talk: each has connections of its own to the node", async () => {
    const alice = await join("alice");
    const others = [];
    for (const name of ["bob", "carol", "dave"]) others.push(await join(name, { beside: alice }));
    const all = [alice, ...others];
    assert.equal(new Set(await Promise.all(all.map((person) => person.wallet()))).size, 4);
    await alice.createGroup("Lunch", others);
    for (const person of others) await person.openGroup("Lunch");
    const said = [];
    for (const round of ["first", "second"]) {
      for (const person of all) {
        said.push(`${person.name}, ${round}`);
        await person.say(said.at(-1));
        await Promise.all(all.map((other) => other.sees(said.at(-1))));
      }
    }
    for (const person of all) assert.deepEqual(await person.messages(), said);
  });

  it("a page killed in mid-send loses nothing and doubles nothing", async () => {
    const { alice, bob } = await twoInAGroup();
    await alice.say("one");
    // The node sits on what it gets, so the window dies between sending and hearing that it was accepted.
    await here.node.break({ method: "SendGroupMessages", fault: { kind: "delay", ms: 1_500 } });
    const texts = ["two", "three", "four"];
    for (const text of texts) await alice.write(text);
    await alice.seesStatus("four", "sending");
    await alice.crash();
    await here.node.heal();

    await alice.reopen();
    await alice.openGroup("Lunch");
    for (const text of texts) await alice.seesStatus(text, "sent");
    for (const text of texts) await bob.sees(text);
    // One more, so that a late second copy of the others would have arrived.
    await alice.say("five");
    await bob.sees("five");
    assert.deepEqual(await alice.messages(), ["one", ...texts, "five"]);
    assert.deepEqual((await bob.messages()).toSorted(), ["one", ...texts, "five"].toSorted());
  });

  it("a message whose acceptance was lost on the way back is sent again and not doubled", async () => {
    const { alice, bob } = await twoInAGroup();
    await here.node.break({ method: "SendGroupMessages", fault: { kind: "drop_answer" }, times: 1 });
    await alice.write("did you get this?");
    await alice.seesStatus("did you get this?", "sent");
    await alice.say("and this?");
    await bob.sees("and this?");
    assert.deepEqual(await alice.messages(), ["did you get this?", "and this?"]);
    assert.deepEqual(await bob.messages(), ["did you get this?", "and this?"]);
  });

  it("a node killed and restarted in mid-conversation loses nothing and doubles nothing", async () => {
    const { alice, bob } = await twoInAGroup();
    await alice.say("before");
    await bob.sees("before");

    await here.node.kill();
    await alice.write("while it is away");
    await alice.seesStatus("while it is away", "waiting");
    await here.node.restart();

    await alice.seesStatus("while it is away", "sent");
    await bob.sees("while it is away");
    await bob.say("after");
    await alice.sees("after");
    const all = ["before", "while it is away", "after"];
    assert.deepEqual(await alice.messages(), all);
    assert.deepEqual(await bob.messages(), all);
  });

  it("a page that goes offline and online again has missed nothing and shows nothing twice", async () => {
    const { alice, bob } = await twoInAGroup();
    await alice.say("before");
    await bob.sees("before");
    const all = ["before"];
    for (let round = 0; round < 3; round += 1) {
      await bob.context.setOffline(true);
      for (let n = 0; n < 4; n += 1) {
        all.push(`round ${round}, number ${n}`);
        await alice.say(all.at(-1));
      }
      await bob.context.setOffline(false);
      await bob.sees(all.at(-1));
      assert.deepEqual(await bob.messages(), all);
    }
    await bob.say("after");
    await alice.sees("after");
    assert.deepEqual(await alice.messages(), [...all, "after"]);
  });

  it("a page opened while the node is away shows what is stored, and catches up when it is back", async () => {
    const { alice, bob } = await twoInAGroup();
    await alice.say("stored");
    await bob.sees("stored");
    await here.node.kill();
    await bob.reload();
    await bob.sees("stored");
    await bob.window.getByTestId("connection").filter({ hasText: "No connection" }).waitFor();
    await here.node.restart();
    await alice.say("news");
    await bob.sees("news");
  });

  it("an address nobody has, and one that is none, are told and create nothing", async () => {
    const alice = await join("alice");
    const { window } = alice;
    await window.getByTestId("new-conversation").click();
    const dialog = window.getByTestId("new-conversation-dialog");
    await dialog.getByTestId("kind-group").check();
    await dialog.getByTestId("group-people").fill("0x123");
    await dialog.getByTestId("start-conversation").click();
    await dialog.getByTestId("dialog-error").filter({ hasText: "Not an address" }).waitFor();
    await dialog.getByTestId("group-people").fill(`0x${"12".repeat(20)}`);
    await dialog.getByTestId("start-conversation").click();
    await dialog.getByTestId("dialog-error").filter({ hasText: "Nobody has signed up" }).waitFor();
    assert.equal(await window.getByTestId("conversation").count(), 0);
  });

  it("at phone width the list and the conversation take turns", async () => {
    const alice = await join("alice", { viewport: { width: 390, height: 844 } });
    const bob = await join("bob");
    await alice.createGroup("Walk", [bob]);
    const { window } = alice;
    assert.equal(await window.getByTestId("conversation-list").isVisible(), false);
    await window.getByTestId("back").click();
    await window.getByTestId("conversation").filter({ hasText: "Walk" }).waitFor();
    assert.equal(await window.getByTestId("thread").isVisible(), false);
    const widths = await window.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.equal(widths[0], widths[1], "nothing reaches beyond the screen");
  });

  it("reactions, replies and removing for everyone reach the other window", async () => {
    const { alice, bob } = await twoInAGroup();
    await alice.say("Soup?");
    await bob.sees("Soup?");
    await bob.act("Soup?", "react");
    await bob.window.locator('[data-emoji="👍"]:visible').click();
    await alice.window.getByTestId("reaction").filter({ hasText: "👍" }).waitFor();

    await alice.act("Soup?", "reply");
    await alice.say("With noodles");
    await bob.window.getByTestId("quote").filter({ hasText: "Soup?" }).waitFor();

    await alice.act("Soup?", "remove");
    await alice.window.getByTestId("confirm-remove").click();
    for (const person of [alice, bob]) {
      await person.window.getByTestId("removed-text").waitFor();
      assert.deepEqual(await person.messages(), ["With noodles"]);
      assert.equal(await person.window.getByTestId("reaction").count(), 0);
      await person.window.getByTestId("quote").filter({ hasText: "removed" }).waitFor();
    }
  });

  it("who is added is asked, and a conversation is let in, kept out and let in again", async () => {
    const { alice, bob } = await twoInAGroup();
    const { window } = bob;
    const kept = (state) => window.locator(`[data-consent="${state}"]`).filter({ hasText: "Lunch" });
    await kept("unknown").waitFor();
    assert.equal(await alice.window.getByTestId("request").isVisible(), false, "who made it is not asked");
    await window.getByTestId("deny").click();
    await kept("denied").waitFor();
    assert.equal(await window.getByTestId("message-input").isVisible(), false);
    await window.getByTestId("allow").click();
    await kept("allowed").waitFor();
    assert.equal(await window.getByTestId("request").isVisible(), false);
    await bob.say("hello");
    await alice.sees("hello");
    await bob.reload();
    await kept("allowed").waitFor();
  });

  it("whoever answers has let the conversation in", async () => {
    const { bob } = await twoInAGroup();
    await bob.window.getByTestId("request").waitFor();
    await bob.say("hello");
    await bob.window.getByTestId("request").waitFor({ state: "hidden" });
    await bob.window.locator('[data-consent="allowed"]').waitFor();
  });

  it("a super admin decides who may do what, and others only see it", async () => {
    const { alice, bob } = await twoInAGroup();
    const settings = async (person) => {
      await person.window.getByTestId("details").click();
      const dialog = person.window.getByTestId("details-dialog");
      await dialog.getByTestId("rule-rename").waitFor();
      return dialog;
    };
    const hers = await settings(alice);
    await hers.getByTestId("rule-rename").selectOption({ label: "Super admins" });
    await hers.locator("[aria-busy]").waitFor({ state: "detached" });
    assert.equal(await hers.getByTestId("dialog-error").textContent(), "");
    await hers.getByTestId("minimum-version").fill("99.0.0");
    await hers.getByTestId("minimum-version-save").click();
    await hers.getByTestId("dialog-error").filter({ hasText: "not above" }).waitFor();
    // A message makes his window read what was changed before.
    await hers.getByRole("button", { name: "Close" }).click();
    await alice.say("done");
    await bob.sees("done");
    const his = await settings(bob);
    assert.equal(await his.getByTestId("rule-rename").isDisabled(), true);
    assert.equal(await his.getByTestId("rule-rename").locator("option:checked").textContent(), "Super admins");
    await his.getByTestId("rename").fill("Dinner");
    await his.getByTestId("rename-save").click();
    await his.getByTestId("dialog-error").filter({ hasText: "rules do not let you" }).waitFor();
  });

  it("an app that is too old says so in its group, and loses nothing until it is updated", async (test) => {
    const alice = await join("alice");
    const old = await servePage("1.9.0");
    test.after(() => old.close());
    const bob = await join("bob", { page: old });
    await alice.createGroup("Lunch", [bob]);
    await bob.openGroup("Lunch");
    await alice.say("before");
    await bob.sees("before");
    await alice.window.getByTestId("details").click();
    const dialog = alice.window.getByTestId("details-dialog");
    await dialog.getByTestId("minimum-version-save").click();
    await bob.window.getByTestId("paused").filter({ hasText: "needs version 1.10.0" }).waitFor();
    assert.equal(await bob.window.getByTestId("message-input").isVisible(), false);
    await dialog.getByRole("button", { name: "Close" }).click();
    await alice.say("meanwhile");
    old.update();
    await bob.reload();
    await bob.sees("meanwhile");
    assert.equal(await bob.window.getByTestId("paused").isVisible(), false);
    await bob.say("back again");
    await alice.sees("back again");
    assert.deepEqual(await bob.messages(), ["before", "meanwhile", "back again"]);
  });

  it("a group can be renamed and shows who is in it", async () => {
    const { alice, bob } = await twoInAGroup();
    await alice.window.getByTestId("details").click();
    const dialog = alice.window.getByTestId("details-dialog");
    assert.equal(await dialog.getByTestId("member").count(), 2);
    await dialog.getByTestId("rename").fill("Dinner");
    await dialog.getByTestId("rename-save").click();
    await bob.window.getByTestId("thread-title").filter({ hasText: "Dinner" }).waitFor();
    await bob.window.getByTestId("transcript").filter({ hasText: "Dinner" }).waitFor();
  });
});
