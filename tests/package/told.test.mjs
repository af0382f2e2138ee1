// What a stream tells after a break: nothing twice, and nothing is missing.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import * as api from "../../pkg/index.js";
import { missedSince } from "../../pkg/missed.js";
import { Told } from "../../pkg/told.js";
import { Account } from "./support/played-worker.mjs";

const { Client, createEOASigner } = api;
const signer = createEOASigner(`0x${"ab".repeat(20)}`, () => new Uint8Array(65));
const [OWN, OTHER] = ["0".repeat(64), "1".repeat(64)];
const SECOND = 1_000_000_000n;
const MINUTE = 60n * SECOND;

let account;

beforeEach(() => {
  account = new Account();
  account.group("aa");
  globalThis.Worker = account.Worker;
});

afterEach(() => {
  delete globalThis.Worker;
});

describe("a stream that is opened again at another tab", () => {
  it("tells a message that was stored before the newest one and published after it", async () => {
    const client = await Client.create(signer, { dbPath: null });
    let restarted;
    const restart = new Promise((resolve) => (restarted = resolve));
    const stream = await client.conversations.streamAllMessages({ onRestart: () => restarted() });
    const mine = account.message("aa", "mine", { deliveryStatus: 0 });
    const theirs = account.message("aa", "theirs", { senderInstallationId: OTHER });
    account.tellMessage(theirs);
    assert.equal((await stream.next()).value.content, "theirs");
    // The leader dies. The next one publishes what was left, before anybody follows a stream there.
    const list = ({ deliveryStatus, insertedAfterNs = 0n, sentAfterNs = 0n }) =>
      account.messages.get("aa").filter((each) => each.deliveryStatus === deliveryStatus && each.insertedAtNs > insertedAfterNs && each.sentAtNs > sentAfterNs);
    account.overrides["stream.open"] = (args, worker) => {
      mine.deliveryStatus = 1;
      const { streamId, since } = args;
      for (const value of missedSince(since, OWN, list)) worker.post({ type: "stream", streamId, event: "value", value });
      return account.answer(worker, "stream.open", args);
    };
    for (const { send } of account.streams("allMessages")) send({ event: "end" });
    await restart;
    assert.equal((await stream.next()).value.content, "mine");
    account.tellMessage(account.message("aa", "and then"));
    assert.equal((await stream.next()).value.content, "and then", "nothing came twice");
    await client.close();
    await setImmediate();
  });
});

describe("what has been told", () => {
  const at = 1_000_000n * SECOND;
  const message = (id, insertedAtNs, sentAtNs = insertedAtNs) => ({ id: String(id), insertedAtNs, sentAtNs });
  const told = (forgets = true) => new Told(forgets, Number(at / 1_000_000n));

  it("is asked for again from a minute before the newest, by both clocks, and not from before the stream began", () => {
    const one = told();
    assert.equal(one.since, at);
    one.isNew(message(1, at + 10n * SECOND));
    assert.equal(one.since, at, "what was there before is no news");
    one.isNew(message(2, at + 5n * MINUTE, at + 3n * MINUTE));
    assert.equal(one.since, at + 2n * MINUTE);
    one.isNew(message(3, at + 6n * MINUTE, at - 1_000n * MINUTE));
    assert.equal(one.since, at + 2n * MINUTE, "an old message that came late changes nothing");
    const late = told();
    late.isNew(message(1, at + MINUTE, at - 1_000n * MINUTE));
    assert.equal(late.since, at);
  });

  it("is told once, however much came within the minute, and forgotten when nobody delivers it any more", () => {
    const one = told();
    const many = Array.from({ length: 20_000 }, (_, n) => message(n, at + BigInt(n)));
    for (const each of many) assert.ok(one.isNew(each));
    for (const each of many) assert.ok(!one.isNew(each));
    for (let n = 0; n < 100_000; n += 1) one.isNew(message(`later ${n}`, at + 2n * MINUTE + BigInt(n) * SECOND / 10n));
    assert.ok(one.size < 5_000, `${one.size} are remembered`);
    const all = told(false);
    all.knows("there before");
    for (const each of many) all.isNew(each);
    assert.ok(!all.isNew({ id: "there before" }), "of conversations, which are all delivered again, none is forgotten");
    assert.equal(all.size, many.length + 1);
  });
});

describe("what was missed", () => {
  it("is what was stored since then, and what was sent since then by this installation", () => {
    const [before, after] = [10n, 30n];
    const of = (id, insertedAtNs, sentAtNs, senderInstallationId) => ({ id, insertedAtNs, sentAtNs, senderInstallationId });
    const all = [
      of("own, stored long ago, sent now", before, after, OWN),
      of("own, all long ago", before, before, OWN),
      of("of another one, by a clock that is ahead", before, after, OTHER),
      of("came late", after, before, OTHER),
      of("at that moment", 20n, 20n, OTHER),
      of("own, now", after + 1n, after, OWN),
    ];
    const asked = [];
    const list = (options) => {
      asked.push(options);
      const { insertedAfterNs = 0n, sentAfterNs = 0n } = options;
      return all.filter((each) => each.insertedAtNs > insertedAfterNs && each.sentAtNs > sentAfterNs);
    };
    assert.deepEqual(
      missedSince(20n, OWN, list).map(({ id }) => id),
      ["own, stored long ago, sent now", "at that moment", "came late", "own, now"],
    );
    for (const options of asked) assert.deepEqual([options.deliveryStatus, options.everything], [1, true]);
  });
});
