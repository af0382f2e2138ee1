// The list beside a conversation: what is unread, what was begun, what is looked for.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { world } from "./support/world.mjs";

describe("the list of conversations", () => {
  const here = world();

  /** Alice and Bob in two groups; Bob looks at the first. */
  const inTwoGroups = async () => {
    const { alice, bob } = await here.twoInAGroup();
    await bob.window.getByTestId("allow").click();
    await alice.createGroup("Weekend", [bob]);
    await alice.say("Who has a tent?");
    return { alice, bob };
  };
  const row = (person, name) => person.window.getByTestId("conversation").filter({ hasText: name });

  it("what was not read is counted until it is looked at, also after a reload and in the title", async () => {
    const { alice, bob } = await inTwoGroups();
    const unread = row(bob, "Weekend").getByTestId("unread");
    await unread.filter({ hasText: "1" }).waitFor();
    await alice.say("And a stove?");
    await unread.filter({ hasText: "2" }).waitFor();
    assert.match(await row(bob, "Weekend").textContent(), /And a stove\?/);
    await bob.reload();
    await unread.filter({ hasText: "2" }).waitFor();
    assert.match(await bob.window.title(), /^\(2\)/);
    await bob.openGroup("Weekend");
    await unread.waitFor({ state: "detached" });
    await bob.reload();
    await bob.sees("And a stove?");
    await bob.openGroup("Lunch");
    assert.equal(await unread.count(), 0);
    await alice.say("Or none");
    await unread.filter({ hasText: "1" }).waitFor();
    await bob.openGroup("Weekend");
    await bob.window.locator(".unread-line").waitFor();
  });

  it("what was begun waits in its conversation, also after a reload", async () => {
    const { bob } = await inTwoGroups();
    const input = bob.window.getByTestId("message-input");
    await input.fill("I have tw");
    await bob.openGroup("Weekend");
    assert.equal(await input.inputValue(), "");
    await row(bob, "Lunch").filter({ hasText: "Draft: I have tw" }).waitFor();
    await bob.reload();
    await bob.openGroup("Lunch");
    assert.equal(await input.inputValue(), "I have tw");
    await bob.say("I have two");
    await bob.openGroup("Weekend");
    await bob.openGroup("Lunch");
    assert.equal(await input.inputValue(), "");
  });

  it("a search finds what was said on this device, says where it looked, and opens the conversation there", async () => {
    const { alice, bob } = await inTwoGroups();
    await alice.openGroup("Lunch");
    for (let n = 0; n < 30; n += 1) await alice.write(`Line ${n}`);
    await alice.seesStatus("Line 29", "sent");
    await bob.sees("Line 29");
    const { window } = bob;
    await window.getByTestId("search").fill("TENT");
    const hit = window.getByTestId("found-message");
    await hit.filter({ hasText: "Who has a tent?" }).waitFor();
    await window.getByTestId("search-status").filter({ hasText: "1 message found. Searched all messages on this device" }).waitFor();
    await hit.click();
    await window.getByTestId("thread-title").filter({ hasText: "Weekend" }).waitFor();
    await window.getByTestId("search").fill("line 0");
    await hit.filter({ hasText: "Line 0" }).click();
    await window.getByTestId("thread-title").filter({ hasText: "Lunch" }).waitFor();
    await window.waitForFunction(() => document.activeElement?.matches("[data-testid=message]") && document.activeElement.textContent.includes("Line 0"));
    await window.getByTestId("search").fill("weekend");
    await window.getByTestId("found-conversation").waitFor();
    await window.getByTestId("search").fill("nobody said this");
    await window.getByTestId("search-status").filter({ hasText: "Nothing found" }).waitFor();
    await window.getByTestId("search").press("Escape");
    await row(bob, "Lunch").waitFor();
  });
});
