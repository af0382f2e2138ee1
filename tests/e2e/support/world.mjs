// What the suites share: one browser and one server for all of them, a node and people for each test.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach } from "node:test";
import { localNode, openBrowser, Person, servePage } from "./page.mjs";

let browser, page;

/** Opened by whoever needs it first, closed when all suites are done. */
export const sharedBrowser = () => (browser ??= openBrowser());

after(async () => {
  await (await browser)?.close();
  await (await page)?.close();
});

/** Call it within a `describe`. */
export function world() {
  const world = { browser: undefined, page: undefined, node: undefined, people: [] };

  before(async () => {
    world.browser = await sharedBrowser();
    world.page = await (page ??= servePage());
  });
  beforeEach(async () => {
    world.node = await localNode();
    world.people = [];
  });
  afterEach(async (test) => {
    for (const person of world.people) await person.context.close();
    await world.node.close();
    if (!test.passed && process.env.XMTP_E2E_VERBOSE) console.error(world.node.log.slice(-40).join("\n"));
    // Read last, so that a test's own failure is the one that is shown.
    assert.deepEqual(world.people.flatMap((person) => person.complaints), []);
  });

  world.join = async (name, options = {}) => {
    const person = await Person.join(world.browser, name, { page: world.page, node: world.node, ...options });
    world.people.push(person);
    return person;
  };
  /** Alice and Bob in one group, both looking at it. */
  world.twoInAGroup = async () => {
    const alice = await world.join("alice");
    const bob = await world.join("bob");
    await alice.createGroup("Lunch", [bob]);
    await bob.openGroup("Lunch");
    return { alice, bob };
  };
  return world;
}
