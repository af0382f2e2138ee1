// Firefox, driven over WebDriver BiDi by Puppeteer, with the names and arguments of Playwright: as much as the tests use.
import { readdirSync, readFileSync } from "node:fs";
import puppeteer from "puppeteer-core";

/** Each window has a process of its own, started for it: so one can be ended without another. */
const PREFERENCES = {
  "dom.ipc.processPrelaunch.enabled": false,
  "dom.ipc.processCount.webIsolated": 50,
  "dom.ipc.keepProcessesAlive.webIsolated.max": 0,
  "dom.ipc.keepProcessesAlive.webIsolated.perOriginMax": 0,
};

/** How often a condition is looked at, milliseconds: a window out of sight has no frames. */
const POLLING_MS = 100;

export async function openFirefox() {
  // Puppeteer makes a profile in a temporary folder and deletes it afterwards.
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: process.env.FIREFOX ?? "firefox-esr",
    headless: true,
    extraPrefsFirefox: PREFERENCES,
  });
  const main = browser.process().pid;
  return {
    /** A container: its windows share locks, channels and files, and nothing with those of another. */
    newContext: async () => contextOf(await browser.createBrowserContext(), main),
    close: () => browser.close(),
  };
}

function contextOf(context, main) {
  let timeout;
  return {
    setDefaultTimeout: (milliseconds) => (timeout = milliseconds),
    newPage: async () => {
      // A window of its own: of tabs in one window all but one are out of sight, and a client out of sight rests after a while.
      const before = new Set(contentProcesses(main));
      const page = await context.newPage({ type: "window" });
      if (timeout !== undefined) page.setDefaultTimeout(timeout);
      return pageOf(page, () => contentProcesses(main).filter((pid) => !before.has(pid)));
    },
    close: () => context.close(),
  };
}

/** `started` names the processes that were started since before the window was opened. */
function pageOf(page, started) {
  let own;
  return {
    /** What Puppeteer calls it. */
    raw: page,
    goto: async (url) => {
      await page.goto(url);
      // An empty window has one too, which is followed by that of the page.
      own ??= started().at(-1);
    },
    on: (event, listener) => page.on(event, listener),
    evaluate: (work, argument) => page.evaluate(work, argument),
    waitForFunction: (condition, argument) => page.waitForFunction(condition, { polling: POLLING_MS }, argument),
    close: () => page.close(),
    /** Ends the window's process. */
    crash: async () => {
      if (own === undefined) throw new Error("this window has no process of its own");
      process.kill(own, "SIGKILL");
      await page.close().catch(() => undefined);
    },
  };
}

/** The processes below Firefox's own that run pages. */
function contentProcesses(main) {
  const found = new Map();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      found.set(Number(entry), { parent, isContent: / tab\0*$/.test(readFileSync(`/proc/${entry}/cmdline`, "utf8")) });
    } catch {
      // It has ended in between.
    }
  }
  const isBelow = (pid) => pid === main || (found.has(pid) && isBelow(found.get(pid).parent));
  const pids = [...found].filter(([pid, { isContent }]) => isContent && isBelow(pid)).map(([pid]) => pid);
  return pids.sort((one, other) => one - other);
}
