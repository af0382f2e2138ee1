// What happens when an app says nothing: the defaults of `@xmtp/browser-sdk` 7.x, seen by what the worker is asked.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import * as api from "../../pkg/index.js";
import { Account, INBOX } from "./support/played-worker.mjs";

const { Client, ConsentState, ConversationType, createEOASigner, DEFAULT_RETRY_ATTEMPTS, DEFAULT_RETRY_DELAY } = api;
const ADDRESS = `0x${"ab".repeat(20)}`;
const signer = createEOASigner(ADDRESS, () => new Uint8Array(65));

let account, client, group;

beforeEach(async () => {
  account = new Account();
  account.group("aa");
  globalThis.Worker = account.Worker;
  client = await Client.create(signer);
  group = await client.conversations.getConversationById("aa");
});

afterEach(async () => {
  await client.close();
  delete globalThis.Worker;
});

const askedOf = (name) => account.asked.filter(([method]) => method === name).at(-1)?.[1];
const settled = async () => {
  for (let turn = 0; turn < 10; turn += 1) await setImmediate();
};
const stream = (more) => ({ syncFirst: true, since: undefined, ...more });
const all = { conversationType: undefined, consentStates: undefined };

/** What is called, with nothing that can be left out; the request that comes of it; and the part of it that is a default. */
const TABLE = {
  "Client.create": [() => undefined, "client.open", {
    env: "dev", apiUrl: api.ApiUrls.dev, nonce: 1n, appVersion: undefined, dbPath: undefined, dbEncryptionKey: undefined, disableDeviceSync: false, wasmUrl: undefined,
  }],
  "conversations.list": [() => client.conversations.list(), "conversations.list", {}],
  "conversations.listGroups": [() => client.conversations.listGroups(), "conversations.list", { conversationType: ConversationType.Group }],
  "conversations.listDms": [() => client.conversations.listDms(), "conversations.list", { conversationType: ConversationType.Dm }],
  "conversations.syncAll": [() => client.conversations.syncAll(), "conversations.syncAll", { consentStates: undefined }],
  "conversations.createGroup": [() => client.conversations.createGroup([INBOX]), "conversations.createGroup", { inboxIds: [INBOX], options: {} }],
  "conversations.createGroupOptimistic": [() => client.conversations.createGroupOptimistic(), "conversations.createGroupOptimistic", { options: {} }],
  "conversations.createDm": [() => client.conversations.createDm(INBOX), "conversations.createDm", { inboxId: INBOX, options: {} }],
  "conversations.stream": [() => client.conversations.stream(), "stream.open", stream({ source: { type: "conversations", conversationType: undefined } })],
  "conversations.streamAllMessages": [() => client.conversations.streamAllMessages(), "stream.open", stream({ source: { type: "allMessages", ...all } })],
  "conversations.streamAllDmMessages": [
    () => client.conversations.streamAllDmMessages(), "stream.open", stream({ source: { type: "allMessages", ...all, conversationType: ConversationType.Dm } }),
  ],
  "conversations.streamDeletedMessages": [() => client.conversations.streamDeletedMessages(), "stream.open", stream({ source: { type: "deletedMessages" } })],
  "preferences.streamConsent": [() => client.preferences.streamConsent(), "stream.open", stream({ source: { type: "preferences" } })],
  "group.stream": [() => group.stream(), "stream.open", stream({ source: { type: "messages", groupId: "aa" } })],
  "group.messages": [() => group.messages(), "group.messages", { groupId: "aa", options: {} }],
  "group.countMessages": [() => group.countMessages(), "group.countMessages", { groupId: "aa", options: {} }],
  "group.lastMessage": [() => group.lastMessage(), "group.messages", { groupId: "aa", options: { limit: 1n, direction: api.SortDirection.Descending } }],
  "preferences.inboxState": [() => client.preferences.inboxState(), "client.inboxStates", { inboxIds: [INBOX], fromNetwork: false }],
  "createArchive": [() => client.createArchive(new Uint8Array(32)), "client.createArchive", {
    elements: 3, startNs: undefined, endNs: undefined, excludeDisappearingMessages: false,
  }],
};

describe("without options", () => {
  for (const [name, [call, method, expected]] of Object.entries(TABLE)) {
    it(`${name} asks for what the original does`, async () => {
      account.overrides["conversations.createGroup"] = account.overrides["conversations.createGroupOptimistic"] = () => account.groups.get("aa");
      account.overrides["conversations.createDm"] = account.overrides["conversations.createGroup"];
      account.overrides["client.inboxStates"] = () => [{}];
      account.overrides["group.countMessages"] = () => 0n;
      await call();
      const asked = askedOf(method);
      const shown = Object.fromEntries(Object.keys(expected).map((field) => [field, asked[field]]));
      assert.deepEqual(shown, expected);
      // A filter that nobody asked for hides what is there.
      if (/\.(list|messages|countMessages)/.test(method)) assert.deepEqual(asked, expected);
    });
  }

  it("a message goes out at once, and its type says whether it wakes people's devices", async () => {
    await group.sendText("hello");
    const { options } = askedOf("group.sendContent");
    assert.deepEqual(Object.keys(options), ["idempotencyKey"]);
  });

  it("no wallet is taken from another inbox", async () => {
    await assert.rejects(client.unsafe_addAccount(signer), { code: "identity.inbox_reassign" });
    await assert.rejects(client.unsafe_addAccountSignatureText(api.ethereumIdentifier(ADDRESS)), { code: "identity.inbox_reassign" });
  });

  it("a stream is retried six times, and waits for ten seconds at most", async (test) => {
    assert.deepEqual([DEFAULT_RETRY_ATTEMPTS, DEFAULT_RETRY_DELAY], [6, 10_000]);
    test.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_700_000_000_000 });
    test.mock.method(Math, "random", () => 0.5);
    let now = 0;
    const tick = async () => {
      now += 500;
      test.mock.timers.tick(500);
      await settled();
    };
    let begun = 0;
    const waits = { own: [], made: [] };
    const ended = [];
    const options = (which) => ({
      onRetry: (attempt, most) => waits[which].push([attempt, most, now]),
      onFail: () => ended.push(which),
    });
    await client.conversations.streamAllMessages(options("own"));
    let fail;
    const begin = async (_, onFail) => {
      if ((begun += 1) > 1) throw new api.XmtpError("network.unavailable", "no", { retryable: true });
      fail = onFail;
      return () => undefined;
    };
    await api.createStream(begin, undefined, options("made"));
    account.overrides["stream.open"] = () => {
      throw { code: "network.unavailable", message: "no", retryable: true };
    };
    for (const { send } of account.streams()) send({ event: "end" });
    fail();
    for (let turn = 0; turn < 120; turn += 1) await tick();
    const expected = [500, 1_500, 3_500, 7_500, 15_500, 25_500].map((at, index) => [index + 1, 6, at]);
    assert.deepEqual(waits, { own: expected, made: expected });
    assert.deepEqual(ended.sort(), ["made", "own"]);
  });
});

describe("with options", () => {
  it("a stream is not retried, or begins without a sync, as it is told", async (test) => {
    test.mock.timers.enable({ apis: ["setTimeout"] });
    let failed = 0;
    const opened = await client.conversations.streamAllMessages({ retryOnFail: false, disableSync: true, onFail: () => (failed += 1), consentStates: [ConsentState.Denied] });
    const { syncFirst, source } = askedOf("stream.open");
    assert.deepEqual([syncFirst, source.consentStates], [false, [ConsentState.Denied]]);
    for (const { send } of account.streams()) send({ event: "end" });
    assert.deepEqual([opened.isDone, failed], [true, 1]);
  });
});
