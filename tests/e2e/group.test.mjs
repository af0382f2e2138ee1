// What is decided about a group, and by whom.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { world } from "./support/world.mjs";

describe("a group and its members", () => {
  const here = world();

  const details = async (person) => {
    await person.window.getByTestId("details").click();
    const dialog = person.window.getByTestId("details-dialog");
    await dialog.getByTestId("rule-rename").waitFor();
    return dialog;
  };
  const member = async (dialog, person) => dialog.locator(`[data-inbox="${await person.window.getByTestId("own-inbox-id").getAttribute("data-value")}"]`);
  const choose = async (row, item) => {
    await row.getByTestId("member-menu").click();
    await row.getByTestId(item).click();
  };

  it("a super admin makes others admin and super admin, takes it back and removes them; members see no such thing", async () => {
    const { alice, bob } = await here.twoInAGroup();
    const dialog = await details(alice);
    const his = await member(dialog, bob);
    await choose(his, "make-admin");
    await his.getByTestId("role").filter({ hasText: /^Admin$/ }).waitFor();
    await choose(his, "make-super-admin");
    await his.getByTestId("role").filter({ hasText: "Super admin" }).waitFor();
    await choose(his, "remove-super-admin");
    await his.getByTestId("role").filter({ hasText: /^Admin$/ }).waitFor();
    await choose(his, "remove-admin");
    await his.getByTestId("role").waitFor({ state: "detached" });
    await dialog.getByRole("button", { name: "Close" }).click();
    await alice.say("done");
    await bob.sees("done");

    const theirs = await details(bob);
    const hers = await member(theirs, alice);
    await hers.getByTestId("member-menu").click();
    assert.deepEqual(await hers.getByRole("menuitem").allTextContents(), ["Copy address"]);
    await bob.window.keyboard.press("Escape");
    await bob.window.keyboard.press("Escape");
    await theirs.waitFor({ state: "detached" });

    const again = await details(alice);
    await choose(await member(again, bob), "remove-member");
    await alice.window.getByTestId("confirm-remove-member").click();
    await (await member(again, bob)).waitFor({ state: "detached" });
    await bob.window.getByText("You are no longer a member of this group.").waitFor();
    assert.equal(await bob.window.getByTestId("message-input").isVisible(), false);
    await bob.sees("done");
  });

  it("a member leaves, and a super admin is told why they cannot", async () => {
    const { alice, bob } = await here.twoInAGroup();
    const hers = await details(alice);
    assert.equal(await hers.getByTestId("leave").isDisabled(), true);
    await alice.window.keyboard.press("Escape");
    const his = await details(bob);
    await his.getByTestId("leave").click();
    await bob.window.getByTestId("confirm-leave").click();
    await his.waitFor({ state: "detached" });
    await alice.window.getByTestId("member-count").filter({ hasText: "1 member" }).waitFor();
    await bob.window.getByText("You are no longer a member of this group.").waitFor();
  });

  it("messages disappear after the time that was chosen, in both windows", async () => {
    const { alice, bob } = await here.twoInAGroup();
    await alice.say("this stays");
    await bob.sees("this stays");
    const dialog = await details(alice);
    const select = dialog.getByTestId("disappearing");
    // Shorter than any that is offered, so that the test need not wait for a minute.
    await select.evaluate((element) => element.add(new Option("After 6 seconds", "6000000000")));
    await select.selectOption({ label: "After 6 seconds" });
    await dialog.locator("[aria-busy]").waitFor({ state: "detached" });
    assert.equal(await dialog.getByTestId("dialog-error").textContent(), "");
    await alice.window.keyboard.press("Escape");
    await bob.window.getByTestId("thread").filter({ hasText: "messages disappear after 6 seconds" }).waitFor();
    await alice.say("this does not");
    await bob.sees("this does not");
    for (const person of [alice, bob]) {
      await person.window.getByText("this does not", { exact: true }).first().waitFor({ state: "detached" });
      assert.deepEqual(await person.messages(), ["this stays"]);
    }
  });
});
