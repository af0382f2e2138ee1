// When streams come back, when they give up, and what they owe an app whose own functions fail.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import * as api from "../../pkg/index.js";
import { Account } from "./support/played-worker.mjs";
import { uncaught } from "./support/uncaught.mjs";

const { Client, createEOASigner } = api;
const signer = createEOASigner(`0x${"ab".repeat(20)}`, () => new Uint8Array(65));

let account;

beforeEach(() => {
  account = new Account();
  account.group("aa");
  globalThis.Worker = account.Worker;
});

afterEach(() => {
  delete globalThis.Worker;
});

const opened = () => Client.create(signer, { dbPath: null });
/** Until the worker has answered what was asked so far. */
const settled = async () => {
  for (let turn = 0; turn < 10; turn += 1) await setImmediate();
};
const asked = (method) => account.asked.filter(([name]) => name === method).length;
/** Breaks every stream, as when the tab that leads is closed. */
const breakStreams = () => {
  for (const { send } of account.streams()) send({ event: "end" });
};
const refuse = (code, retryable) => () => {
  throw { code, message: code, retryable };
};

/** Options that write down what they are told, with the clock. */
function told(more = {}) {
  const heard = [];
  const note = (name) => (...args) => heard.push([name, ...args]);
  const options = {
    onRetry: note("retry"), onRestart: note("restart"), onFail: note("fail"), onEnd: note("end"),
    onError: ({ code }) => heard.push(["error", code]), ...more,
  };
  return { heard, options };
}

function clock(test) {
  test.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_700_000_000_000 });
  test.mock.method(Math, "random", () => 0.5);
  return async (ms) => {
    test.mock.timers.tick(ms);
    await settled();
  };
}

describe("a stream", () => {
  it("is ended by a function of it that was passed on", async () => {
    const client = await opened();
    const stream = await client.conversations.streamAllMessages();
    const { next, end } = stream;
    const waiting = next();
    account.tellMessage(account.message("aa", "here"));
    assert.equal((await waiting).value.content, "here");
    await end();
    assert.equal(stream.isDone, true);
    assert.deepEqual(await (0, stream.return)(), { done: true, value: undefined });
    await client.close();
  });
});

describe("a stream that broke", () => {
  it("after it has lived long waits longer each time, counts on, and gives up after the last retry", async (test) => {
    const pass = clock(test);
    const client = await opened();
    const { heard, options } = told({ retryAttempts: 3 });
    const stream = await client.conversations.streamAllMessages(options);
    await pass(60_000);
    account.overrides["stream.open"] = refuse("network.unavailable", true);
    const before = asked("stream.open");
    breakStreams();
    const waits = [];
    for (let waited = 0, tries = before; waited < 20_000; waited += 500) {
      await pass(500);
      if (asked("stream.open") > tries) waits.push(waited + 500);
      tries = asked("stream.open");
    }
    assert.deepEqual(waits, [500, 1_500, 3_500], "half a second, one, two");
    assert.deepEqual(heard, [["retry", 1, 3], ["retry", 2, 3], ["retry", 3, 3], ["fail"], ["error", "network.unavailable"], ["end"]]);
    assert.equal(stream.isDone, true);
    await client.close();
  });

  it("starts to count again once it has lived for some seconds, or has shown something", async (test) => {
    const pass = clock(test);
    const client = await opened();
    const { heard, options } = told({ retryAttempts: 2, onRestart: undefined });
    await client.conversations.streamAllMessages(options);
    const breaks = async (lived) => {
      await pass(lived);
      breakStreams();
      // The longer of the first two waits.
      await pass(500);
      await pass(500);
    };
    for (const lived of [1_000, 1_000, 6_000, 1_000]) await breaks(lived);
    account.tellMessage(account.message("aa", "here"));
    await breaks(1_000);
    assert.deepEqual(heard, [["retry", 1, 2], ["retry", 2, 2], ["retry", 1, 2], ["retry", 2, 2], ["retry", 1, 2]]);
    await client.close();
  });

  it("opened anew gives up as often as it fails, although each opening tells its first value", async (test) => {
    const pass = clock(test);
    const client = await opened();
    account.overrides["stream.open"] = (args, worker) => {
      const answer = account.answer(worker, "stream.open", args);
      worker.streams.get(args.streamId).send({ event: "value", value: { connection: "connecting" } });
      return answer;
    };
    const { heard, options } = told({ retryAttempts: 2 });
    await client.streamConnectionState(options);
    for (let turn = 0; turn < 5; turn += 1) {
      breakStreams();
      await pass(2_000);
    }
    assert.deepEqual(heard.filter(([name]) => name !== "restart"), [["retry", 1, 2], ["retry", 2, 2], ["fail"], ["error", "network.unavailable"], ["end"]]);
    await client.close();
  });

  it("goes on while the network or a leading tab is missing, and ends at once where another try is in vain", async (test) => {
    const pass = clock(test);
    for (const [code, retryable, isInVain] of [
      ["network.unavailable", true, false], ["network.timeout", true, false], ["tabs.no_leader", true, false],
      // A hotel's page in place of the node.
      ["network.invalid_response", false, false],
      ["identity.installation_revoked", false, true], ["storage.deleted", false, true], ["group.not_found", false, true],
    ]) {
      const client = await opened();
      const { heard, options } = told();
      const stream = await client.conversations.streamAllMessages(options);
      account.overrides["stream.open"] = refuse(code, retryable);
      breakStreams();
      await pass(500);
      assert.equal(stream.isDone, isInVain, code);
      assert.deepEqual(heard, isInVain ? [["retry", 1, 6], ["fail"], ["error", code], ["end"]] : [["retry", 1, 6]]);
      account.overrides = {};
      await pass(1_000);
      if (!isInVain) assert.deepEqual(heard.at(-1), ["restart"], code);
      await client.close();
    }
  });

  it("of the list of XIP-42 ends at once where the node has none, and says so; one that cannot be reached is tried again", async (test) => {
    const pass = clock(test);
    for (const [code, retryable, isOver] of [
      ["network.not_implemented", false, true], ["preferences.list_closed", false, true], ["network.unavailable", true, false],
    ]) {
      const client = await opened();
      const { heard, options } = told();
      const stream = await client.preferences.streamConsentList(options);
      for (const { send } of account.streams("consentList")) {
        send({ event: "error", error: { code, message: code, retryable } });
        send({ event: "end" });
      }
      assert.equal(stream.isDone, isOver, code);
      assert.deepEqual(heard, isOver ? [["fail"], ["error", code], ["end"]] : [["error", code]]);
      await pass(60_000);
      assert.equal(heard.some(([name]) => name === "restart"), !isOver, code);
      await client.close();
    }
    // Of another stream it is the error of one value.
    const client = await opened();
    const stream = await client.preferences.streamConsent();
    for (const { send } of account.streams("preferences")) send({ event: "error", error: { code: "network.not_implemented", message: "", retryable: false } });
    assert.equal(stream.isDone, false);
    await client.close();
  });

  it("because its installation was revoked ends at once, with that error, told once", async (test) => {
    const pass = clock(test);
    const client = await opened();
    const { heard, options } = told();
    const stream = await client.conversations.streamAllMessages(options);
    for (const { send } of account.streams()) {
      send({ event: "error", error: { code: "identity.installation_revoked", message: "revoked", retryable: false } });
      send({ event: "end" });
    }
    assert.equal(stream.isDone, true);
    await pass(60_000);
    assert.deepEqual(heard, [["fail"], ["error", "identity.installation_revoked"], ["end"]]);
    assert.equal(asked("stream.open"), 1);
    await client.close();
  });
});

describe("what an app's own functions throw", () => {
  const fail = (text) => () => {
    throw new Error(text);
  };

  it("keeps nobody else's stream open, nor the client, and is seen as uncaught", async () => {
    const client = await opened();
    const { heard, options } = told();
    const faults = await uncaught(async () => {
      await client.conversations.streamAllMessages({ onEnd: fail("in onEnd") });
      const other = await client.conversations.streamAllMessages(options);
      await client.close();
      assert.equal(other.isDone, true);
    });
    assert.deepEqual([heard, faults], [[["end"]], ["in onEnd"]]);
  });

  it("keeps no stream from ending when the worker fails", async () => {
    const client = await opened();
    const { heard, options } = told();
    const ended = [];
    client.on("ended", ({ error }) => ended.push(error.code));
    const faults = await uncaught(async () => {
      await client.conversations.streamAllMessages({ onFail: fail("in onFail"), onError: fail("in onError") });
      await client.conversations.streamAllMessages(options);
      account.workers[0].post({ type: "fatal", error: { code: "internal", message: "over", retryable: false } });
    });
    assert.deepEqual(faults, ["in onFail", "in onError"]);
    assert.deepEqual([heard, ended], [[["fail"], ["error", "internal"], ["end"]], ["internal"]]);
  });

  it("before a retry does not keep the stream from coming back", async (test) => {
    const pass = clock(test);
    const client = await opened();
    let restarts = 0;
    const faults = await uncaught(async () => {
      await client.conversations.streamAllMessages({ onRetry: fail("in onRetry"), onRestart: () => (restarts += 1) });
      breakStreams();
      await pass(1_000);
    });
    assert.deepEqual([restarts, faults], [1, ["in onRetry"]]);
    await client.close();
  });

  it("with a value goes to onError, and whoever reads the stream has the value", async () => {
    const client = await opened();
    const errors = [];
    const thrown = new Error("cannot draw this");
    const stream = await client.conversations.streamAllMessages({
      onValue() {
        throw thrown;
      },
      onError: (error) => errors.push(error),
    });
    account.tellMessage(account.message("aa", "one"));
    account.tellMessage(account.message("aa", "two"));
    assert.deepEqual([(await stream.next()).value.content, (await stream.next()).value.content], ["one", "two"]);
    assert.equal(errors.length, 2);
    assert.ok(errors.every((error) => error instanceof api.XmtpError && error.cause === thrown));
    await client.close();
  });

  it("with a value is seen as uncaught where nobody hears errors", async () => {
    const client = await opened();
    const faults = await uncaught(async () => {
      await client.conversations.streamAllMessages({ onValue: fail("in onValue") });
      account.tellMessage(account.message("aa", "one"));
    });
    assert.deepEqual(faults, ["in onValue"]);
    await client.close();
  });

  it("is no different in a stream of the app's own making", async () => {
    let callback;
    const thrown = new Error("cannot draw this");
    const errors = [];
    const begin = async (given) => ((callback = given), fail("in stop"));
    let ends = 0;
    const faults = await uncaught(async () => {
      const options = {
        onValue() {
          throw thrown;
        },
        onError: (error) => errors.push(error),
        onEnd: () => (ends += 1),
      };
      const stream = await api.createStream(begin, undefined, options);
      callback(null, "one");
      assert.equal((await stream.next()).value, "one");
      await setImmediate();
      assert.deepEqual(errors.map(({ cause }) => cause), [thrown]);
      await stream.end();
    });
    assert.deepEqual([ends, faults], [1, ["in stop"]]);
  });
});

describe("a stream that cannot be opened", () => {
  it("because the installation was revoked is refused with that", async () => {
    const client = await opened();
    account.overrides["stream.open"] = ({ streamId }, worker) => {
      const error = { code: "identity.installation_revoked", message: "revoked", retryable: false };
      for (const event of [{ event: "error", error }, { event: "end" }]) worker.post({ type: "stream", streamId, ...event });
      return [];
    };
    const { heard, options } = told();
    await assert.rejects(client.conversations.stream(options), { code: "identity.installation_revoked" });
    assert.deepEqual(heard, []);
    await client.close();
  });

  it("leaves nothing behind at its signal", async () => {
    const client = await opened();
    const { signal } = new AbortController();
    let listeners = 0;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...args) => ((listeners += 1), add(...args));
    signal.removeEventListener = (...args) => ((listeners -= 1), remove(...args));
    account.overrides["stream.open"] = refuse("network.unavailable", true);
    await assert.rejects(client.conversations.streamAllMessages({ signal }));
    await assert.rejects(api.createStream(() => Promise.reject(new Error("no")), undefined, { signal }));
    assert.equal(listeners, 0);
    await client.close();
  });
});
