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
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
    if (version && file.endsWith(".wasm")) return response.end(ofVersion(readFileSync(file), version));
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://localhost:${server.address().port}`,
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

export function openBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
}

export class OurPerson extends Person {
  side = "xmtp-web";
  /** Errors that nobody caught in the page. */
  complaints = [];
  #context;
  #window;
  #host;
  #known = false;

  static async join(name, wallet, { browser, page, nodeUrl }) {
    const person = new OurPerson(name, wallet);
    person.#host = { page, nodeUrl };
    // A context has its own storage: a device of its own.
    person.#context = await browser.newContext();
    await person.#context.exposeFunction("signText", (text) => wallet.sign(text));
    await person.#context.exposeFunction("heard", (event) => person.takeEvent(event));
    await person.comeBack();
    return person;
  }

  /** Opens a window, of a package of another version if one is given, and in it the database, which is made if it is not there. */
  async comeBack(version) {
    this.#window = await this.#context.newPage();
    if (process.env.XMTP_INTEROP_VERBOSE) this.#window.on("console", (line) => console.log(`${this.name}: ${line.text()}`));
    this.#window.on("pageerror", (error) => this.complaints.push(`${this.name}: ${error.message}`));
    await this.#window.goto(`${this.#host.page.url}${version ? `/as/${version}` : ""}/`);
    await this.#window.waitForFunction(() => window.ready);
    this.opened(await this.ask("open", { address: this.address, nodeUrl: this.#host.nodeUrl, known: this.#known }));
    this.#known = true;
  }

  async ask(verb, ...args) {
    const work = this.#window.evaluate(([name, given]) => window.person(name, given), [verb, args]);
    const { value, error } = await this.within(verb, work);
    if (error) throw this.failure(verb, error);
    return value;
  }

  /** Closes the window. The database stays. */
  async goAway() {
    await this.ask("close");
    await this.#window.close();
  }

  async close() {
    await this.#context.close();
  }

  requireVersion(group) { return this.ask("requireVersion", group); }
  encoded(group) { return this.ask("encoded", group); }
}
