// A newcomer's way: docs/guides/quick-start.md, command by command and word by word, up to two windows that chat. What is typed and
// pasted is read from the guide itself; ports alone are others, so that a node that runs already is left alone.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";
import { freePort } from "../scripts/devnode.mjs";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const PATIENCE = Number(process.env.XMTP_E2E_PATIENCE ?? 120_000);

/** The blocks of the guide, in order. */
function blocksOf(text) {
  return [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language, content]) => ({ language, content }));
}

describe("a newcomer", { timeout: 600_000 }, () => {
  let scratch, browser;
  const running = [];
  const timed = [];

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), "xmtp-web-walk-"));
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  });
  after(async () => {
    await browser?.close();
    // npx and npm start processes of their own.
    for (const child of running) if (child.exitCode === null) process.kill(-child.pid, "SIGTERM");
    if (scratch) await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
  });

  async function step(name, work) {
    const began = performance.now();
    const result = await work();
    timed.push(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${name}`);
    return result;
  }

  /** Starts a command that stays, and resolves to what it said once that matches. */
  function keepRunning(command, cwd, word) {
    const child = spawn(command, { cwd, shell: true, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    running.push(child);
    return new Promise((found, fail) => {
      let said = "";
      const read = (text) => {
        said += text;
        const match = word.exec(said);
        if (match) found(match);
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      child.once("exit", (code) => fail(new Error(`"${command}" ended with ${code}: ${said}`)));
    });
  }

  it("who follows the quick start chats in two windows", async (test) => {
    const guide = await readFile(join(root, "docs/guides/quick-start.md"), "utf8");
    const blocks = blocksOf(guide);
    const commands = blocks.filter(({ language }) => language === "bash").map(({ content }) => content.trim().split("\n"));
    const samples = blocks.filter(({ language }) => language === "ts");
    assert.deepEqual(commands.map((lines) => lines.length), [2, 5, 1, 1], "the guide has other steps: walk them here, too");
    assert.equal(samples.length, 1);
    const [[build, pack], [create, enter, ...install], [devnode], [dev]] = commands;
    assert.equal(build, "npm run build", "which has been done");

    const env = { ...process.env, npm_config_yes: "true", npm_config_audit: "false", npm_config_fund: "false" };
    const type = (command, cwd) => run("bash", ["-c", command], { cwd, env, maxBuffer: 1 << 24 });
    // What the guide puts beside the checkout is put beside the app.
    await step(pack, () => type(pack.replace("..", JSON.stringify(scratch)), root));
    await step(create, () => type(create, scratch));
    const app = resolve(scratch, /^cd (\w+)$/.exec(enter)[1]);
    for (const command of install) await step(command, () => type(command, app));

    const node = await step(devnode, () => keepRunning(`${devnode} --grpc-port 0 --grpc-web-port 0`, app, /grpc-web=(\S+)/));
    const options = '{ env: "local" }';
    const main = samples[0].content;
    assert.ok(main.includes(options));
    await writeFile(join(app, "src/main.ts"), main.replace(options, `{ env: "local", apiUrl: "${node[1]}" }`));
    const port = await freePort();
    await step(dev, () => keepRunning(`${dev} -- --port ${port} --strictPort`, app, /Local:/));

    // One browser and one profile, as a newcomer has it.
    const profile = await browser.newContext();
    profile.setDefaultTimeout(PATIENCE);
    const complaints = [];
    const open = async (user) => {
      const window = await profile.newPage();
      window.on("pageerror", (error) => complaints.push(`${user}: ${error}`));
      window.on("dialog", (dialog) => (complaints.push(`${user}: ${dialog.message()}`), dialog.accept()));
      await window.goto(`http://localhost:${port}/?user=${user}`);
      await window.locator("#address").waitFor().catch((error) => assert.fail(`${error}; ${complaints.join("; ")}`));
      return window;
    };
    const alice = await step("the first window says who it is", () => open("alice"));
    const bob = await step("so does the second", () => open("bob"));
    const to = async (window, address) => {
      await window.locator("[name=peer]").fill(address);
      await window.getByRole("button", { name: "Chat" }).click();
    };
    const write = async (window, text) => {
      await window.locator("[name=text]").fill(text);
      await window.getByRole("button", { name: "Send" }).click();
    };
    const sees = (window, line) => window.getByRole("listitem").filter({ hasText: line }).waitFor().catch((error) => assert.fail(`${error}; ${complaints.join("; ")}`));
    const addressOf = (window) => window.locator("#address").textContent();
    await step("a message arrives", async () => {
      await to(alice, await addressOf(bob));
      await alice.waitForFunction(() => localStorage.getItem("peer:alice") !== null);
      await write(alice, "Soup or noodles?");
      await Promise.all([sees(alice, "you: Soup or noodles?"), sees(bob, "them: Soup or noodles?")]);
    });
    await step("so does the answer", async () => {
      await to(bob, await addressOf(alice));
      await bob.waitForFunction(() => localStorage.getItem("peer:bob") !== null);
      await write(bob, "Noodles");
      await Promise.all([sees(bob, "you: Noodles"), sees(alice, "them: Noodles")]);
    });
    await step("a reload shows both", async () => {
      await alice.reload();
      await Promise.all([sees(alice, "you: Soup or noodles?"), sees(alice, "them: Noodles")]);
    });
    assert.equal(await alice.getByRole("listitem").count(), 2, "each once");
    assert.deepEqual(complaints, []);
    await step("npm run build, to publish it", () => type("npm run build", app));
    for (const line of timed) test.diagnostic(line);
  });
});
