/** What the page knows: a running client, its conversations, and how far sending has come. Draws nothing. */
import {
  Client,
  ConsentEntityType,
  ConsentState,
  DeliveryStatus,
  Dm,
  Group,
  GroupMessageKind,
  PermissionLevel,
  ReactionAction,
  ReactionSchema,
  SortDirection,
  XmtpError,
  encodeText,
  ethereumIdentifier,
  isGroupUpdated,
  type Consent,
  type DecodedMessage,
  type GroupMember,
} from "xmtp-web";
import { Connection, EVERY_STATE, isEnd } from "./connection.js";
import { describe } from "./describe.js";
import { shortAddress } from "./dom.js";
import { asXmtpError } from "./explain.js";
import { nodeUrl, signerOf, type Remembered } from "./identity.js";
import { Memory } from "./memory.js";

export interface Conversation {
  /** The group's id; of a direct message the other person's inbox id, since it may have several groups. */
  id: string;
  group: Group | Dm;
  /** Inbox id of the other person of a direct message; undefined for a group. */
  peer: string | undefined;
  /** Oldest first. */
  messages: DecodedMessage[];
  /** How many of the newest messages are looked at. */
  limit: number;
  members: GroupMember[];
  active: boolean;
  /** What was decided about it; unknown makes it a request. */
  consent: ConsentState;
  /** The version this group needs, while it waits for one. */
  pausedForVersion: string | undefined;
  /** After how long messages disappear, nanoseconds; 0n: they stay. */
  disappearsAfterNs: bigint;
  unread: number;
  /** Why the last attempt to send failed; undefined when nothing is wrong. */
  problem: XmtpError | undefined;
  publishing: Promise<void>;
}

export type GroupConversation = Conversation & { group: Group };

export function isGroup(conversation: Conversation): conversation is GroupConversation {
  return conversation.group instanceof Group;
}

/** `waiting`: goes out by itself when the node is there again. `failed`: needs a person. */
export type Delivery = "sending" | "waiting" | "sent" | "failed";

const PAGE = 200;
/** Waits between attempts to send to a node that answers with a passing error, milliseconds; the last one repeats. */
const RESEND_MS = [1_000, 2_000, 4_000, 8_000];

export class Chat {
  readonly conversations = new Map<string, Conversation>();
  readonly connection: Connection;
  readonly memory: Memory;
  /** Id of the conversation on screen. */
  openId: string | undefined;
  /** Why this tab can do nothing more; undefined while it can. */
  ended: XmtpError | undefined;
  onChange: () => void = () => {};
  #resends = 0;
  #resendTimer: ReturnType<typeof setTimeout> | undefined;
  #names = new Map<string, string>();
  /** Which conversation each group belongs to: both people may make one for the same direct message. */
  #ids = new Map<string, string>();

  private constructor(readonly client: Client) {
    this.memory = new Memory(client.inboxId);
    this.memory.onReadElsewhere((id) => this.#inBackground(this.#renewed(id, false)));
    client.on("ended", ({ error }) => error && this.#end(error));
    client.on("role", () => this.onChange());
    this.connection = new Connection(client, {
      changed: () => this.onChange(),
      cameOnline: () => this.#publishPending(),
      listChanged: () => this.refreshList(),
      conversation: (conversation) => this.#inBackground(this.#adopt(conversation)),
      message: (message) => this.#inBackground(this.#received(message)),
      renewed: (id) => this.#inBackground(this.#renewed(id)),
      consent: (decisions) => this.#inBackground(this.#decided(decisions)),
      expired: (messageId) => this.#inBackground(this.#expired(messageId)),
      ended: (error) => this.#end(error),
    });
  }

  static async connect(identity: Remembered): Promise<Chat> {
    const client = await Client.create(signerOf(identity), {
      env: "local",
      apiUrl: nodeUrl,
      appVersion: "xmtp-web-example/0.1.0",
    });
    const chat = new Chat(client);
    await chat.refreshList();
    void chat.connection.open();
    // Gives the database back at once, for the next page that opens it.
    addEventListener("pagehide", () => void client.close());
    addEventListener("pageshow", (event) => event.persisted && location.reload());
    return chat;
  }

  get address(): string {
    return this.client.accountIdentifier.identifier;
  }

  /** The conversation of a group, by the group's id. */
  ofGroup(groupId: string): Conversation | undefined {
    return this.conversations.get(this.#ids.get(groupId) ?? "");
  }

  /** Newest activity first. */
  sorted(): Conversation[] {
    const time = (each: Conversation): bigint => each.messages.at(-1)?.sentAtNs ?? each.group.createdAtNs;
    return [...this.conversations.values()].sort((a, b) => (time(a) < time(b) ? 1 : -1));
  }

  isOwn(message: DecodedMessage): boolean {
    return message.senderInboxId === this.client.inboxId;
  }

  delivery(conversation: Conversation, message: DecodedMessage): Delivery {
    if (message.deliveryStatus === DeliveryStatus.Published) return "sent";
    if (message.deliveryStatus === DeliveryStatus.Failed) return "failed";
    // It has not been tried: an older problem says nothing about it.
    if (this.connection.state === "offline") return "waiting";
    const { problem } = conversation;
    if (problem !== undefined) return problem.retryable ? "waiting" : "failed";
    return "sending";
  }

  nameOf(inboxId: string): string {
    if (inboxId === this.client.inboxId) return "You";
    return this.#names.get(inboxId) ?? shortAddress(inboxId);
  }

  titleOf({ group, peer, members }: Conversation): string {
    if (peer !== undefined) return this.nameOf(peer);
    if (group instanceof Group && group.name) return group.name;
    const others = members.filter((member) => member.inboxId !== this.client.inboxId);
    return others.length > 0 ? others.map((member) => this.nameOf(member.inboxId)).join(", ") : "Just you";
  }

  /** One line that says what a message is; undefined for what is not shown. */
  textOf(message: DecodedMessage): string | undefined {
    return describe(this, message);
  }

  /** What the person using the page may do in a group. */
  ownLevel({ members, peer }: Conversation): PermissionLevel {
    // Both made it, so to speak.
    if (peer !== undefined) return PermissionLevel.Member;
    return members.find(({ inboxId }) => inboxId === this.client.inboxId)?.permissionLevel ?? PermissionLevel.Member;
  }

  /** People are named by address or inbox id. */
  async createGroup(name: string, people: string[]): Promise<Conversation> {
    const inboxIds = await this.#inboxIds(people);
    return this.#adopt(await this.client.conversations.createGroup(inboxIds, { groupName: name }));
  }

  /** Finds the direct message with somebody, or makes it. */
  async startDm(person: string): Promise<Conversation> {
    const [inboxId] = await this.#inboxIds([person]);
    const dm = await this.client.conversations.createDm(inboxId as string);
    // Who writes first lets the other one answer.
    if ((await dm.consentState()) === ConsentState.Unknown) await dm.updateConsentState(ConsentState.Allowed);
    return this.#adopt(dm);
  }

  async #inboxIds(people: string[]): Promise<string[]> {
    return Promise.all(
      people.map(async (person) => {
        if (!person.startsWith("0x")) return person;
        const inboxId = await this.client.fetchInboxIdByIdentifier(ethereumIdentifier(person));
        if (inboxId === undefined) throw new XmtpError("identity.unknown_address", `${person} has no inbox`);
        return inboxId;
      }),
    );
  }

  /** Stores the message first, so that a closed page loses nothing, then sends it. */
  async send(conversation: Conversation, text: string, replyTo?: DecodedMessage): Promise<void> {
    await this.queue(conversation, async (group) => {
      if (replyTo === undefined) await group.sendText(text, { optimistic: true });
      else {
        const content = await encodeText(text);
        const reply = { content, reference: replyTo.id, referenceInboxId: replyTo.senderInboxId };
        await group.sendReply(reply, { optimistic: true });
      }
    });
  }

  /** Puts a reaction, or takes the own one back. */
  async react(conversation: Conversation, message: DecodedMessage, emoji: string, takeBack: boolean): Promise<void> {
    const reaction = {
      reference: message.id,
      referenceInboxId: message.senderInboxId,
      action: takeBack ? ReactionAction.Removed : ReactionAction.Added,
      content: emoji,
      schema: ReactionSchema.Unicode,
    };
    await this.queue(conversation, (group) => group.sendReaction(reaction, { optimistic: true }));
  }

  /** Whether the button is shown; the client says no to what cannot be removed all the same. */
  canRemove(conversation: Conversation, message: DecodedMessage): boolean {
    if (message.deliveryStatus !== DeliveryStatus.Published) return false;
    if (this.ownLevel(conversation) !== PermissionLevel.Member) return true;
    return this.isOwn(message) && Date.now() - message.sentAt.getTime() <= 24 * 60 * 60_000;
  }

  /** Removes a message for everybody. */
  async remove(conversation: Conversation, message: DecodedMessage): Promise<void> {
    await this.queue(conversation, (group) => group.removeMessage(message.id, { optimistic: true }));
  }

  /** Stores something to be sent, shows it, and sends it. */
  async queue(conversation: Conversation, store: (group: Group | Dm) => Promise<unknown>): Promise<void> {
    await store(conversation.group);
    this.#resends = 0;
    await this.#reload(conversation);
    void this.publish(conversation);
  }

  /** Sends what is stored and unsent, one attempt at a time; one that waits for the node is not spent while it is away. */
  publish(conversation: Conversation): Promise<void> {
    if (this.connection.state === "offline") return Promise.resolve();
    return this.#attempt(conversation, () => conversation.group.publishMessages());
  }

  /** Sends a message again that was given up. */
  async retry(conversation: Conversation, message: DecodedMessage): Promise<void> {
    this.connection.retryNow();
    if (message.deliveryStatus !== DeliveryStatus.Failed) return this.publish(conversation);
    await this.#attempt(conversation, () => conversation.group.resendMessage(message.id));
  }

  /** Forgets a message that was given up. */
  async discard(conversation: Conversation, message: DecodedMessage): Promise<void> {
    await conversation.group.discardMessage(message.id);
    conversation.problem = undefined;
    await this.#reload(conversation);
  }

  #attempt(conversation: Conversation, work: () => Promise<void>): Promise<void> {
    conversation.problem = undefined;
    conversation.publishing = conversation.publishing.then(async () => {
      try {
        await work();
        this.#resends = 0;
        conversation.problem = undefined;
      } catch (error) {
        conversation.problem = asXmtpError(error);
        if (conversation.problem.retryable) this.#resendLater();
      }
      await this.#reload(conversation);
    });
    this.onChange();
    return conversation.publishing;
  }

  /** Lets a conversation in or keeps it out. */
  async decide(conversation: Conversation, state: ConsentState): Promise<void> {
    await conversation.group.updateConsentState(state);
    await this.#reload(conversation);
  }

  async changed(conversation: Conversation): Promise<void> {
    await this.#reload(conversation, true);
  }

  async showEarlier(conversation: Conversation): Promise<void> {
    conversation.limit += PAGE;
    await this.#reload(conversation);
  }

  /** Loads as much as it takes to have a message of that time among what is shown. */
  async showUntil(conversation: Conversation, sentAtNs: bigint): Promise<void> {
    const needed = Number(await conversation.group.countMessages({ sentAfterNs: sentAtNs - 1n }));
    if (needed <= conversation.limit) return;
    conversation.limit = Math.ceil(needed / PAGE) * PAGE;
    await this.#reload(conversation);
  }

  /** Everything in it was looked at. */
  markRead(conversation: Conversation): void {
    const { id } = conversation;
    const newest = conversation.messages.reduce((max, { insertedAtNs }) => (insertedAtNs > max ? insertedAtNs : max), 0n);
    this.memory.keepReadUpTo(id, newest);
    conversation.unread = 0;
  }

  /** Reads the conversations of the database. */
  async refreshList(): Promise<void> {
    const all = await this.client.conversations.list({ consentStates: EVERY_STATE });
    for (const each of all) await this.#adopt(each);
    this.onChange();
  }

  async #adopt(group: Group | Dm): Promise<Conversation> {
    const peer = group instanceof Dm ? await group.peerInboxId() : undefined;
    const id = peer ?? group.id;
    const conversation: Conversation = this.conversations.get(id) ?? {
      id,
      group,
      peer,
      messages: [],
      limit: PAGE,
      members: [],
      active: true,
      consent: ConsentState.Unknown,
      pausedForVersion: undefined,
      disappearsAfterNs: 0n,
      unread: 0,
      problem: undefined,
      publishing: Promise.resolve(),
    };
    conversation.group = group;
    this.#ids.set(group.id, id);
    this.conversations.set(id, conversation);
    await this.#reload(conversation, true);
    return conversation;
  }

  async #reload(conversation: Conversation, withMembers = false): Promise<void> {
    const { group } = conversation;
    const newest = await group.messages({ limit: BigInt(conversation.limit), direction: SortDirection.Descending });
    const before = conversation.messages.at(-1)?.id;
    conversation.messages = newest.reverse();
    const changedGroup = conversation.messages.at(-1)?.id !== before && conversation.messages.some(isGroupUpdated);
    conversation.consent = await group.consentState();
    if (withMembers || changedGroup) {
      conversation.members = await group.members();
      conversation.active = await group.isActive();
      conversation.pausedForVersion = await group.pausedForVersion();
      const settings = await group.messageDisappearingSettings();
      conversation.disappearsAfterNs = settings !== undefined && settings.fromNs > 0n ? settings.inNs : 0n;
      for (const member of conversation.members) {
        const address = member.accountIdentifiers[0]?.identifier;
        if (address) this.#names.set(member.inboxId, shortAddress(address));
      }
    }
    await this.#countUnread(conversation);
    this.onChange();
  }

  async #countUnread(conversation: Conversation): Promise<void> {
    const { id, group, consent } = conversation;
    if (this.openId === id && document.visibilityState === "visible") this.markRead(conversation);
    else if (consent === ConsentState.Denied) conversation.unread = 0;
    else {
      const unread = await group.countMessages({
        insertedAfterNs: this.memory.readUpTo(id),
        excludeSenderInboxIds: [this.client.inboxId],
        kind: GroupMessageKind.Application,
        removed: false,
      });
      conversation.unread = Number(unread);
    }
  }

  /** For what nobody waits for: it has nowhere else to tell why it failed. */
  #inBackground(work: Promise<unknown>): void {
    work.catch((thrown: unknown) => {
      const error = asXmtpError(thrown);
      if (isEnd(error)) this.#end(error);
      else if (error.code !== "client.closed") console.warn(error.code, error.message);
    });
  }

  #end(error: XmtpError): void {
    this.ended ??= error;
    this.onChange();
  }

  #publishPending(): void {
    for (const conversation of this.conversations.values()) {
      const pending = conversation.messages.some((each) => each.deliveryStatus === DeliveryStatus.Unpublished);
      if (pending) void this.publish(conversation);
    }
  }

  #resendLater(): void {
    if (this.#resendTimer !== undefined) return;
    const wait = RESEND_MS[Math.min(this.#resends++, RESEND_MS.length - 1)] as number;
    this.#resendTimer = setTimeout(() => {
      this.#resendTimer = undefined;
      this.#publishPending();
    }, wait);
  }

  async #received(message: DecodedMessage): Promise<void> {
    const conversation = this.ofGroup(message.conversationId);
    if (!conversation) {
      const found = await this.client.conversations.getConversationById(message.conversationId);
      return found === undefined ? this.refreshList() : void (await this.#adopt(found));
    }
    if (isGroupUpdated(message)) {
      const renewed = await this.client.conversations.getConversationById(message.conversationId);
      if (renewed instanceof Group) conversation.group = renewed;
    }
    await this.#reload(conversation, isGroupUpdated(message));
  }

  /** Something of a conversation is new: it was fetched, it stopped for a newer version, it was read in another tab. */
  async #renewed(id: string, withMembers = true): Promise<void> {
    const conversation = this.conversations.get(id) ?? this.ofGroup(id);
    if (conversation) await this.#reload(conversation, withMembers);
  }

  /** The time of a message is over. */
  async #expired(messageId: string): Promise<void> {
    for (const conversation of this.conversations.values()) {
      if (conversation.messages.some(({ id }) => id === messageId)) await this.#reload(conversation);
    }
  }

  /** Decisions made here or on another device of this person. */
  async #decided(decisions: Consent[]): Promise<void> {
    for (const { entityType, entity } of decisions) {
      const conversation = entityType === ConsentEntityType.GroupId && this.ofGroup(entity);
      if (conversation) await this.#reload(conversation);
    }
  }
}
