// Pictures of the example page for people to look at: every state, light and dark, wide and narrow. Not a test.
// scripts/test-e2e builds what this needs; then: CHROMIUM=… node tests/e2e/looks.mjs <folder> [light-1280 …]
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { localNode, openBrowser, Person, servePage } from "./support/page.mjs";
import { picture } from "./support/picture.mjs";

const [folder = "looks", ...only] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const browser = await openBrowser();
const page = await servePage();
const old = await servePage("1.9.0");

async function look(colorScheme, width) {
  const node = await localNode();
  const at = `${colorScheme}-${width}`;
  const people = [];
  const of = async (name, more = {}) => {
    const person = await Person.join(browser, name, { page, node, viewport: { width, height: 800 }, colorScheme, ...more });
    people.push(person);
    return person;
  };
  const shot = (person, name) => person.window.screenshot({ path: join(folder, `${at}-${name}.png`) });
  const home = async (person) => {
    if (width < 700 && (await person.window.getByTestId("back").isVisible())) await person.window.getByTestId("back").click();
  };
  try {
    const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme });
    const stranger = { window: await context.newPage() };
    await stranger.window.goto(`${page.url}/?node=${encodeURIComponent("http://localhost:1")}`);
    await stranger.window.getByTestId("connect-throwaway").waitFor();
    await shot(stranger, "01-welcome");
    await stranger.window.getByTestId("connect-throwaway").click();
    await stranger.window.getByTestId("connect-error").waitFor();
    await shot(stranger, "02-no-node");
    await context.close();

    const alice = await of("alice");
    await alice.window.getByTestId("no-conversations").waitFor();
    await shot(alice, "03-empty");
    const bob = await of("bob", { page: old });
    const carol = await of("carol");
    await alice.createGroup("Lunch", [bob, carol]);
    await shot(alice, "04-nothing-said");
    await alice.say("Soup or noodles?");
    await home(alice);
    await alice.createGroup("Weekend trip", [bob]);
    await alice.say("Who has a tent?");
    await alice.say("And a stove");
    await home(alice);
    await alice.createGroup("Lottery", [bob]);
    await alice.say("You have won!");
    await home(alice);
    await alice.window.getByTestId("new-conversation").click();
    await shot(alice, "05-new-direct-message");
    await alice.window.getByTestId("kind-group").check();
    await alice.window.getByTestId("group-people").fill("0x123");
    await alice.window.getByTestId("start-conversation").click();
    await alice.window.getByTestId("dialog-error").filter({ hasText: "Not an address" }).waitFor();
    await shot(alice, "05-new-group");
    await alice.window.keyboard.press("Escape");

    const alices = await alice.wallet();
    await alice.startDm(await bob.wallet());
    await shot(alice, "23-direct-message-begun");
    await alice.say("Just us two: are you free on Friday?");
    const titled = `${alices.slice(0, 6)}…${alices.slice(-4)}`;
    await bob.window.getByTestId("conversation").filter({ hasText: "Just us two" }).click();
    await bob.sees("Just us two: are you free on Friday?");
    await shot(bob, "24-direct-message-request");
    await bob.window.getByTestId("allow").click();
    await bob.say("After six, yes");
    await shot(bob, "25-direct-message");
    await bob.window.getByTestId("details").click();
    await bob.window.getByTestId("person-dialog").filter({ hasText: titled }).waitFor();
    await shot(bob, "26-person");
    await bob.window.keyboard.press("Escape");
    await home(bob);
    await home(alice);

    await bob.openGroup("Lottery");
    await bob.sees("You have won!");
    await shot(bob, "06-request");
    await bob.window.getByTestId("deny").click();
    await bob.window.locator('[data-consent="denied"]').first().waitFor({ state: "attached" });
    await shot(bob, "07-denied");
    await home(bob);
    await bob.openGroup("Lunch");
    await bob.sees("Soup or noodles?");
    await bob.say("Noodles");
    await bob.act("Soup or noodles?", "react");
    await bob.window.locator('[data-emoji="👍"]:visible').click();
    await bob.act("Soup or noodles?", "reply");
    await bob.say("With soup, even. The place around the corner has both, and they let us sit outside until three.");
    await bob.act("Noodles", "remove");
    await bob.window.getByTestId("remove-dialog").waitFor();
    await shot(bob, "08-confirm");
    await bob.window.getByTestId("confirm-remove").click();
    await bob.window.getByTestId("removed-text").waitFor();
    await bob.window.getByTestId("file-input").setInputFiles({ name: "menu.png", mimeType: "image/png", buffer: picture(320, 200) });
    await bob.window.getByTestId("attached").waitFor();
    await shot(bob, "09-attached");
    await bob.window.getByTestId("send").click();
    await bob.window.getByTestId("picture").waitFor();
    await bob.window.getByTestId("file-input").setInputFiles({ name: "prices of the whole year, by month.csv", mimeType: "text/csv", buffer: Buffer.from("a,b\n".repeat(900)) });
    await bob.window.getByTestId("send").click();
    await bob.window.getByTestId("file").waitFor();
    await bob.window.locator('[data-status="sending"]').first().waitFor({ state: "detached" });
    await shot(bob, "10-thread");
    await bob.act("Soup or noodles?", "react");
    await shot(bob, "11-picker");
    await bob.window.keyboard.press("Escape");
    await bob.window.getByTestId("message-input").fill("I could also bring");
    await home(bob);
    if (width >= 700) await bob.openGroup("Lottery");
    await shot(bob, "12-list");
    await bob.window.getByTestId("search").fill("soup");
    await bob.window.getByTestId("search-status").filter({ hasText: "found" }).waitFor();
    await shot(bob, "13-search");
    await bob.window.getByTestId("found-message").last().click();
    await bob.sees("Soup or noodles?");
    await shot(bob, "14-found");
    await home(bob);
    await bob.window.getByTestId("search").fill("");
    await bob.openGroup("Lunch");

    await home(alice);
    await alice.openGroup("Lunch");
    await alice.window.getByTestId("details").click();
    const dialog = alice.window.getByTestId("details-dialog");
    await dialog.getByTestId("rule-rename").waitFor();
    await shot(alice, "15-details");
    await dialog.getByTestId("member-menu").last().click();
    await shot(alice, "16-member-menu");
    await alice.window.keyboard.press("Escape");
    await dialog.getByTestId("disappearing").selectOption({ label: "After 1 week" });
    await dialog.locator("[aria-busy]").waitFor({ state: "detached" });
    await dialog.getByTestId("rule-add").scrollIntoViewIfNeeded();
    await shot(alice, "17-rules");
    await dialog.getByTestId("leave").scrollIntoViewIfNeeded();
    await shot(alice, "18-leave");
    await dialog.getByTestId("minimum-version-save").click();
    await bob.window.getByTestId("paused").filter({ hasText: "needs version" }).waitFor();
    await shot(bob, "19-paused");
    await dialog.getByRole("button", { name: "Close" }).click();

    await node.break({ method: "SendGroupMessages", fault: { kind: "error", code: 3, message: "no" } });
    await alice.write("Is anybody there?");
    for (let n = 0; n < 2; n += 1) await alice.window.getByTestId("retry").click();
    await alice.window.getByTestId("discard").waitFor();
    await shot(alice, "20-failed");
    await node.heal();
    await node.kill();
    await alice.window.getByTestId("connection").filter({ hasText: "No connection" }).waitFor();
    await alice.write("Hello?");
    await alice.seesStatus("Hello?", "waiting");
    await shot(alice, "21-offline");
    await node.restart();
    await alice.seesStatus("Hello?", "sent");
    await node.break({ method: "QueryGroupMessages", fault: { kind: "delay", ms: 600 } });
    await carol.window.reload();
    await carol.window.getByTestId("progress").waitFor().catch(() => undefined);
    await shot(carol, "22-fetching");
  } finally {
    for (const person of people) await person.context.close();
    await node.close();
  }
}

try {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      if (only.length === 0 || only.includes(`${colorScheme}-${width}`)) await look(colorScheme, width);
    }
  }
} finally {
  await browser.close();
  await page.close();
  await old.close();
}
