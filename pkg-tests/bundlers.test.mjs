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

/** A new app with the tarball and what else it needs, from one of the folders here. */
async function app(name, packages = [], source = "app") {
  const folder = join(scratch, name);
  await cp(join(root, "pkg-tests", source), folder, { recursive: true });
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: `app-${name}`, private: true, type: "module" }));
  await run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", tarball, ...packages], { cwd: folder });
  return folder;
}

/** Opens the app and gives what Bob heard. Whatever the page complains of is part of a failure's message. */
async function chat(url) {
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
    let timer;
    const heard = new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`nothing was heard in ${PATIENCE} ms; ${complaints.join("; ")}`)), PATIENCE);
      page.exposeFunction("heard", resolve).then(() => page.goto(`${url}?node=${encodeURIComponent(node.url)}`)).catch(reject);
    });
    return await heard.finally(() => clearTimeout(timer));
  } finally {
    await page.close();
  }
}

/** Waits for the word with which a server says that it listens. */
function listens(server, word) {
  return new Promise((resolve, reject) => {
    server.stdout.on("data", (text) => String(text).includes(word) && resolve());
    server.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
}

async function chatsFrom(folder) {
  const server = await serveFolder(folder);
  try {
    assert.deepEqual(await chat(`${server.url}/index.html`), { text: "Soup or noodles?", groups: ["Lunch"] });
  } finally {
    await server.close();
  }
}

/** The app's page beside what webpack has built, which is a script and no module. */
async function pageOfOneScript(folder) {
  const html = await readFile(join(folder, "index.html"), "utf8");
  await writeFile(join(folder, "dist", "index.html"), html.replace('type="module" src="./main.js"', 'defer src="./main.js"'));
}

describe("the packed tarball chats", () => {
  it("built by Vite", async () => {
    const folder = await app("vite", ["vite"]);
    await run("npx", ["vite", "build", "--logLevel", "warn"], { cwd: folder });
    await chatsFrom(join(folder, "dist"));
  });

  it("through the hooks of React, built by Vite", async () => {
    const folder = await app("react", ["vite", "react", "react-dom"], "react");
    await run("npx", ["vite", "build", "--logLevel", "warn"], { cwd: folder });
    await chatsFrom(join(folder, "dist"));
  });

  it("served by Vite's development server", async () => {
    const folder = await app("vite-dev", ["vite"]);
    const port = await freePort();
    const server = spawn(process.execPath, ["node_modules/vite/bin/vite.js", "--port", String(port), "--strictPort"], { cwd: folder });
    try {
      await listens(server, "Local:");
      assert.deepEqual(await chat(`http://localhost:${port}/`), { text: "Soup or noodles?", groups: ["Lunch"] });
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
    await run("npx", ["esbuild", "main.js", "worker=xmtp-web/worker", "--bundle", "--format=esm", "--outdir=dist"], { cwd: folder });
    await cp(join(folder, "node_modules/xmtp-web/xmtp_web_bg.wasm"), join(folder, "dist/xmtp_web_bg.wasm"));
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
      assert.deepEqual(await chat(`http://localhost:${port}/`), { text: "Soup or noodles?", groups: ["Lunch"] });
    } finally {
      server.kill();
    }
  });

  it("in users' unit tests: Vitest in a browser, on a network inside of the page", async () => {
    const folder = await app("vitest", ["vitest", "@vitest/browser-playwright", "playwright"], "unit");
    const { stdout } = await run("npx", ["vitest", "run", "--reporter=json"], { cwd: folder, env: { ...process.env, CI: "true" } });
    const report = JSON.parse(stdout.slice(stdout.indexOf("{")));
    assert.deepEqual([report.success, report.numPassedTests, report.numTotalTests], [true, 1, 1], stdout);
  });

  it("on a network inside of the page, built by Vite", async () => {
    const folder = await app("unit-vite", ["vite"], "unit");
    await run("npx", ["vite", "build", "--logLevel", "warn"], { cwd: folder });
    await chatsFrom(join(folder, "dist"));
  });

  it("on a network inside of the page, built by webpack", async () => {
    const folder = await app("unit-webpack", ["webpack", "webpack-cli"], "unit");
    await run("npx", ["webpack", "--mode", "production", "--entry", "./main.js"], { cwd: folder });
    await pageOfOneScript(folder);
    await chatsFrom(join(folder, "dist"));
  });

  it("as a plain script of a static server", async () => {
    const folder = await app("plain");
    const map = '<script type="importmap">{"imports":{"xmtp-web":"./node_modules/xmtp-web/index.js"}}</script>\n<script type="module"';
    const html = await readFile(join(folder, "index.html"), "utf8");
    await writeFile(join(folder, "index.html"), html.replace('<script type="module"', map));
    await chatsFrom(folder);
  });
});
