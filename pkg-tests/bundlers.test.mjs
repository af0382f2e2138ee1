// The packed tarball, installed into an app of each kind without any configuration file, chats in a browser.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";
import { freePort, startDevnode } from "../scripts/devnode.mjs";
import { serveFolder } from "./serve.mjs";
import { wallet } from "./wallet.mjs";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
/** Of what the apps are built with, so that a failure is ours. */
const versions = JSON.parse(await readFile(join(root, "pkg-tests/versions.json"), "utf8"));
const PATIENCE = Number(process.env.XMTP_E2E_PATIENCE ?? 120_000);

let node, browser, tarball, scratch;

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "xmtp-web-apps-"));
  const packed = await run("npm", ["pack", join(root, "pkg"), "--json", "--pack-destination", scratch], { maxBuffer: 1 << 24 });
  tarball = join(scratch, JSON.parse(packed.stdout)[0].filename);
  node = await startDevnode(["--memory", "--grpc-port", "0", "--grpc-web-port", "0"]);
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  await node?.stop();
  if (scratch) await rm(scratch, { recursive: true, force: true });
});

/** A package as npm is asked for it: of the version that is noted here, unless it has one. */
function pinned(name) {
  if (name.lastIndexOf("@") > 0) return name;
  assert.ok(name in versions, `pkg-tests/versions.json has no version of ${name}`);
  return `${name}@${versions[name]}`;
}

/** A new app with the tarball and what else it needs, from one of the folders here. */
async function app(name, packages = [], source = "app") {
  const folder = join(scratch, name);
  await cp(join(root, "pkg-tests", source), folder, { recursive: true });
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: `app-${name}`, private: true, type: "module" }));
  await run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", tarball, ...packages.map(pinned)], { cwd: folder });
  return folder;
}

/** Opens the app, and as often again as is said; gives what was heard each time. Whatever the page complains of is part of a failure's message. */
async function visit(url, visits) {
  const page = await browser.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("requestfailed", (request) => complaints.push(`${request.url()} failed`));
  page.on("response", (response) => response.status() >= 400 && complaints.push(`${response.url()}: ${response.status()}`));
  try {
    const people = { alice: wallet(), bob: wallet() };
    await page.exposeFunction("addressOf", (name) => people[name].address);
    await page.exposeFunction("signFor", (name, text) => people[name].sign(text));
    let hear;
    await page.exposeFunction("heard", (word) => hear(word));
    const words = [];
    while (words.length < visits) {
      let timer;
      const heard = new Promise((resolve, reject) => {
        hear = resolve;
        timer = setTimeout(() => reject(new Error(`nothing was heard in ${PATIENCE} ms; ${complaints.join("; ")}`)), PATIENCE);
        const go = words.length === 0 ? page.goto(`${url}?node=${encodeURIComponent(node.url)}`) : page.reload();
        go.catch(reject);
      });
      words.push(await heard.finally(() => clearTimeout(timer)));
    }
    return words;
  } finally {
    await page.close();
  }
}

const guide = (name) => readFile(join(root, `docs/guides/${name}.md`), "utf8");

/** The lines of the first block of commands of a guide that calls a tool, which is one of the app's own. */
function commandsFor(tool, text) {
  const block = [...text.matchAll(/^```bash\n([^]*?)^```$/gm)].map(([, lines]) => lines.trim().split("\n")).find(([line]) => line.startsWith(`npx ${tool} `));
  assert.ok(block, `no commands for ${tool}`);
  return block;
}

/** Waits for the word with which a server says that it listens. */
function listens(server, word) {
  return new Promise((resolve, reject) => {
    server.stdout.on("data", (text) => String(text).includes(word) && resolve());
    server.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
}

const SAID = { text: "Soup or noodles?", groups: ["Lunch"] };

/** Two people chat at an address; after a reload one of them finds it in the database of the browser. */
async function chatsAt(url) {
  assert.deepEqual(await visit(url, 2), [{ ...SAID, kind: "opfs" }, { ...SAID, isSame: true }]);
}

async function served(folder, use) {
  const server = await serveFolder(folder);
  try {
    await use(`${server.url}/index.html`);
  } finally {
    await server.close();
  }
}

const chatsFrom = (folder) => served(folder, chatsAt);
/** The same of an app that keeps nothing. */
const chatsInMemoryFrom = (folder) => served(folder, async (url) => assert.deepEqual(await visit(url, 1), [SAID]));

/** The app's page beside what webpack has built, which is a script and no module. */
async function pageOfOneScript(folder) {
  const html = await readFile(join(folder, "index.html"), "utf8");
  await writeFile(join(folder, "dist", "index.html"), html.replace('type="module" src="./main.js"', 'defer src="./main.js"'));
}

/** The oldest that `peerDependencies` of the package take. */
const REACT_18 = "18.3.1";

describe("the hooks", () => {
  it("do with React 18 what they do with the newest", async () => {
    const folder = join(scratch, "hooks");
    await mkdir(folder);
    await writeFile(join(folder, "package.json"), JSON.stringify({ name: "hooks", private: true, type: "module" }));
    const packages = [`react@${REACT_18}`, `react-dom@${REACT_18}`, pinned("happy-dom")];
    await run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", ...packages], { cwd: folder });
    await cp(join(root, "pkg"), join(folder, "pkg"), { recursive: true });
    await cp(join(root, "tests/package"), join(folder, "tests/package"), { recursive: true });
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout } = await run(process.execPath, ["--test", "--test-reporter=tap", "tests/package/react.test.mjs"], { cwd: folder, env, maxBuffer: 1 << 24 }).catch(
      (error) => assert.fail(error.stdout),
    );
    assert.match(stdout, /^# fail 0$/m);
    assert.ok(Number(/^# pass (\d+)$/m.exec(stdout)?.[1]) > 20, stdout);
  });
});

describe("the packed tarball chats", () => {
  it("built by Vite", async () => {
    const folder = await app("vite", ["vite"]);
    await run("npx", ["vite", "build", "--logLevel", "warn"], { cwd: folder });
    await chatsFrom(join(folder, "dist"));
  });

  it("through the hooks of React, built by Vite", async () => {
    const folder = await app("react", ["vite", "react", "react-dom"], "react");
    await run("npx", ["vite", "build", "--logLevel", "warn"], { cwd: folder });
    await chatsInMemoryFrom(join(folder, "dist"));
  });

  it("through the hooks of React 18, built by Vite", async () => {
    const folder = await app("react-18", ["vite", `react@${REACT_18}`, `react-dom@${REACT_18}`], "react");
    await run("npx", ["vite", "build", "--logLevel", "warn"], { cwd: folder });
    await chatsInMemoryFrom(join(folder, "dist"));
  });

  it("served by Vite's development server", async () => {
    const folder = await app("vite-dev", ["vite"]);
    const port = await freePort();
    const server = spawn(process.execPath, ["node_modules/vite/bin/vite.js", "--port", String(port), "--strictPort"], { cwd: folder });
    try {
      await listens(server, "Local:");
      await chatsAt(`http://localhost:${port}/`);
    } finally {
      server.kill();
    }
  });

  it("built by webpack", async () => {
    const folder = await app("webpack", ["webpack", "webpack-cli"]);
    await run("npx", ["webpack", "--mode", "production", "--entry", "./main.js"], { cwd: folder });
    await pageOfOneScript(folder);
    await chatsFrom(join(folder, "dist"));
  });

  it("built by esbuild, with the worker as a second entry and the wasm copied beside it", async () => {
    const folder = await app("esbuild", ["esbuild"]);
    for (const command of commandsFor("esbuild", await guide("deploying"))) await run("bash", ["-c", command], { cwd: folder });
    await cp(join(folder, "index.html"), join(folder, "dist/index.html"));
    await chatsFrom(join(folder, "dist"));
  });

  it("built and rendered by Next.js", async () => {
    const folder = await app("next", ["next", "react", "react-dom"]);
    await mkdir(join(folder, "app"));
    await writeFile(join(folder, "app/layout.jsx"), "export default ({ children }) => <html><body>{children}</body></html>;\n");
    // A component of the server, which has the entry with the hooks from the browser.
    const page = 'import { XmtpProvider } from "xmtp-web/react";\nimport Chat from "./chat";\n' +
      "export default () => <XmtpProvider><Chat /></XmtpProvider>;\n";
    await writeFile(join(folder, "app/page.jsx"), page);
    // Imported by the component itself, so that the server imports it too; used in an effect.
    const component = '"use client";\nimport { useEffect } from "react";\nimport { XmtpError } from "xmtp-web";\nimport { useClient } from "xmtp-web/react";\n' +
      'export default function Chat() {\n  const { status } = useClient();\n  useEffect(() => void import("../main.js"), []);\n  return <p>{XmtpError.name} {status}</p>;\n}\n';
    await writeFile(join(folder, "app/chat.jsx"), component);
    const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" };
    await run("npx", ["next", "build"], { cwd: folder, env });
    const port = await freePort();
    const server = spawn(process.execPath, ["node_modules/next/dist/bin/next", "start", "--port", String(port)], { cwd: folder, env });
    try {
      await listens(server, "Ready");
      await chatsAt(`http://localhost:${port}/`);
    } finally {
      server.kill();
    }
  });

  it("in users' unit tests: Vitest in a browser, on a network inside of the page", async () => {
    const folder = await app("vitest", ["vitest", "@vitest/browser-playwright", "playwright"], "unit");
    const [config] = /(?<=^```js\n)[^]*?(?=^```$)/m.exec(await guide("testing"));
    // The browser that is here, in place of the one that `npx playwright install` would fetch.
    const launchOptions = JSON.stringify({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
    assert.equal(config.split("playwright()").length, 2, "the guide's configuration is another");
    await writeFile(join(folder, "vitest.config.js"), config.replace("playwright()", `playwright({ launchOptions: ${launchOptions} })`));
    await run("npx", ["vitest", "run", "--reporter=json", "--outputFile=report.json"], { cwd: folder, env: { ...process.env, CI: "true" } });
    const { success, numPassedTests, numTotalTests } = JSON.parse(await readFile(join(folder, "report.json"), "utf8"));
    assert.deepEqual([success, numPassedTests, numTotalTests], [true, 1, 1]);
  });

  it("on a network inside of the page, built by esbuild, with both workers as entries and both modules copied", async () => {
    const folder = await app("unit-esbuild", ["esbuild"], "unit");
    for (const command of commandsFor("esbuild", await guide("testing"))) await run("bash", ["-c", command], { cwd: folder });
    await cp(join(folder, "index.html"), join(folder, "dist/index.html"));
    await chatsInMemoryFrom(join(folder, "dist"));
  });

  it("on a network inside of the page, built by Vite", async () => {
    const folder = await app("unit-vite", ["vite"], "unit");
    await run("npx", ["vite", "build", "--logLevel", "warn"], { cwd: folder });
    await chatsInMemoryFrom(join(folder, "dist"));
  });

  it("on a network inside of the page, built by webpack", async () => {
    const folder = await app("unit-webpack", ["webpack", "webpack-cli"], "unit");
    await run("npx", ["webpack", "--mode", "production", "--entry", "./main.js"], { cwd: folder });
    await pageOfOneScript(folder);
    await chatsInMemoryFrom(join(folder, "dist"));
  });

  it("as a plain script of a static server", async () => {
    const folder = await app("plain");
    const map = '<script type="importmap">{"imports":{"xmtp-web":"./node_modules/xmtp-web/index.js"}}</script>\n<script type="module"';
    const html = await readFile(join(folder, "index.html"), "utf8");
    await writeFile(join(folder, "index.html"), html.replace('<script type="module"', map));
    await chatsFrom(folder);
  });
});
