// What the page side of conversations decides by itself, on the built package, with a worker that is played.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as api from "../../pkg/index.js";

const { ConsentState, ContentType, Conversations, ConversationType, Dm, Group, MessageSortBy } = api;
const code = (expected) => (error) => error instanceof api.XmtpError && error.code === expected;

const snapshot = (id, conversationType) => ({
  id,
  createdAtNs: 1n,
  metadata: { creatorInboxId: "ab", conversationType },
});

/** Conversations whose worker notes what it is asked and answers from `answers`. */
function played(answers = {}) {
  const asked = [];
  const channel = {
    isClosed: false,
    call(method, args) {
      asked.push([method, args]);
      return Promise.resolve(answers[method]);
    },
    listen: () => 7,
    unlisten() {},
  };
  return { asked, conversations: new Conversations(channel, "cd") };
}

describe("conversations on the page", () => {
  it("are groups or direct messages by their type", async () => {
    const found = [snapshot("aa", ConversationType.Group), snapshot("bb", ConversationType.Dm)];
    const { conversations } = played({ "conversations.list": found, "conversations.byId": found[1] });
    const [group, dm] = await conversations.list();
    assert.ok(group instanceof Group && dm instanceof Dm);
    assert.ok((await conversations.getConversationById("bb")) instanceof Dm);
    assert.equal(group.topic, "/xmtp/mls/1/g-aa/proto");
    assert.equal(conversations.topic, "/xmtp/mls/1/w-cd/proto");
    for (const name of ["updateName", "addMembers", "addAdmin", "requestRemoval"]) {
      assert.equal(typeof group[name], "function");
      assert.equal(dm[name], undefined, `a direct message has no ${name}`);
    }
  });

  it("are asked for with the type that the method names", async () => {
    const { asked, conversations } = played({ "conversations.list": [], "stream.open": [] });
    await conversations.listGroups({ limit: 1n });
    await conversations.listDms();
    const streams = [
      await conversations.streamGroups(),
      await conversations.streamDms(),
      await conversations.streamAllGroupMessages({ consentStates: [ConsentState.Allowed] }),
      await conversations.streamAllDmMessages(),
    ];
    for (const stream of streams) await stream.end();
    const types = asked.filter(([method]) => method === "conversations.list").map(([, args]) => args.conversationType);
    assert.deepEqual(types, [ConversationType.Group, ConversationType.Dm]);
    const sources = asked.filter(([method]) => method === "stream.open").map(([, args]) => args.source);
    assert.deepEqual(
      sources.map(({ type, conversationType }) => [type, conversationType]),
      [["conversations", 1], ["conversations", 0], ["allMessages", 1], ["allMessages", 0]],
    );
    assert.deepEqual(sources[2].consentStates, [ConsentState.Allowed]);
  });

  it("refuse options that are wrong or unknown before the worker is asked", async () => {
    const { asked, conversations } = played();
    const wrong = { limit: 1 };
    await assert.rejects(conversations.list(wrong), code("argument.invalid"));
    await assert.rejects(conversations.list({ consentStates: "Allowed" }), code("argument.invalid"));
    await assert.rejects(conversations.list({ consentStates: [3] }), code("argument.invalid"));
    await assert.rejects(conversations.list({ conversationType: ConversationType.Sync }), code("argument.unsupported"));
    await assert.rejects(conversations.list({ sortBy: 1 }), code("argument.unsupported"));
    await assert.rejects(conversations.listDms({ conversationType: 0 }), code("argument.unsupported"));
    await assert.rejects(conversations.createDm(7), code("argument.invalid"));
    await assert.rejects(conversations.createDm("ab", { groupName: "x" }), code("argument.unsupported"));
    await assert.rejects(async () => conversations.stream({ conversationType: "group" }), code("argument.unsupported"));
    await assert.rejects(async () => conversations.streamAllMessages({ consentStates: 1 }), code("argument.invalid"));
    assert.deepEqual(asked, []);
  });

  it("have the numbers of the package this one follows", () => {
    assert.deepEqual([ConversationType.Dm, ConversationType.Group, ConversationType.Sync, ConversationType.Oneshot], [0, 1, 2, 3]);
    assert.deepEqual([api.ListConversationsOrderBy.CreatedAt, api.ListConversationsOrderBy.LastActivity], [0, 1]);
    assert.deepEqual([MessageSortBy.SentAt, MessageSortBy.InsertedAt], [0, 1]);
    assert.deepEqual([ContentType.Actions, ContentType.Custom, ContentType.Text, ContentType.WalletSendCalls], [0, 2, 13, 15]);
  });
});
