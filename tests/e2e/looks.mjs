// Pictures of the example page for people to look at: light and dark, wide and narrow. Not a test.
// scripts/test-e2e builds what this needs; then: CHROMIUM=… node tests/e2e/looks.mjs <folder>
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { localNode, openBrowser, Person, servePage } from "./support/page.mjs";

const folder = process.argv[2] ?? "looks";
await mkdir(folder, { recursive: true });
const browser = await openBrowser();
const page = await servePage();
const old = await servePage("1.9.0");
const node = await localNode();
const shot = (person, name) => person.window.screenshot({ path: join(folder, `${name}.png`) });
try {
  for (const [colorScheme, width] of [["light", 1280], ["dark", 390]]) {
    {
      const at = `${colorScheme}-${width}`;
      const of = (name, more = {}) =>
        Person.join(browser, `${name}`, { page, node, viewport: { width, height: 800 }, colorScheme, ...more });
      const alice = await of("alice");
      const bob = await of("bob", { page: old });
      const home = async (person) => {
        if (width < 700 && (await person.window.getByTestId("back").isVisible())) await person.window.getByTestId("back").click();
      };
      await alice.createGroup("Lunch", [bob]);
      await alice.say("Soup or noodles?");
      await home(alice);
      await alice.createGroup("Weekend trip", [bob]);
      await alice.say("Who has a tent?");
      await home(alice);
      await alice.createGroup("Lottery", [bob]);
      await alice.say("You have won!");
      await bob.openGroup("Lottery");
      await bob.sees("You have won!");
      await shot(bob, `${at}-request`);
      await bob.window.getByTestId("deny").click();
      await bob.window.locator('[data-consent="denied"]').first().waitFor({ state: "attached" });
      await shot(bob, `${at}-denied`);
      await home(bob);
      await bob.openGroup("Lunch");
      await bob.sees("Soup or noodles?");
      await bob.say("Noodles");
      await bob.act("Soup or noodles?", "react");
      await bob.window.locator('[data-emoji="👍"]:visible').click();
      await bob.act("Soup or noodles?", "reply");
      await bob.say("With soup, even");
      await bob.act("Noodles", "remove");
      await bob.window.getByTestId("confirm-remove").click();
      await bob.window.getByTestId("removed-text").waitFor();
      await shot(bob, `${at}-thread`);
      await home(bob);
      await shot(bob, `${at}-list`);
      await bob.openGroup("Lunch");
      await home(alice);
      await alice.openGroup("Lunch");
      await alice.window.getByTestId("details").click();
      const dialog = alice.window.getByTestId("details-dialog");
      await dialog.getByTestId("rule-rename").waitFor();
      await shot(alice, `${at}-settings`);
      await dialog.getByTestId("minimum-version").scrollIntoViewIfNeeded();
      await shot(alice, `${at}-settings-version`);
      await dialog.getByTestId("minimum-version-save").click();
      await bob.window.getByTestId("paused").filter({ hasText: "needs version" }).waitFor();
      await shot(bob, `${at}-paused`);
      for (const person of [alice, bob]) await person.context.close();
    }
  }
} finally {
  await browser.close();
  await page.close();
  await old.close();
  await node.close();
}
