// A person whose client is ours: the built package in a plain page of headless Chromium.
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { Person } from "./person.mjs";

const pkg = fileURLToPath(new URL("../../../pkg", import.meta.url));
const support = fileURLToPath(new URL(".", import.meta.url)).replace(/[\\/]$/, "");
/** As in src/version.rs. */
const OWN_VERSION = "1.10.0";
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

/**
 * A static host: the package at the root, the page and what it shares with the peers' program under /interop. Under
 * /as/1.2.3 is the same again, of a package that says it is of this version.
 */
export async function servePackage() {
  if (!existsSync(join(pkg, "index.js"))) throw new Error("there is no built package in pkg/: run scripts/build");
  const server = createServer((request, response) => {
    const [, version, asked] = /^(?:\/as\/([^/]+))?(\/.*)$/.exec(normalize(new URL(request.url, "http://page").pathname));
    const path = asked;
    const [folder, rest] =
      path === "/" ? [support, "page/index.html"]
      : path.startsWith("/interop/") ? [support, path.slice("/interop/".length)]
      : [pkg, path.slice(1)];
    const file = join(folder, rest);
    if (!file.startsWith(folder + sep) || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream", "cache-control": "max-age=3600" });
    if (version && file.endsWith(".wasm")) return response.end(ofVersion(readFileSync(file), version));
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: server.address().port,
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    }),
  };
}

/** The module with another protocol version, of the same length, wherever it names its own. */
function ofVersion(module, version) {
  if (version.length !== OWN_VERSION.length) throw new Error(`a version must be as long as ${OWN_VERSION}`);
  let at = module.indexOf(OWN_VERSION);
  if (at < 0) throw new Error(`the module does not name the version ${OWN_VERSION}`);
  for (; at >= 0; at = module.indexOf(OWN_VERSION, at)) module.write(version, at);
  return module;
}

/** One profile on disk for all: what a browser keeps in memory, as it does in private windows, takes the way through its own process. */
export async function openBrowser() {
  const browser = await chromium.launchPersistentContext("", {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
  // Before there is any window: what is exposed to one that is open may come after its page.
  await browser.exposeBinding("signText", ({ page }, text) => devices.get(page).owner.wallet.sign(text));
  await browser.exposeBinding("heard", ({ page }, event) => devices.get(page).owner.takeEvent(event));
  return browser;
}

/** Whose window it is. */
const devices = new WeakMap();

/** An origin of its own, which people use one after another: with storage, connections and a window that is loaded. */
class Device {
  static #count = 0;
  owner;
  #browser;
  #host;
  #url;

  static async open(browser, port) {
    const device = new Device();
    device.#browser = browser;
    device.#host = `device-${++Device.#count}.localhost`;
    device.#url = `http://${device.#host}:${port}`;
    await device.load();
    return device;
  }

  /** Opens a window, of a package of another version if one is given. */
  async load(version) {
    this.version = version;
    this.window = await this.#browser.newPage();
    devices.set(this.window, this);
    if (process.env.XMTP_INTEROP_VERBOSE) this.window.on("console", (line) => console.log(`${this.owner?.name}: ${line.text()}`));
    this.window.on("pageerror", (error) => this.owner?.complaints.push(`${this.owner.name}: ${error.message}`));
    await this.window.goto(`${this.#url}${version ? `/as/${version}` : ""}/`);
    await this.window.waitForFunction(() => window.ready);
  }

  /**
   * An address of this machine under a name that no other device uses. A browser opens six connections to a host, for all its
   * windows together; two live ones each and three people who listen keep everybody else waiting.
   */
  wayTo(url) {
    const own = new URL(url);
    own.hostname = this.#host;
    return own.origin;
  }

  close() { return this.window.close(); }
}

export class OurPerson extends Person {
  side = "xmtp-web";
  /** Errors that nobody caught in the page. */
  complaints = [];
  #device;
  #nodeUrl;
  /** Devices that nobody uses, for the next one: loading one costs more than most stories. */
  #shelf;

  static async join(name, wallet, { browser, page, nodeUrl, shelf }) {
    const person = new OurPerson(name, wallet);
    person.#nodeUrl = nodeUrl;
    person.#shelf = shelf;
    person.#device = shelf.pop() ?? (await Device.open(browser, page.port));
    person.#device.owner = person;
    await person.#open(false);
    return person;
  }

  async #open(known) {
    this.opened(await this.ask("open", { address: this.address, nodeUrl: this.#device.wayTo(this.#nodeUrl), known }));
  }

  /** Opens a window, of a package of another version if one is given, and in it the database. */
  async comeBack(version) {
    await this.#device.load(version);
    await this.#open(true);
  }

  async ask(verb, ...args) {
    const work = this.#device.window.evaluate(([name, given]) => window.person(name, given), [verb, args]);
    const { value, error } = await this.within(verb, work);
    if (error) throw this.failure(verb, error);
    return value;
  }

  /** Closes the window. The database stays. */
  async goAway() {
    await this.ask("close");
    await this.#device.close();
  }

  /** Gives the device away: to the next person if all went well. */
  async close(well) {
    if (!well || this.#device.version) return this.#device.close();
    await this.ask("close");
    this.#device.owner = undefined;
    this.#shelf.push(this.#device);
  }

  requireVersion(group) { return this.ask("requireVersion", group); }
}
