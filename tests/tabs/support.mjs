// Tabs of one person: pages of one browser context, which share locks, channels and files.
import assert from "node:assert/strict";
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { randomBytes } from "node:crypto";
import { extname, join, normalize } from "node:path";
import { after, afterEach, before, beforeEach } from "node:test";
import { fileURLToPath } from "node:url";
import { localNode, openBrowser, PATIENCE } from "../e2e/support/page.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };

/** The browser that the tests run in: Chromium, or Firefox if XMTP_TABS_BROWSER says so. */
async function openTabsBrowser(options) {
  if (process.env.XMTP_TABS_BROWSER !== "firefox") return openBrowser(options);
  const { openFirefox } = await import("../firefox/browser.mjs");
  return openFirefox();
}

/** Which file an address stands for. */
function fileOf(path) {
  if (path === "/") return join(root, "tests/tabs/page/index.html");
  if (path.startsWith("/newer/")) return join(root, "pkg", path.slice("/newer".length));
  if (path.startsWith("/pkg/") || path.startsWith("/node_modules/@noble/")) return join(root, path);
  return join(root, "tests/tabs/page", path);
}

/**
 * A module that, asked for the key of the consent list, raises the number of the schema in its database, as the migration of a later
 * release does.
 */
function raising(module) {
  const query = "SELECT private_key FROM identity_key";
  const at = module.indexOf(query);
  if (at < 0) throw new Error("the module does not ask for that key as it did");
  module.write("PRAGMA user_version = 1000".padEnd(query.length), at);
  return module;
}

/** Serves the built package as it is, without a bundler, and once more as a later release. */
export async function serveTabs() {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, "http://page").pathname);
    const file = fileOf(path);
    if (!file.startsWith(root) || !existsSync(file) || !statSync(file).isFile()) return void response.writeHead(404).end();
    const type = TYPES[extname(file)] ?? "application/octet-stream";
    // For the page in a sandbox, to which every file is of another origin.
    response.writeHead(200, { "content-type": type, "access-control-allow-origin": "*" });
    if (path === "/newer/tabs/protocol.js") {
      const text = readFileSync(file, "utf8");
      const newer = text.replace(/schema: (\d+)/, (_, schema) => `schema: ${Number(schema) + 1}`);
      if (newer === text) throw new Error("the later release is the same one");
      return void response.end(newer);
    }
    if (path === "/newer/xmtp_web_bg.wasm") return void response.end(raising(readFileSync(file)));
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://localhost:${server.address().port}`,
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  };
}

/** A person with any number of tabs in one profile. */
export class Somebody {
  privateKey = randomBytes(32).toString("hex");
  tabs = [];
  complaints = [];

  constructor(context, { site, node, name }) {
    Object.assign(this, { context, site, node, name });
    context.setDefaultTimeout(PATIENCE);
  }

  /** A page that has opened nothing yet. */
  async blank(query = "", url = this.site.url) {
    return this.#tabOf(await this.#load(`${url}/${query}`));
  }

  /** The same in a frame in a sandbox. */
  async sandboxed(query = "") {
    const page = await this.#load(`${this.site.url}/sandboxed.html${query}`);
    const frame = await (await page.waitForSelector("iframe")).contentFrame();
    return this.#tabOf(frame);
  }

  async #load(url) {
    const page = await this.context.newPage();
    page.on("pageerror", (error) => this.complaints.push(`${this.name}: ${error.message}`));
    await page.goto(url);
    return page;
  }

  /** `page` may be a frame of one. */
  async #tabOf(page) {
    await page.waitForFunction(() => window.tab !== undefined);
    const call = (name, ...args) => page.evaluate(([name, args]) => window.tab[name](...args), [name, args]);
    const must = async (name, ...args) => {
      const outcome = await call(name, ...args);
      if ("code" in outcome) throw new Error(`${name}: ${outcome.code}: ${outcome.message}`);
      return outcome.ok;
    };
    const tab = { page, call, must, open: (options) => call("open", this.privateKey, this.node.url, options) };
    this.tabs.push(tab);
    return tab;
  }

  /** A tab with an open client and a stream of all messages. */
  async tab(options = {}) {
    const tab = await this.blank();
    tab.state = await tab.must("open", this.privateKey, this.node.url, options);
    await tab.must("watch");
    return tab;
  }

  /** Ends a tab as the person does, with the cross. */
  async shut(tab) {
    this.tabs = this.tabs.filter((other) => other !== tab);
    await tab.page.close();
  }

  /** Ends a tab's process. */
  async crash(tab) {
    this.tabs = this.tabs.filter((other) => other !== tab);
    if (tab.page.crash) return tab.page.crash();
    const gone = tab.page.waitForEvent("crash").catch(() => undefined);
    const session = await this.context.newCDPSession(tab.page);
    session.send("Page.crash").catch(() => undefined);
    await gone;
    await tab.page.close().catch(() => undefined);
  }
}

/** Waits until a tab has seen so many messages live, and answers them. */
export async function sees(tab, count) {
  await tab.page.waitForFunction((count) => window.tab.seen().length >= count, count).catch(async (error) => {
    const [seen, errors] = [await tab.call("seen"), await tab.call("streamErrors")];
    const [last, trouble] = [seen.slice(-20).join(", "), errors.join(", ") || "none"];
    throw new Error(`${error.message}\nseen ${seen.length} of ${count}, lastly ${last}; errors of streams: ${trouble}`);
  });
  return tab.call("seen");
}

/**
 * Browser, site, a fresh node for each test and the people in it, with what has to be tidied up; called in a `describe`.
 * At the end of each test nobody may have complained.
 */
export function stage(browserOptions) {
  const there = { browser: undefined, site: undefined, node: undefined };
  let people = [];
  before(async () => {
    there.browser = await openTabsBrowser(browserOptions);
    there.site = await serveTabs();
  });
  after(async () => {
    await there.browser?.close();
    await there.site?.close();
  });
  beforeEach(async () => {
    there.node = await localNode();
    people = [];
  });
  afterEach(async (test) => {
    for (const { context } of people) await context.close();
    await there.node.close();
    if (!test.passed && process.env.XMTP_E2E_VERBOSE) console.error(there.node.log.slice(-40).join("\n"));
    assert.deepEqual(people.flatMap(({ complaints }) => complaints), []);
  });
  const somebody = async (name) => {
    const person = new Somebody(await there.browser.newContext(), { site: there.site, node: there.node, name });
    people.push(person);
    return person;
  };
  /** Somebody else of the same browser profile. */
  const neighbour = ({ context }, name) => new Somebody(context, { site: there.site, node: there.node, name });
  return { there, somebody, neighbour };
}
