// Two people on the example page in Firefox.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { localNode, PATIENCE, servePage } from "../e2e/support/page.mjs";
import { openFirefox } from "./browser.mjs";

const at = (id) => `[data-testid="${id}"]`;

/** One person: a profile with one window. */
class Person {
  complaints = [];

  static async join(browser, name, { site, node }) {
    const person = new Person();
    person.context = await browser.newContext();
    person.context.setDefaultTimeout(PATIENCE);
    person.window = await person.context.newPage();
    person.window.on("pageerror", (error) => person.complaints.push(`${name}: ${error.message}`));
    person.page = person.window.raw;
    await person.window.goto(`${site.url}/?user=${name}&node=${encodeURIComponent(node.url)}`);
    await person.press("connect-throwaway");
    await person.is("chat");
    return person;
  }

  /** Puppeteer's own waiting asks for frames, of which a window without the focus has few. */
  async press(id) {
    await this.window.waitForFunction((chosen) => document.querySelector(chosen)?.disabled === false, at(id));
    await this.page.$eval(at(id), (element) => element.click());
  }

  async write(id, text) {
    await this.page.bringToFront();
    await this.window.waitForFunction((chosen) => document.querySelector(chosen) !== null, at(id));
    await this.page.$eval(
      at(id),
      (field, text) => {
        field.value = text;
        field.dispatchEvent(new Event("input", { bubbles: true }));
      },
      text,
    );
  }

  is(id) {
    return this.window.waitForFunction((chosen) => document.querySelector(chosen) !== null, at(id));
  }

  wallet() {
    return this.page.$eval(at("own-address"), (element) => element.dataset.value);
  }

  async createGroup(name, people) {
    await this.press("new-conversation");
    await this.press("kind-group");
    await this.write("group-name", name);
    await this.write("group-people", (await Promise.all(people.map((person) => person.wallet()))).join("\n"));
    await this.press("start-conversation");
    await this.isIn(name);
  }

  async openGroup(name) {
    await this.page.bringToFront();
    const find = (name) => [...document.querySelectorAll('[data-testid="conversation"]')].find((each) => each.textContent.includes(name));
    const conversation = await this.page.waitForFunction(find, { polling: 100 }, name);
    await conversation.click();
    await this.isIn(name);
  }

  isIn(name) {
    return this.window.waitForFunction((name) => document.querySelector('[data-testid="thread-title"]')?.textContent.includes(name), name);
  }

  /** Writes and waits until the node has it. */
  async say(text) {
    await this.write("message-input", text);
    await this.page.focus(at("message-input"));
    await this.page.keyboard.press("Enter");
    await this.sees(text, "sent");
  }

  /** Waits until a message is on screen, and has this status if one is named. */
  sees(text, status) {
    const shown = ([text, status]) =>
      [...document.querySelectorAll('[data-testid="message"]')].some(
        (message) =>
          message.querySelector('[data-testid="message-text"]')?.textContent === text &&
          (status === undefined || message.dataset.status === status),
      );
    return this.window.waitForFunction(shown, [text, status]);
  }

  /** Every message on screen, oldest first. */
  messages() {
    return this.page.$$eval(at("message-text"), (all) => all.map((element) => element.textContent));
  }

  async reload() {
    await this.page.reload();
    await this.is("chat");
  }
}

describe("two people in Firefox", () => {
  let browser, site, node;
  const people = [];

  before(async () => {
    browser = await openFirefox();
    site = await servePage();
    node = await localNode();
  });
  after(async () => {
    await browser?.close();
    await site?.close();
    await node?.close();
  });
  afterEach(async (test) => {
    if (!test.passed && process.env.XMTP_E2E_VERBOSE) console.error(node.log.slice(-40).join("\n"));
    for (const { context } of people) await context.close();
    assert.deepEqual(people.flatMap(({ complaints }) => complaints), []);
  });

  it("both register, create a group, talk both ways live, reload one, talk again", async () => {
    for (const name of ["alice", "bob"]) people.push(await Person.join(browser, name, { site, node }));
    const [alice, bob] = people;
    await alice.createGroup("Lunch", [bob]);
    await bob.openGroup("Lunch");
    await alice.say("Soup or noodles?");
    await bob.sees("Soup or noodles?");
    await bob.say("Noodles");
    await alice.sees("Noodles");

    const wallet = await bob.wallet();
    await bob.reload();
    assert.equal(await bob.wallet(), wallet, "the account survives a reload");
    await bob.sees("Noodles");
    assert.deepEqual(await bob.messages(), ["Soup or noodles?", "Noodles"]);

    await alice.say("At twelve?");
    await bob.sees("At twelve?");
    await bob.say("Yes");
    await alice.sees("Yes");
    const all = ["Soup or noodles?", "Noodles", "At twelve?", "Yes"];
    assert.deepEqual(await alice.messages(), all);
    assert.deepEqual(await bob.messages(), all);
  });
});
