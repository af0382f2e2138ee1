// The hooks of xmtp-web/react with React itself in a played browser, and the package's own classes with a played worker.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Window } from "happy-dom";

// React looks for the browser once, when it is loaded.
const window = new Window();
Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
Object.defineProperty(globalThis, "navigator", { value: window.navigator, configurable: true });

const { act, createElement: h, memo, startTransition, StrictMode, Suspense, useEffect, useState } = await import("react");
const { createRoot, hydrateRoot } = await import("react-dom/client");
const { renderToString } = await import("react-dom/server");
const { Account } = await import("./support/played-worker.mjs");
const api = await import("../../pkg/index.js");
const hooks = await import("../../pkg/react/index.js");

const { Client, ConsentEntityType, ConsentState, createEOASigner, DeliveryStatus, ListConversationsOrderBy } = api;
const { useClient, useConnection, useConsent, useConversation, useConversations, useMembers, useMessages, useSend, XmtpProvider } = hooks;

const signer = createEOASigner(`0x${"ab".repeat(20)}`, () => new Uint8Array(65));
const other = createEOASigner(`0x${"cd".repeat(20)}`, () => new Uint8Array(65));
const code = (expected) => (error) => error instanceof api.XmtpError && error.code === expected;

let account, mounted, complaints;

beforeEach((test) => {
  account = new Account();
  globalThis.Worker = account.Worker;
  mounted = [];
  complaints = [];
  test.mock?.method(console, "error", (...args) => complaints.push(args.map(String).join(" ")));
});

afterEach(async () => {
  for (const unmount of mounted) await unmount();
  delete globalThis.Worker;
  assert.deepEqual(complaints, [], "React has nothing to complain of");
});

async function mount(element) {
  const container = window.document.createElement("div");
  const root = createRoot(container);
  await act(async () => root.render(element));
  let isThere = true;
  const unmount = async () => {
    if (isThere) await act(async () => root.unmount());
    isThere = false;
  };
  mounted.push(unmount);
  return { container, unmount, render: (next) => act(async () => root.render(next)) };
}

/** Lets the played worker and React go on until something holds. */
async function until(holds, what) {
  for (let turn = 0; turn < 500; turn += 1) {
    if (holds()) return;
    await act(async () => void (await setImmediate()));
  }
  assert.fail(`never: ${what ?? holds}`);
}

/** Renders a hook below a provider; `seen` is what it gave at each render, the last one at `now`. */
async function probe(hook, props = {}) {
  const seen = [];
  const Probe = (input) => {
    seen.push(hook(input));
    return null;
  };
  const tree = (input) => h(StrictMode, null, h(XmtpProvider, { client: props.client }, h(Probe, input)));
  const { unmount, render } = await mount(tree(props.input));
  return {
    seen,
    get now() {
      return seen.at(-1);
    },
    unmount,
    render: (input) => render(tree(input)),
  };
}

const opened = () => Client.create(signer, { dbPath: null });
const streams = () => account.streams().length;

describe("the provider", () => {
  it("opens one client in strict mode and closes it when it is unmounted", async () => {
    const handles = [];
    const App = () => {
      const handle = useClient();
      handles.push(handle);
      const { create, close } = handle;
      useEffect(() => {
        void create(signer);
        return () => void close();
      }, [create, close]);
      return handle.status;
    };
    const { container, unmount } = await mount(h(StrictMode, null, h(XmtpProvider, null, h(App))));
    assert.equal(container.textContent, "opening");
    await until(() => container.textContent === "open");
    assert.equal(account.workers.length, 1, "what strict mode takes back is never begun");
    assert.ok(handles.at(-1).client instanceof Client);
    assert.equal(handles.at(-1).create, handles[0].create);
    await unmount();
    await until(() => account.workers[0].isTerminated);
    assert.equal(account.asked.filter(([method]) => method === "client.close").length, 1);
  });

  it("keeps a client that a person opened, and closes it with itself", async () => {
    let handle;
    const App = () => ((handle = useClient()), null);
    const { unmount } = await mount(h(StrictMode, null, h(XmtpProvider, null, h(App))));
    assert.deepEqual([handle.status, handle.client, handle.isLoading], ["closed", undefined, false]);
    await act(async () => void (await handle.create(signer)));
    assert.equal(handle.status, "open");
    assert.equal(await handle.create(signer), handle.client, "asked again it answers what there is");
    await unmount();
    await until(() => account.openClients === 0);
  });

  it("replaces a client by the one asked for last, one after the other", async () => {
    let handle;
    const App = () => ((handle = useClient()), null);
    await mount(h(XmtpProvider, null, h(App)));
    const most = [];
    account.overrides["client.open"] = (args, worker) => {
      const state = account.answer(worker, "client.open", args);
      most.push(account.openClients);
      return state;
    };
    let first, second;
    await act(async () => {
      first = handle.create(signer);
      await setImmediate();
      second = handle.create(other);
      await assert.rejects(first, code("client.closed"));
      await second;
    });
    assert.equal(handle.client, await second);
    assert.equal(handle.client.accountIdentifier.identifier, `0x${"cd".repeat(20)}`);
    assert.deepEqual(most, [1, 1], "never two at once");
    await act(async () => void (await handle.close()));
    assert.deepEqual([handle.status, handle.client, account.openClients], ["closed", undefined, 0]);
  });

  it("tells why a client could not be opened, and opens the next", async () => {
    let handle;
    const App = () => ((handle = useClient()), null);
    await mount(h(XmtpProvider, null, h(App)));
    account.overrides["client.open"] = () => {
      throw { code: "storage.wrong_key", message: "no" };
    };
    await act(async () => void (await assert.rejects(handle.create(signer), code("storage.wrong_key"))));
    assert.deepEqual([handle.status, handle.error.code], ["closed", "storage.wrong_key"]);
    delete account.overrides["client.open"];
    await act(async () => void (await handle.create(signer)));
    assert.deepEqual([handle.status, handle.error], ["open", undefined]);
  });

  it("shows that a client has ended by itself, and why", async () => {
    let handle;
    const App = () => ((handle = useClient()), null);
    await mount(h(XmtpProvider, null, h(App)));
    await act(async () => void (await handle.create(signer)));
    await act(async () => account.workers[0].post({ type: "fatal", error: { code: "tabs.newer_version", message: "reload", retryable: false } }));
    assert.deepEqual([handle.status, handle.client, handle.error.code], ["closed", undefined, "tabs.newer_version"]);
    await act(async () => void (await handle.create(signer)));
    assert.deepEqual([handle.status, handle.error, account.workers.length], ["open", undefined, 2]);
  });

  it("leaves a client alone that it was given", async () => {
    const client = await opened();
    const { now, unmount } = await probe(useClient, { client });
    assert.equal(now.client, client);
    await assert.rejects(now.close(), code("argument.unsupported"));
    await unmount();
    assert.equal(account.openClients, 1);
    await client.close();
  });

  it("is asked for by hooks that have none above them", async (test) => {
    test.mock.method(console, "error", () => {});
    const App = () => (useConversations(), null);
    await assert.rejects(mount(h(App)), /XmtpProvider/);
  });
});

describe("on a server", () => {
  it("everything renders without a client, and the browser takes it over as it is", async () => {
    delete globalThis.Worker;
    const group = new api.Group({}, account.group("aa"));
    const App = () => {
      const [{ status }, list, { messages }, { members }, consent] = [useClient(), useConversations(), useMessages(group), useMembers(group), useConsent(group)];
      const { isSending } = useSend(group);
      return h("p", null, [status, list.conversations.length, list.isLoading, messages.length, members.length, consent.state, useConnection(), isSending].join());
    };
    const tree = h(XmtpProvider, null, h(App));
    const html = renderToString(tree);
    assert.equal(html, "<p>closed,0,false,0,0,,idle,false</p>");
    const container = window.document.createElement("div");
    container.innerHTML = html;
    const root = await act(async () => hydrateRoot(container, tree, { onRecoverableError: (error) => complaints.push(String(error)) }));
    assert.equal(container.innerHTML, html);
    await act(async () => root.unmount());
  });
});

describe("useConversations", () => {
  it("shows what is stored, then what comes, and ends its streams when nobody looks", async () => {
    account.group("aa");
    const client = await opened();
    const list = await probe(() => useConversations({ limit: 10n }), { client });
    assert.equal(list.seen[0].isLoading, true);
    await until(() => !list.now.isLoading);
    assert.deepEqual(list.now.conversations.map(({ name }) => name), ["aa"]);
    await until(() => !list.now.isSyncing);
    assert.equal(streams(), 3, "strict mode opens nothing twice");
    account.tell("conversations", account.group("bb"));
    await until(() => list.now.conversations.length === 2);
    await list.unmount();
    await until(() => streams() === 0);
    await client.close();
  });

  it("gives the same objects until something of them changes", async () => {
    account.group("aa");
    account.group("bb");
    const client = await opened();
    const list = await probe(() => useConversations(), { client });
    await until(() => list.now.conversations.length === 2 && !list.now.isSyncing);
    const before = list.now;
    const [aa, bb] = before.conversations;
    await list.render({ again: true });
    assert.equal(list.now, before, "another render is no reason");
    const reads = () => account.asked.filter(([method]) => method === "conversations.list").length;
    const read = reads();
    account.tellMessage(account.message("aa", "renamed?", { kind: 1 }));
    await until(() => reads() > read);
    await act(async () => void (await setImmediate()));
    assert.equal(list.now, before, "reading the same is no reason");
    account.group("aa", { name: "Lunch", createdAtNs: aa.createdAtNs });
    account.tellMessage(account.message("aa", "renamed", { kind: 1 }));
    await until(() => list.now !== before);
    assert.equal(list.now.conversations.find(({ id }) => id === "bb"), bb);
    assert.notEqual(list.now.conversations.find(({ id }) => id === "aa"), aa);
    await client.close();
  });

  it("notices a change that was made through the very object it shows", async () => {
    account.group("aa");
    const client = await opened();
    const list = await probe(() => useConversations(), { client });
    await until(() => list.now.conversations.length === 1 && !list.now.isSyncing);
    const [shown] = list.now.conversations;
    account.overrides["group.update"] = ({ value }) => account.group("aa", { name: value, createdAtNs: shown.createdAtNs });
    await shown.updateName("Lunch");
    account.tellMessage(account.message("aa", "renamed", { kind: 1 }));
    await until(() => list.now.conversations[0] !== shown);
    assert.equal(list.now.conversations[0].name, "Lunch");
    await client.close();
  });

  it("reads again after any message when ordered by activity, and only after lines of the transcript otherwise", async () => {
    account.group("aa");
    const client = await opened();
    const reads = (orderBy) => account.asked.filter(([method, args]) => method === "conversations.list" && args.orderBy === orderBy).length;
    const byActivity = await probe(() => useConversations({ orderBy: ListConversationsOrderBy.LastActivity }), { client });
    const byAge = await probe(() => useConversations(), { client });
    await until(() => !byActivity.now.isSyncing && !byAge.now.isSyncing);
    const [active, old] = [reads(ListConversationsOrderBy.LastActivity), reads(undefined)];
    account.tellMessage(account.message("aa", "hello"));
    await until(() => reads(ListConversationsOrderBy.LastActivity) > active);
    assert.equal(reads(undefined), old);
    await client.close();
  });

  it("tells an error, and refresh tries again", async () => {
    account.group("aa");
    const client = await opened();
    account.overrides["conversations.list"] = () => {
      throw { code: "storage.unavailable", message: "no" };
    };
    const list = await probe(() => useConversations(), { client });
    await until(() => list.now.error !== undefined && !list.now.isSyncing);
    assert.deepEqual([list.now.error.code, list.now.isLoading], ["storage.unavailable", false]);
    delete account.overrides["conversations.list"];
    await act(async () => void (await list.now.refresh()));
    assert.deepEqual([list.now.error, list.now.conversations.length], [undefined, 1]);
    await client.close();
  });

  it("follows again by refresh when a stream could not be opened, and shows what is stored all the same", async () => {
    account.group("aa");
    const client = await opened();
    account.overrides["stream.open"] = () => {
      throw { code: "network.unavailable", message: "no", retryable: true };
    };
    const list = await probe(() => useConversations(), { client });
    await until(() => list.now.error?.code === "network.unavailable" && !list.now.isSyncing);
    assert.equal(list.now.conversations.length, 1);
    delete account.overrides["stream.open"];
    await act(async () => void (await list.now.refresh()));
    await until(() => list.now.error === undefined && streams() === 3);
    await client.close();
  });

  it("shows nothing of a client that is gone", async () => {
    account.group("aa");
    const client = await opened();
    let setClient;
    const seen = [];
    const Probe = () => (seen.push(useConversations()), null);
    const App = () => {
      const [current, set] = useState(client);
      setClient = set;
      return h(XmtpProvider, { client: current }, h(Probe));
    };
    await mount(h(App));
    await until(() => seen.at(-1).conversations.length === 1);
    await act(async () => setClient(undefined));
    assert.deepEqual([seen.at(-1).conversations, seen.at(-1).isLoading], [[], false]);
    await client.close();
  });
});

describe("useConversation", () => {
  it("waits for a conversation that is not there yet, and follows it", async () => {
    const client = await opened();
    const one = await probe(() => useConversation("aa"), { client });
    await until(() => !one.now.isSyncing);
    assert.equal(one.now.conversation, undefined);
    account.tell("conversations", account.group("aa"));
    await until(() => one.now.conversation?.name === "aa");
    const none = await probe(() => useConversation(undefined), { client });
    assert.deepEqual([none.now.conversation, none.now.isLoading], [undefined, false]);
    await client.close();
  });
});

describe("useMessages", () => {
  /** A conversation as the app gets it. */
  async function conversation(client, id = "aa") {
    return client.conversations.getConversationById(id);
  }

  it("shows the newest, oldest first, then what comes, and ends its streams when nobody looks", async () => {
    account.group("aa");
    for (const text of ["one", "two", "three"]) account.message("aa", text);
    const client = await opened();
    const input = { conversation: await conversation(client) };
    const list = await probe(({ conversation }) => useMessages(conversation, { pageSize: 2 }), { client, input });
    await until(() => !list.now.isSyncing);
    const texts = () => list.now.messages.map(({ content }) => content);
    assert.deepEqual(texts(), ["two", "three"]);
    assert.equal(list.now.hasMore, true);
    await act(async () => void (await list.now.loadMore()));
    assert.deepEqual(texts(), ["one", "two", "three"]);
    assert.equal(list.now.hasMore, false);
    const [, , third] = list.now.messages;
    account.tellMessage(account.message("aa", "four"));
    await until(() => texts().includes("four"));
    assert.equal(list.now.messages.find(({ content }) => content === "three"), third, "the others stay the same objects");
    await list.unmount();
    await until(() => streams() === 0);
    await client.close();
  });

  it("renders a message again when it got a reaction, and no other", async () => {
    account.group("aa");
    const one = account.message("aa", "one");
    account.message("aa", "two");
    const client = await opened();
    const shown = await conversation(client);
    const renders = {};
    const Line = memo(({ message }) => ((renders[message.content] = (renders[message.content] ?? 0) + 1), null));
    const List = () => useMessages(shown).messages.map((message) => h(Line, { key: message.id, message }));
    await mount(h(XmtpProvider, { client }, h(List)));
    await until(() => renders.two === 1 && streams() === 3);
    const reaction = account.message("aa", "👍", { body: { type: "reaction", content: {} } });
    account.messages.set("aa", account.messages.get("aa").filter(({ id }) => id !== reaction.id));
    one.reactions.push(reaction);
    account.tellMessage(reaction);
    await until(() => renders.one === 2);
    assert.deepEqual(renders, { one: 2, two: 1 });
    await client.close();
  });

  it("never shows one conversation's messages as another's", async () => {
    for (const id of ["aa", "bb"]) {
      account.group(id);
      account.message(id, `in ${id}`);
    }
    const client = await opened();
    const [aa, bb] = [await conversation(client, "aa"), await conversation(client, "bb")];
    const list = await probe(({ conversation }) => {
      const { messages } = useMessages(conversation);
      for (const message of messages) assert.equal(message.conversationId, conversation.id);
      return messages;
    }, { client, input: { conversation: aa } });
    await until(() => list.now.length === 1);
    await list.render({ conversation: bb });
    await until(() => list.now[0]?.content === "in bb");
    assert.deepEqual(new Set(account.streams("messages").map(({ source }) => source.groupId)), new Set(["bb"]));
    await list.render({ conversation: undefined });
    assert.deepEqual(list.now, []);
    await client.close();
  });

  it("shows all components the same, and opens its streams once for all of them", async () => {
    account.group("aa");
    account.message("aa", "one");
    const client = await opened();
    const shown = await conversation(client);
    let latest = [];
    let tick;
    const Reader = ({ at }) => ((latest[at] = useMessages(shown).messages), null);
    const App = () => {
      const [count, set] = useState(0);
      tick = () => set((each) => each + 1);
      latest = [];
      useEffect(() => assert.ok(latest.every((each) => each === latest[0]), "torn"));
      return h(Suspense, null, ...[0, 1, 2, 3].map((at) => h(Reader, { key: at, at, count })));
    };
    await mount(h(XmtpProvider, { client }, h(App)));
    await until(() => latest[0]?.length === 1 && streams() === 3);
    for (const text of ["two", "three"]) {
      await act(async () => {
        startTransition(tick);
        account.tellMessage(account.message("aa", text));
      });
    }
    await until(() => latest[0].length === 3);
    assert.equal(streams(), 3);
    await client.close();
  });

  it("forgets what has disappeared", async () => {
    account.group("aa");
    const { id } = account.message("aa", "soon gone");
    const client = await opened();
    const list = await probe(({ conversation }) => useMessages(conversation), { client, input: { conversation: await conversation(client) } });
    await until(() => list.now.messages.length === 1 && !list.now.isSyncing);
    account.messages.set("aa", []);
    account.tell("messageDeletions", { conversationId: "aa", messageId: id });
    await until(() => list.now.messages.length === 0);
    await client.close();
  });

  it("sends what was written without a network once it is back", async () => {
    account.group("aa");
    account.message("aa", "written in the tunnel", { deliveryStatus: DeliveryStatus.Unpublished });
    const client = await opened();
    const list = await probe(({ conversation }) => useMessages(conversation), { client, input: { conversation: await conversation(client) } });
    await until(() => list.now.messages.length === 1 && !list.now.isSyncing);
    assert.equal(list.now.messages[0].deliveryStatus, DeliveryStatus.Unpublished);
    account.tell("connection", { connection: "connected" });
    await until(() => list.now.messages[0].deliveryStatus === DeliveryStatus.Published);
    await client.close();
  });
});

describe("useSend", () => {
  async function chat() {
    account.group("aa");
    const client = await opened();
    const conversation = await client.conversations.getConversationById("aa");
    const both = await probe(() => ({ ...useMessages(conversation), sending: useSend(conversation) }), { client });
    await until(() => !both.now.isSyncing);
    return { client, both };
  }

  it("shows a message at once and then that it was sent", async () => {
    const { client, both } = await chat();
    const { sendText } = both.now.sending;
    let publish;
    account.overrides["group.publishMessages"] = async (args, worker) => {
      await new Promise((resolve) => (publish = resolve));
      return account.answer(worker, "group.publishMessages", args);
    };
    let sent;
    await act(async () => void (sent = sendText("Soup or noodles?")));
    await until(() => both.now.messages[0]?.deliveryStatus === DeliveryStatus.Unpublished);
    assert.equal(both.now.sending.isSending, true);
    await until(() => publish !== undefined);
    publish();
    await act(async () => assert.equal(await sent, both.now.messages[0].id));
    assert.equal(both.now.messages[0].deliveryStatus, DeliveryStatus.Published);
    assert.deepEqual([both.now.sending.isSending, both.now.sending.error], [false, undefined]);
    assert.equal(both.now.sending.sendText, sendText, "the functions stay the same");
    await client.close();
  });

  it("keeps what could not be sent, and tells why", async () => {
    const { client, both } = await chat();
    account.isOnline = false;
    await act(async () => void (await assert.rejects(both.now.sending.sendText("hello"), code("network.unavailable"))));
    assert.equal(both.now.messages[0].deliveryStatus, DeliveryStatus.Unpublished);
    assert.deepEqual([both.now.sending.isSending, both.now.sending.error.code], [false, "network.unavailable"]);
    account.isOnline = true;
    await act(async () => void (await both.now.sending.sendText("again")));
    assert.equal(both.now.sending.error, undefined);
    assert.ok(both.now.messages.every(({ deliveryStatus }) => deliveryStatus === DeliveryStatus.Published));
    await client.close();
  });

  it("stores only what is to be sent later", async () => {
    const { client, both } = await chat();
    await act(async () => void (await both.now.sending.sendText("later", { optimistic: true })));
    assert.equal(both.now.messages[0].deliveryStatus, DeliveryStatus.Unpublished);
    assert.ok(!account.asked.some(([method]) => method === "group.publishMessages"));
    await act(async () => void (await both.now.sending.sendReadReceipt()));
    const receipt = account.asked.find(([method, args]) => method === "group.sendContent" && args.kind === "readReceipt");
    assert.deepEqual(receipt[1].options, { optimistic: true });
    await client.close();
  });

  it("gives up by its signal also what is stored and on its way", async () => {
    const { client, both } = await chat();
    let isUnderWay = false;
    account.overrides["group.publishMessages"] = () => ((isUnderWay = true), new Promise(() => {}));
    const abort = new AbortController();
    let sent;
    await act(async () => {
      sent = both.now.sending.sendText("hello", { signal: abort.signal });
      sent.catch(() => undefined);
    });
    await until(() => isUnderWay);
    abort.abort();
    await act(async () => void (await assert.rejects(sent, code("call.aborted"))));
    assert.deepEqual([both.now.sending.isSending, both.now.sending.error.code], [false, "call.aborted"]);
    assert.equal(both.now.messages[0].deliveryStatus, DeliveryStatus.Unpublished);
    await client.close();
  });

  it("refuses without a conversation", async () => {
    const client = await opened();
    const { now } = await probe(() => useSend(undefined), { client });
    await assert.rejects(now.sendText("to nobody"), code("argument.invalid"));
    await client.close();
  });
});

describe("the others", () => {
  it("useMembers follows who comes, who goes and who is let in", async () => {
    account.group("aa");
    const client = await opened();
    const conversation = await client.conversations.getConversationById("aa");
    const list = await probe(() => useMembers(conversation), { client });
    await until(() => list.now.members.length === 1 && !list.now.isSyncing);
    const [own] = list.now.members;
    const bob = { inboxId: "b".repeat(64), accountIdentifiers: [], installationIds: [], permissionLevel: 0, consentState: 0 };
    account.members.set("aa", [...account.members.get("aa"), bob]);
    account.tellMessage(account.message("aa", "", { kind: 1 }));
    await until(() => list.now.members.length === 2);
    assert.equal(list.now.members[0], own);
    account.members.set("aa", [account.members.get("aa")[0], { ...bob, consentState: 1 }]);
    account.tell("preferences", { updates: [{ type: "ConsentUpdate", consent: { entityType: 1, entity: bob.inboxId, state: 1 } }] });
    await until(() => list.now.members[1].consentState === ConsentState.Allowed);
    await client.close();
  });

  it("useConsent decides, and hears what was decided elsewhere", async () => {
    account.group("aa");
    const client = await opened();
    const conversation = await client.conversations.getConversationById("aa");
    const about = await probe(() => useConsent(conversation), { client });
    await until(() => about.now.state === ConsentState.Unknown && !about.now.isSyncing);
    await act(async () => void (await about.now.allow()));
    assert.equal(about.now.state, ConsentState.Allowed);
    account.consent.set("0 aa", ConsentState.Denied);
    account.tell("preferences", { updates: [{ type: "ConsentUpdate", consent: { entityType: 0, entity: "aa", state: 2 } }] });
    await until(() => about.now.state === ConsentState.Denied);
    // An object written anew at each render is the same question.
    const person = await probe(() => useConsent({ entityType: ConsentEntityType.InboxId, entity: "b".repeat(64) }), { client });
    await until(() => person.now.state === ConsentState.Unknown && !person.now.isSyncing);
    assert.equal(account.streams("preferences").length, 2);
    await client.close();
  });

  it("useConnection shows each state", async () => {
    const client = await opened();
    const seen = await probe(() => useConnection(), { client });
    await until(() => seen.now === "connected" && streams() === 1);
    account.tell("connection", { connection: "reconnecting" });
    await until(() => seen.now === "reconnecting");
    await seen.unmount();
    await until(() => streams() === 0);
    await client.close();
  });
});

describe("the core", () => {
  it("knows nothing of React", () => {
    const reached = new Set();
    const visit = (url) => {
      if (reached.has(url.href)) return;
      reached.add(url.href);
      for (const [, specifier] of readFileSync(url, "utf8").matchAll(/^(?:import|export)\b[^"'();=]*["']([^"']+)["'];?$/gm)) {
        assert.ok(specifier.startsWith("."), `${url.pathname} imports ${specifier}`);
        visit(new URL(specifier, url));
      }
    };
    for (const entry of ["index.js", "worker.js"]) visit(new URL(`../../pkg/${entry}`, import.meta.url));
    assert.ok(reached.size > 20);
    assert.ok(![...reached].some((url) => url.includes("/react/")));
  });

  it("is told by the entry to run in the browser, for frameworks that ask", () => {
    assert.match(readFileSync(new URL("../../pkg/react/index.js", import.meta.url), "utf8"), /^"use client";/);
  });
});
