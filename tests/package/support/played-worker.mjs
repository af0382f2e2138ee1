// A worker that is played: an account in memory behind the requests of `rpc.ts`, for tests of what the page does with it.
import { setImmediate } from "node:timers/promises";

const ZEROS = "0".repeat(64);
export const INBOX = "a".repeat(64);

/** What every worker of a test shares: the database and the node. */
export class Account {
  groups = new Map();
  messages = new Map();
  members = new Map();
  consent = new Map();
  connection = "connected";
  isOnline = true;
  /** Answers by method, in place of the account's own. */
  overrides = {};
  /** Every request, as [method, args]. */
  asked = [];
  workers = [];
  /** Whether workers wait for `listen` until they hear anything, as those do whose parts are loaded late. */
  isLate = false;
  /** What was said to a worker that did not listen: in a browser it is lost. */
  lost = [];
  #numbers = 0;

  group(id, more = {}) {
    const snapshot = {
      id, createdAtNs: BigInt((this.#numbers += 1)), addedByInboxId: INBOX, name: id, description: "", imageUrl: "", appData: "",
      admins: [], superAdmins: [INBOX], metadata: { creatorInboxId: INBOX, conversationType: 1 }, epoch: 1n, isActive: true,
      permissions: { policyType: 0, policySet: {} }, ...more,
    };
    this.groups.set(id, snapshot);
    if (!this.messages.has(id)) this.messages.set(id, []);
    if (!this.members.has(id)) {
      this.members.set(id, [{ inboxId: INBOX, accountIdentifiers: [], installationIds: [], permissionLevel: 2, consentState: 1 }]);
    }
    return snapshot;
  }

  message(groupId, text, more = {}) {
    const at = BigInt(Date.now()) * 1_000_000n + BigInt((this.#numbers += 1));
    const message = {
      id: `${this.#numbers}`.padStart(64, "0"), conversationId: groupId, senderInboxId: INBOX, senderInstallationId: ZEROS,
      sentAtNs: at, insertedAtNs: at, kind: 0, deliveryStatus: 1, numReplies: 0n, body: { type: "text", content: text },
      reactions: [], ...more,
    };
    this.messages.get(groupId).push(message);
    return message;
  }

  /** Tells every stream of a kind. */
  tell(type, value, isMeant = () => true) {
    for (const { send } of this.streams(type).filter(({ source }) => isMeant(source))) send({ event: "value", value });
  }

  tellMessage(message) {
    this.tell("allMessages", message);
    this.tell("messages", message, ({ groupId }) => groupId === message.conversationId);
  }

  streams(type) {
    const all = this.workers.flatMap((worker) => [...worker.streams.values()]);
    return type === undefined ? all : all.filter(({ source }) => source.type === type);
  }

  get openClients() {
    return this.workers.filter(({ isOpen }) => isOpen).length;
  }

  answer(worker, method, args) {
    switch (method) {
      case "client.open":
        worker.isOpen = true;
        return { inboxId: INBOX, installationId: ZEROS, installationIdBytes: new Uint8Array(32), isRegistered: true, protocolVersion: "1.0.0" };
      case "tools.deleteDatabase":
        return { installationId: this.deleted };
      case "client.isRegistered":
        return true;
      case "client.connectionState":
        return this.connection;
      case "opfs.list":
        return [];
      case "client.counts":
        return { bytes: 81_920, groups: this.groups.size, dms: 0, messages: [...this.messages.values()].flat().length, paused: 0, unpublished: 0, failed: 0 };
      case "client.close":
        worker.isOpen = false;
        return undefined;
      case "conversations.list":
        return [...this.groups.values()];
      case "conversations.byId":
        return this.groups.get(args.groupId);
      case "group.snapshot":
        return this.groups.get(args.groupId);
      case "group.members":
        return this.members.get(args.groupId);
      case "group.messages": {
        const all = [...this.messages.get(args.groupId)].sort((one, other) => (one.sentAtNs < other.sentAtNs ? -1 : 1));
        if (args.options.direction === 1) all.reverse();
        return args.options.limit === undefined ? all : all.slice(0, Number(args.options.limit));
      }
      case "group.sendContent": {
        const { id } = this.message(args.groupId, args.content, { deliveryStatus: 0 });
        return id;
      }
      case "group.publishMessages": {
        if (!this.isOnline) throw { code: "network.unavailable", message: "there is no network", retryable: true };
        this.messages.set(args.groupId, this.messages.get(args.groupId).map((each) => ({ ...each, deliveryStatus: 1 })));
        return undefined;
      }
      case "preferences.getConsentState":
        return this.consent.get(`${args.entityType} ${args.entity}`) ?? 0;
      case "preferences.setConsentStates":
        for (const { entityType, entity, state } of args.records) this.consent.set(`${entityType} ${entity}`, state);
        return undefined;
      case "stream.open": {
        const { streamId, source } = args;
        worker.streams.set(streamId, { source, send: (event) => worker.post({ type: "stream", streamId, ...event }) });
        return [];
      }
      case "stream.end":
        worker.streams.delete(args.streamId);
        return undefined;
      default:
        return undefined;
    }
  }

  /** The class that takes the place of `Worker`. */
  get Worker() {
    const account = this;
    return class PlayedWorker extends EventTarget {
      streams = new Map();
      isOpen = false;
      isListening = false;
      isTerminated = false;

      constructor() {
        super();
        account.workers.push(this);
        if (!account.isLate) queueMicrotask(() => this.listen());
      }

      listen() {
        this.isListening = true;
        this.post({ type: "ready" });
      }

      post(data) {
        if (!this.isTerminated) this.dispatchEvent(Object.assign(new Event("message"), { data: structuredClone(data) }));
      }

      async postMessage({ id, method, args }) {
        if (!this.isListening) return void account.lost.push([method, args]);
        // What is posted is copied at once.
        account.asked.push([method, structuredClone(args)]);
        await setImmediate();
        if (this.isTerminated) return;
        try {
          const override = account.overrides[method];
          const result = override === undefined ? account.answer(this, method, args) : await override(args, this);
          this.post({ type: "answer", id, ok: true, result });
        } catch (error) {
          const { code = "internal", message = String(error), retryable = false } = error;
          this.post({ type: "answer", id, ok: false, error: { code, message, retryable } });
        }
      }

      terminate() {
        this.isTerminated = true;
        this.isOpen = false;
        this.streams.clear();
      }
    };
  }
}
