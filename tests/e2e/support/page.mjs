// People in browser windows: what a person does on the example page, and what they see there.
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { freePort, startDevnode } from "../../../scripts/devnode.mjs";

const dist = fileURLToPath(new URL("../../../www-example/dist/", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm", ".svg": "image/svg+xml" };

/** How long something may take to appear in a window, milliseconds. Debug-build crypto on a small machine is slow. */
export const PATIENCE = Number(process.env.XMTP_E2E_PATIENCE ?? 30_000);

/** The worker of an app that speaks an older version of the protocol: an option of the module that is for tests. */
function claiming(worker, version) {
  const option = /disableDeviceSync:(\w+)\.disableDeviceSync/;
  if (!option.test(worker)) throw new Error("the worker does not open a client as it did");
  return worker.replace(option, `$&,protocolVersion:${JSON.stringify(version)}`);
}

/** The worker of a later release, for which other tabs make way. */
function later(worker) {
  const schema = /\bschema:(\d+)/;
  if (!schema.test(worker)) throw new Error("the worker does not say its schema as it did");
  return worker.replace(schema, (_, number) => `schema:${Number(number) + 1}`);
}

/**
 * Serves the built page as any static host would; with a version, as one that has an older app; with `newerOnDemand`, from
 * `update` on as one that has a later release.
 */
export async function servePage(options) {
  let version = typeof options === "string" ? options : undefined;
  let isLater = false;
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, "http://page").pathname);
    const file = join(dist, path === "/" ? "index.html" : path);
    if (!file.startsWith(dist) || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
    const change = version !== undefined ? (text) => claiming(text, version) : isLater ? later : undefined;
    if (change !== undefined && /worker[^/]*\.js$/.test(file)) response.end(change(readFileSync(file, "utf8")));
    else createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://localhost:${server.address().port}`,
    /** From now on the newest app is served. */
    update: () => {
      version = undefined;
      isLater = options?.newerOnDemand === true;
    },
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    }),
  };
}

/** A node on its own port with its own database, that can be killed and started again. */
export async function localNode() {
  const folder = await mkdtemp(join(tmpdir(), "xmtp-web-e2e-"));
  const port = await freePort();
  const args = ["--grpc-port", "0", "--grpc-web-port", String(port), "--db", join(folder, "node.sqlite3"), "--faults"];
  const log = [];
  const onLog = (line) => log.push(line);
  let node = await startDevnode(args, { onLog });
  const faults = async (method, rules) => {
    const answer = await fetch(`http://localhost:${port}/faults`, { method, body: rules && JSON.stringify(rules) });
    if (!answer.ok) throw new Error(`the node refuses the fault: ${await answer.text()}`);
  };
  /** How many calls of this name have arrived. */
  const calls = async (method) => (await (await fetch(`http://localhost:${port}/faults`)).json()).calls[method] ?? 0;
  return {
    url: `http://localhost:${port}`,
    log,
    calls,
    /** Waits until so many calls of this name have arrived. */
    called: async (method, count) => {
      const until = Date.now() + PATIENCE;
      while ((await calls(method)) < count) {
        if (Date.now() > until) throw new Error(`the node has not got ${count} calls of ${method}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    /** Lets calls go wrong as `devnode/src/faults.rs` describes, until `heal`. */
    break: (rule) => faults("POST", { rules: [rule] }),
    heal: () => faults("DELETE"),
    kill: () => node.kill(),
    restart: async () => {
      node = await startDevnode(args, { onLog });
    },
    close: async () => {
      await node.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function openBrowser(options = {}) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    ...options,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
}

/** One person: a browser context (own storage) with one window. */
export class Person {
  #complaints = [];

  static async join(browser, name, { page, node, viewport = { width: 1280, height: 800 }, colorScheme = "light", beside }) {
    const person = new Person();
    person.name = name;
    // Beside somebody: another window of the same browser profile.
    person.context = beside?.context ?? (await browser.newContext({ viewport, colorScheme }));
    person.context.setDefaultTimeout(PATIENCE);
    person.address = `${page.url}/?user=${name}&node=${encodeURIComponent(node.url)}`;
    await person.#newWindow();
    await person.window.getByTestId("connect-throwaway").click();
    await person.window.getByTestId("chat").waitFor();
    return person;
  }

  async #newWindow() {
    this.window = await this.context.newPage();
    this.window.setDefaultTimeout(PATIENCE);
    this.window.on("pageerror", (error) => this.#complaints.push(`${this.name}: ${error.message}`));
    await this.window.goto(this.address);
  }

  /** Errors that nobody caught, in any window of this person so far. */
  get complaints() {
    return this.#complaints;
  }

  wallet() {
    return this.window.getByTestId("own-address").getAttribute("data-value");
  }

  inboxId() {
    return this.window.getByTestId("own-inbox-id").getAttribute("data-value");
  }

  async createGroup(name, people) {
    const wallets = await Promise.all(people.map((person) => person.wallet()));
    await this.window.getByTestId("new-conversation").click();
    const dialog = this.window.getByTestId("new-conversation-dialog");
    await dialog.getByTestId("kind-group").check();
    await dialog.getByTestId("group-name").fill(name);
    await dialog.getByTestId("group-people").fill(wallets.join("\n"));
    await dialog.getByTestId("start-conversation").click();
    await dialog.waitFor({ state: "detached" });
    await this.#title(name).waitFor();
  }

  /** With somebody, by whatever the page takes for a person; resolves to the conversation's title. */
  async startDm(who) {
    await this.window.getByTestId("new-conversation").click();
    const dialog = this.window.getByTestId("new-conversation-dialog");
    await dialog.getByTestId("dm-person").fill(who);
    await dialog.getByTestId("start-conversation").click();
    await dialog.waitFor({ state: "detached" });
    await this.window.locator('[data-testid="thread"][data-kind="dm"]').waitFor();
    return this.window.getByTestId("thread-title").textContent();
  }

  async openGroup(name) {
    await this.window.getByTestId("conversation").filter({ hasText: name }).click();
    await this.#title(name).waitFor();
  }

  async write(text) {
    await this.window.getByTestId("message-input").fill(text);
    await this.window.getByTestId("message-input").press("Enter");
  }

  /** Writes and waits until the node has it. */
  async say(text) {
    await this.write(text);
    await this.#message(text).and(this.window.locator('[data-status="sent"]')).waitFor();
  }

  /** Presses one of the buttons beside a message. */
  async act(text, button) {
    const message = this.#message(text).first();
    await message.hover();
    await message.getByTestId(button).click();
  }

  async sees(text) {
    await this.#message(text).first().waitFor();
  }

  async seesStatus(text, status) {
    await this.#message(text).and(this.window.locator(`[data-status="${status}"]`)).waitFor();
  }

  /** Every message on screen, oldest first. */
  async messages() {
    return this.window.getByTestId("message-text").allTextContents();
  }

  async reload() {
    await this.window.reload();
    await this.window.getByTestId("chat").waitFor();
  }

  /** Ends the window's process at once, as a crash would: nothing in the page gets a chance to finish. */
  async crash() {
    const gone = this.window.waitForEvent("crash").catch(() => undefined);
    const session = await this.context.newCDPSession(this.window);
    session.send("Page.crash").catch(() => undefined);
    await gone;
    await this.window.close().catch(() => undefined);
  }

  async reopen() {
    await this.#newWindow();
    await this.window.getByTestId("chat").waitFor();
  }

  #title(name) {
    return this.window.getByTestId("thread-title").filter({ hasText: name });
  }

  #message(text) {
    return this.window.getByTestId("message").filter({ has: this.window.getByText(text, { exact: true }) });
  }
}
