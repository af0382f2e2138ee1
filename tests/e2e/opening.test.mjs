// What is seen while a page opens, and when it is open in several tabs.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { servePage } from "./support/page.mjs";
import { world } from "./support/world.mjs";

describe("a page that opens", () => {
  const here = world();

  it("says how far the first fetch is, conversation by conversation", async () => {
    const alice = await here.join("alice");
    const bob = await here.join("bob");
    for (const name of ["Lunch", "Dinner", "Weekend"]) {
      await alice.createGroup(name, [bob]);
      await alice.say(`Who comes to ${name}?`);
    }
    await bob.window.getByTestId("conversation").nth(2).waitFor();
    // Each answer takes its time, so that every step can be seen.
    await here.node.break({ method: "QueryGroupMessages", fault: { kind: "delay", ms: 300 } });
    await bob.window.addInitScript(() => {
      window.steps = [];
      new MutationObserver(() => {
        const text = document.querySelector("[data-testid=fetched]:not([hidden])")?.textContent;
        if (text && window.steps.at(-1) !== text) window.steps.push(text);
      }).observe(document, { childList: true, subtree: true, characterData: true, attributes: true });
    });
    await bob.reload();
    await bob.window.getByTestId("connection").waitFor({ state: "hidden" });
    const steps = await bob.window.evaluate(() => window.steps);
    assert.deepEqual([steps[0], steps.at(-1)], ["0 of 3 conversations", "3 of 3 conversations"]);
    assert.ok(steps.length > 2, `only ${steps.join(", ")} was seen`);
    await here.node.heal();
  });

  it("two tabs of one person show the same, the second says so, and goes on alone when the first is closed", async () => {
    const { alice, bob } = await here.twoInAGroup();
    await bob.say("from the first tab");
    const first = bob.window;
    await bob.reopen();
    await bob.openGroup("Lunch");
    await bob.sees("from the first tab");
    await bob.window.getByTestId("other-tab").filter({ hasText: "Also open in another tab" }).waitFor();
    assert.equal(await first.getByTestId("other-tab").isVisible(), false);
    await bob.say("from the second tab");
    await first.getByText("from the second tab", { exact: true }).last().waitFor();
    await first.close();
    await bob.window.getByTestId("other-tab").waitFor({ state: "hidden" });
    await alice.say("still there?");
    await bob.sees("still there?");
    await bob.say("yes");
    await alice.sees("yes");
  });

  it("a tab that a newer version of the page has replaced says so, and goes on after a reload", async (test) => {
    const page = await servePage({ newerOnDemand: true });
    test.after(() => page.close());
    const alice = await here.join("alice", { page });
    const bob = await here.join("bob");
    await alice.createGroup("Lunch", [bob]);
    const first = alice.window;
    page.update();
    await alice.reopen();
    await first.getByTestId("connection").filter({ hasText: "A newer version of this page" }).waitFor();
    assert.equal(await first.getByTestId("message-input").isVisible(), false);
    await first.getByTestId("banner-action").click();
    await first.getByTestId("thread-title").filter({ hasText: "Lunch" }).waitFor();
    await first.getByTestId("connection").waitFor({ state: "hidden" });
  });
});
