// Direct messages: started by address or inbox id, named after the other person, one conversation whoever began it.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { world } from "./support/world.mjs";

const short = (id) => `${id.slice(0, 6)}…${id.slice(-4)}`;

describe("direct messages", () => {
  const here = world();
  const rows = (person) => person.window.getByTestId("conversation");
  const title = (person) => person.window.getByTestId("thread-title");

  it("one is started by address, has the other one's address as its name, and is a request on the other side", async () => {
    const alice = await here.join("alice");
    const bob = await here.join("bob");
    const [alices, bobs] = [short(await alice.wallet()), short(await bob.wallet())];
    assert.equal(await alice.startDm(await bob.wallet()), bobs);
    await alice.window.getByTestId("messages").filter({ hasText: "Only the two of you" }).waitFor();
    await alice.say("Lunch, just us two?");
    await rows(bob).filter({ hasText: "Lunch, just us two?" }).click();
    assert.equal(await title(bob).textContent(), alices);
    await bob.window.getByTestId("request").filter({ hasText: "wrote to you for the first time" }).waitFor();
    await bob.window.getByTestId("allow").click();
    await bob.say("Gladly");
    await alice.sees("Gladly");
    assert.equal(await alice.window.locator(".transcript").count(), 0, "nobody was added to anything");
    await alice.reload();
    await alice.sees("Gladly");
    assert.equal(await rows(alice).count(), 1);
    assert.equal(await title(alice).textContent(), bobs, "the address in the location still opens it");
  });

  it("one is started by inbox id; again, by address, it is the same", async () => {
    const alice = await here.join("alice");
    const bob = await here.join("bob");
    const name = await alice.startDm(await bob.inboxId());
    await alice.say("one");
    assert.equal(await alice.startDm(await bob.wallet()), name);
    await alice.sees("one");
    assert.equal(await rows(alice).count(), 1);
  });

  it("what both began at once is one conversation on both sides, with the messages of both", async () => {
    const alice = await here.join("alice");
    const bob = await here.join("bob");
    // What the node sends of the other's welcome comes too late for either.
    await here.node.break({ method: "SubscribeWelcomeMessages", fault: { kind: "delay", ms: 600_000 } });
    await here.node.break({ method: "QueryWelcomeMessages", fault: { kind: "delay", ms: 1_500 } });
    await Promise.all([alice.window.reload(), bob.window.reload()]);
    await Promise.all([alice, bob].map((person) => person.window.getByTestId("chat").waitFor()));
    const [of, by] = [await bob.wallet(), await alice.wallet()];
    await Promise.all([alice.startDm(of), bob.startDm(by)]);
    await Promise.all([alice.say("from Alice"), bob.say("from Bob")]);
    await here.node.heal();
    await Promise.all([alice.reload(), bob.reload()]);
    for (const person of [alice, bob]) {
      await person.sees("from Alice");
      await person.sees("from Bob");
      assert.equal(await rows(person).count(), 1);
    }
    await bob.say("and after");
    await alice.sees("and after");
    await alice.say("and back");
    await bob.sees("and back");
    for (const person of [alice, bob]) assert.equal(await rows(person).count(), 1);
  });

  it("what is no person, oneself and several people are told, and nothing is made", async () => {
    const alice = await here.join("alice");
    const { window } = alice;
    await window.getByTestId("new-conversation").click();
    const dialog = window.getByTestId("new-conversation-dialog");
    const refused = {
      "": "Paste an address",
      "0x123": "Not an address or inbox id",
      [await alice.wallet()]: "That is you",
      [await alice.inboxId()]: "That is you",
      [`0x${"12".repeat(20)} 0x${"34".repeat(20)}`]: "make a group",
      [`0x${"12".repeat(20)}`]: "Nobody has signed up",
      ["ab".repeat(32)]: "Nobody on this network has that inbox id",
    };
    for (const [who, reason] of Object.entries(refused)) {
      await dialog.getByTestId("dm-person").fill(who);
      await dialog.getByTestId("start-conversation").click();
      await dialog.getByTestId("dialog-error").filter({ hasText: reason }).waitFor();
    }
    await window.keyboard.press("Escape");
    assert.equal(await rows(alice).count(), 0);
  });

  it("without a mouse: a conversation is started, its details are opened, and the other one is kept out and let in again", async () => {
    const alice = await here.join("alice");
    const bob = await here.join("bob");
    const { window } = alice;
    const { keyboard } = window;
    const focused = (id) => window.waitForFunction((id) => document.activeElement?.getAttribute("data-testid") === id, id);
    await window.getByTestId("new-conversation").focus();
    await keyboard.press("Enter");
    await focused("dm-person");
    await keyboard.press("Shift+Tab");
    await focused("kind-dm");
    await keyboard.press("ArrowRight");
    await window.getByTestId("group-people").waitFor();
    await keyboard.press("ArrowLeft");
    await keyboard.press("Tab");
    await focused("dm-person");
    await keyboard.insertText(await bob.wallet());
    await keyboard.press("Enter");
    await focused("message-input");
    await keyboard.type("hello");
    await keyboard.press("Enter");
    await alice.seesStatus("hello", "sent");
    await window.getByTestId("details").focus();
    await keyboard.press("Enter");
    const dialog = window.getByTestId("person-dialog");
    assert.match(await dialog.textContent(), new RegExp(await bob.inboxId()));
    await dialog.getByTestId("keep-out").focus();
    await keyboard.press("Enter");
    await dialog.waitFor({ state: "detached" });
    await window.locator('[data-consent="denied"]').waitFor();
    await window.getByTestId("allow").focus();
    await keyboard.press("Enter");
    await window.locator('[data-consent="allowed"]').waitFor();
  });
});
