// What a story is told on: one node on the ports that peers expect, one browser, and people on either side. Each
// story runs for each peer and in each of its directions, and leaves one line for the table.
import assert from "node:assert/strict";
import { appendFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { startDevnode } from "../../../scripts/devnode.mjs";
import { Forger } from "./forger.mjs";
import { OurPerson, openBrowser, servePackage } from "./ours.mjs";
import { PEERS, PeerPerson } from "./peer.mjs";
import { eventually } from "./person.mjs";
import { wallet } from "./wallet.mjs";

/** `env: "local"` of the peers means the first. Peers of 6.x can be told another, for a run beside a node. */
const GRPC_PORT = Number(process.env.XMTP_INTEROP_PORT ?? 5556);
const GRPC_WEB_PORT = GRPC_PORT + 1;
/** A whole story, milliseconds. */
const STORY_MS = Number(process.env.XMTP_INTEROP_STORY_MS ?? 600_000);

/** How many peers' stories are told at the same time. */
const AT_ONCE = Number(process.env.XMTP_INTEROP_AT_ONCE ?? PEERS.length);

export const DIRECTIONS = {
  peerActs: "peer acts, we follow",
  weAct: "we act, peer follows",
  both: "both act",
};

const chosenPeers = PEERS.filter((peer) => !process.env.XMTP_INTEROP_PEER || peer.alias.endsWith(process.env.XMTP_INTEROP_PEER));
/** Released clients among themselves, to see what is theirs: this one stands in for ours. */
const stand = PEERS.find((peer) => process.env.XMTP_INTEROP_BETWEEN && peer.alias.endsWith(process.env.XMTP_INTEROP_BETWEEN));
const chosenStories = process.env.XMTP_INTEROP_ONLY?.split(",").map(Number);

/** One line for run.mjs. */
function note(line) {
  if (process.env.XMTP_INTEROP_RESULTS) appendFileSync(process.env.XMTP_INTEROP_RESULTS, `${JSON.stringify(line)}\n`);
}

async function assertFree(port) {
  await new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", () => reject(new Error(
      `port ${port} is taken: released peers look for a local node on ${GRPC_PORT}, and ours is ${GRPC_WEB_PORT} beside it. Stop what listens there (a node of 'npm start'?), then run this again.`,
    )));
    server.listen(port, "127.0.0.1", () => server.close(resolve));
  });
}

const stories = [];

/**
 * Registers a story; number 0 is told only when asked for. `tell({ cast, peer, historyUrl })` gets `cast({ alice: A, … })`, which brings people on stage; `acting` and
 * `following` say on which side (`"ours"`, `"peer"` or `"forger"`). `peers`: only with these.
 */
export function story(number, title, directions, tell, { peers } = {}) {
  stories.push({ number, title, directions, tell, peers });
}

/** Tells all stories that were registered, peer by peer. */
export function tellAll() {
  let node, browser, page;
  const [log, shelf] = [[], []];

  before(async () => {
    await assertFree(GRPC_PORT);
    await assertFree(GRPC_WEB_PORT);
    node = await startDevnode(["--grpc-port", String(GRPC_PORT), "--grpc-web-port", String(GRPC_WEB_PORT), "--memory"], {
      onLog: (line) => log.push(line),
    });
    if (stand || chosenStories?.every((number) => number === 0)) return;
    page = await servePackage();
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await page?.close();
    await node?.stop();
  });

  const run = async ({ number, title, tell }, peer, direction) => {
    const people = [];
    let well = false;
    let over = false;
    const grpcUrl = `http://localhost:${node.grpcPort}`;
    const sides = {
      ours: (name, own) => stand ? PeerPerson.join(name, own, stand, grpcUrl) : OurPerson.join(name, own, { browser, page, nodeUrl: node.url, shelf }),
      peer: (name, own) => PeerPerson.join(name, own, peer, grpcUrl),
      forger: (name, own) => Forger.join(name, own, grpcUrl),
    };
    /** { name: side } or { name: [side, wallet] } → people who have registered, by name. */
    const cast = async (roles) => {
      const entering = Object.entries(roles).map(async ([name, role]) => {
        const [side, own = wallet()] = Array.isArray(role) ? role : [role];
        const person = await sides[side](name, own);
        people.push(person);
        if (over) await person.close(false);
        return [name, person];
      });
      // All of them, so that nobody comes on stage after a story has failed.
      await Promise.allSettled(entering);
      return Object.fromEntries(await Promise.all(entering));
    };
    const acting = direction === DIRECTIONS.weAct ? "ours" : "peer";
    const following = acting === "ours" ? "peer" : "ours";
    const logStart = log.length;
    const started = Date.now();
    const record = (outcome) => {
      const line = { number, title, direction, peer: peer.label, ms: Date.now() - started, ...outcome };
      note(line);
      if (line.ok && process.env.XMTP_INTEROP_QUIET) return;
      console.log(`${line.ok ? "passes" : "FAILS"}: ${number}. ${title}, ${direction}, ${peer.label}, ${Math.round(line.ms / 1000)} s`);
    };
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not over in ${STORY_MS / 1000} s`)), STORY_MS);
    });
    try {
      const recorded = await Promise.race([tell({ cast, acting, following, peer, historyUrl: node.url }), late]);
      assert.deepEqual(people.flatMap((person) => person.complaints ?? []), [], "nothing went wrong unseen");
      record({ ok: true, recorded });
      well = true;
    } catch (error) {
      record({ ok: false, error: String(error.message).slice(0, 400) });
      console.error(error.stack);
      const file = fileURLToPath(new URL(`../../../.cache/interop-node-${peer.alias}-${number}.log`, import.meta.url));
      const printed = people.map((person) => `\n${person.name} (${person.side}):\n${person.printed?.join("") ?? ""}`);
      writeFileSync(file, [...log.slice(logStart), ...printed, ""].join("\n"));
      console.error(`What the node saw of "${title}", ${direction}, and what programs printed: ${file}`);
      throw error;
    } finally {
      over = true;
      clearTimeout(timer);
      await Promise.allSettled(people.map((person) => person.close(well)));
    }
  };

  const told = stories.filter(({ number }) => (chosenStories ? chosenStories.includes(number) : number !== 0));
  const toldTo = (peer) => told
    .filter(({ peers }) => !peers || peers.includes(peer.alias))
    .flatMap((each) => each.directions.map((direction) => ({ each, direction })));
  const isWhole = chosenPeers.length === PEERS.length && !chosenStories && !stand && !process.env.XMTP_INTEROP_OPERATIONS;
  // What is to come, so that a run which is cut short is not taken for a whole one.
  note({ isWhole, stories: chosenPeers.flatMap(toldTo).length });
  const tell = (peer) => describe(peer.label, { concurrency: 1 }, () => {
    for (const { each, direction } of toldTo(peer)) {
      it(`${each.number}. ${each.title}, ${direction}, ${peer.label}`, () => run(each, peer, direction));
    }
  });
  // Each peer's stories one after another; the peers side by side, as much of a story is waiting.
  describe("released clients and ours", { concurrency: AT_ONCE }, () => {
    for (const peer of chosenPeers) tell(peer);
  });
}

/**
 * Everybody has the same of what people said: ids, senders, texts, types, times, order. Answers the list. The node's time of what
 * one of ours has just sent comes a moment after the call: times alone are waited for.
 */
export async function assertSameTalk(group, people) {
  if (people.some(({ side }) => side === "xmtp-web")) {
    const columns = async (column) => (await Promise.all(people.map((person) => person.said(group)))).map((said) => said.map(column).toSorted().join());
    const areAlike = async (column) => new Set(await columns(column)).size === 1;
    await eventually("everybody has the node's times", async () => !(await areAlike(({ id }) => id)) || (await areAlike(({ sentAt }) => sentAt)));
  }
  const shape = (messages) => messages.map(({ id, sender, type, text, sentAt }) => ({ id, sender, type, text, sentAt }));
  const first = shape(await people[0].said(group));
  for (const person of people.slice(1)) {
    assert.deepEqual(shape(await person.said(group)), first, `${person.name} (${person.side}) has what ${people[0].name} (${people[0].side}) has`);
  }
  return first;
}

/** Everybody sees the same group: epoch, rules, fields, roles, members with their addresses and installations. Answers it. */
export async function assertSameGroup(group, people) {
  const look = async (person) => ({
    ...(await person.describe(group)),
    epoch: await person.epoch(group),
    permissions: await person.permissions(group),
    members: await person.members(group),
  });
  const first = await look(people[0]);
  for (const person of people.slice(1)) {
    assert.deepEqual(await look(person), first, `${person.name} (${person.side}) sees what ${people[0].name} (${people[0].side}) sees`);
  }
  return first;
}

/** Several people catch up with one group, welcomes first. */
export async function syncAll(group, people) {
  for (const person of people) {
    await person.sync();
    await person.syncGroup(group);
  }
}
