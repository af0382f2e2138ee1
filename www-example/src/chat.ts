/** What the page knows: a running client, its conversations, and how far sending has come. Draws nothing. */
import {
  Client,
  ConsentEntityType,
  ConsentState,
  DeliveryStatus,
  SortDirection,
  XmtpError,
  ethereumIdentifier,
  PermissionLevel,
  ReactionAction,
  ReactionSchema,
  encodeText,
  isAttachment,
  isDeletedMessage,
  isGroupUpdated,
  isMarkdown,
  isReaction,
  isReadReceipt,
  isRemoval,
  isText,
  isTextReply,
  type Consent,
  type DecodedMessage,
  Group,
  type GroupMember,
  type GroupUpdated,
} from "xmtp-web";
import { shortAddress } from "./dom.js";
import { removedText } from "./message-parts.js";
import { nodeUrl, signerOf, type Remembered } from "./identity.js";

export interface Conversation {
  group: Group;
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
  unread: number;
  /** Why the last attempt to send failed; undefined when nothing is wrong. */
  problem: XmtpError | undefined;
  publishing: Promise<void>;
}

export type Delivery = "sending" | "sent" | "failed";
export type Connection = "connecting" | "online" | "offline";

const PAGE = 200;
/** Denied conversations are listed too, where they can be let in again. */
const EVERY_STATE = [ConsentState.Unknown, ConsentState.Allowed, ConsentState.Denied];
/** Waits between attempts to reach a node that is away, milliseconds; the last one repeats. */
const RETRY_MS = [1_000, 2_000, 4_000, 8_000, 15_000];

export class Chat {
  readonly conversations = new Map<string, Conversation>();
  connection: Connection = "connecting";
  /** Id of the conversation on screen. */
  openId: string | undefined;
  onChange: () => void = () => {};
  #retries = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #names = new Map<string, string>();

  private constructor(readonly client: Client) {}

  static async connect(identity: Remembered): Promise<Chat> {
    const client = await Client.create(signerOf(identity), {
      env: "local",
      apiUrl: nodeUrl,
      appVersion: "xmtp-web-example/0.1.0",
    });
    const chat = new Chat(client);
    await chat.refreshList();
    void chat.#goOnline();
    addEventListener("online", () => chat.#retryNow());
    // Gives the database back at once, for the next page that opens it.
    addEventListener("pagehide", () => void client.close());
    addEventListener("pageshow", (event) => event.persisted && location.reload());
    return chat;
  }

  get address(): string {
    return this.client.accountIdentifier.identifier;
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
    if (message.deliveryStatus === DeliveryStatus.Failed || conversation.problem !== undefined) return "failed";
    return "sending";
  }

  nameOf(inboxId: string): string {
    if (inboxId === this.client.inboxId) return "You";
    return this.#names.get(inboxId) ?? shortAddress(inboxId);
  }

  titleOf({ group, members }: Conversation): string {
    if (group.name) return group.name;
    const others = members.filter((member) => member.inboxId !== this.client.inboxId);
    return others.length > 0 ? others.map((member) => this.nameOf(member.inboxId)).join(", ") : "Just you";
  }

  /** One line that says what a message is; undefined for what is not shown. */
  textOf(message: DecodedMessage): string | undefined {
    if (isText(message) || isMarkdown(message)) return message.content;
    if (isTextReply(message)) return message.content?.content;
    if (isDeletedMessage(message)) return removedText(this, message);
    if (isAttachment(message)) return `File: ${message.content?.filename ?? message.content?.mimeType ?? ""}`;
    if (isReaction(message) || isReadReceipt(message) || isRemoval(message)) return undefined;
    if (isGroupUpdated(message)) return this.#transcript(message.content as GroupUpdated);
    return message.fallback;
  }

  async createGroup(name: string, addresses: string[]): Promise<Conversation> {
    const identifiers = addresses.map(ethereumIdentifier);
    const group = await this.client.conversations.createGroupWithIdentifiers(identifiers, { groupName: name });
    return this.#adopt(group);
  }

  /** Stores the message first, so that a closed page loses nothing, then sends it. */
  async send(conversation: Conversation, text: string, replyTo?: DecodedMessage): Promise<void> {
    const { group } = conversation;
    if (replyTo === undefined) await group.sendText(text, { optimistic: true });
    else {
      const content = await encodeText(text);
      const reply = { content, reference: replyTo.id, referenceInboxId: replyTo.senderInboxId };
      await group.sendReply(reply, { optimistic: true });
    }
    await this.#reload(conversation);
    void this.publish(conversation);
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
    await conversation.group.sendReaction(reaction, { optimistic: true });
    await this.#reload(conversation);
    void this.publish(conversation);
  }

  /** Whether the button is shown; the client says no to what cannot be removed all the same. */
  canRemove({ members }: Conversation, message: DecodedMessage): boolean {
    if (message.deliveryStatus !== DeliveryStatus.Published) return false;
    const own = members.find((member) => member.inboxId === this.client.inboxId);
    if (own && own.permissionLevel !== PermissionLevel.Member) return true;
    return this.isOwn(message) && Date.now() - message.sentAt.getTime() <= 24 * 60 * 60_000;
  }

  /** Removes a message for everybody. */
  async remove(conversation: Conversation, message: DecodedMessage): Promise<void> {
    await conversation.group.removeMessage(message.id, { optimistic: true });
    await this.#reload(conversation);
    void this.publish(conversation);
  }

  /** Sends what is stored and unsent, one attempt at a time. */
  publish(conversation: Conversation): Promise<void> {
    conversation.problem = undefined;
    conversation.publishing = conversation.publishing.then(async () => {
      try {
        await conversation.group.publishMessages();
        conversation.problem = undefined;
      } catch (error) {
        conversation.problem = asXmtpError(error);
        if (conversation.problem.retryable) this.#retryLater();
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

  /** Reads the conversations of the database. */
  async refreshList(): Promise<void> {
    const groups = await this.client.conversations.listGroups({ consentStates: EVERY_STATE });
    for (const group of groups) await this.#adopt(group);
    this.onChange();
  }

  async #adopt(group: Group): Promise<Conversation> {
    const known = this.conversations.get(group.id);
    const conversation: Conversation = known ?? {
      group,
      messages: [],
      limit: PAGE,
      members: [],
      active: true,
      consent: ConsentState.Unknown,
      pausedForVersion: undefined,
      unread: 0,
      problem: undefined,
      publishing: Promise.resolve(),
    };
    conversation.group = group;
    this.conversations.set(group.id, conversation);
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
      for (const member of conversation.members) {
        const address = member.accountIdentifiers[0]?.identifier;
        if (address) this.#names.set(member.inboxId, shortAddress(address));
      }
    }
    this.onChange();
  }

  /** Starts both streams; when the node is away, tries again until it is there. */
  async #goOnline(): Promise<void> {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    const open: { end(): unknown }[] = [];
    const events = {
      onRetry: () => this.#setConnection("offline"),
      onRestart: () => this.#cameOnline(),
      // One stream has used up its retries: both begin anew.
      onFail: () => restart(),
      // A single message that cannot be read says nothing about the connection.
      onError: (error: XmtpError) => console.warn(error.code, error.message),
    };
    let failed = false;
    const restart = (): void => {
      if (failed) return;
      failed = true;
      for (const stream of open) stream.end();
      this.#setConnection("offline");
      this.#retryLater(true);
    };
    try {
      const { conversations } = this.client;
      open.push(await conversations.streamGroups({ ...events, onValue: (group) => void this.#adopt(group) }));
      open.push(
        await conversations.streamAllGroupMessages({
          ...events,
          consentStates: EVERY_STATE,
          onValue: (message) => void this.#received(message),
        }),
      );
      open.push(await conversations.streamPauses({ ...events, onValue: ({ conversationId }) => void this.#renewed(conversationId) }));
      open.push(await this.client.preferences.streamConsent({ ...events, onValue: (decided) => void this.#decided(decided) }));
      await this.refreshList();
      this.#cameOnline();
    } catch (error) {
      if (asXmtpError(error).code !== "client.closed") restart();
    }
  }

  #cameOnline(): void {
    this.#retries = 0;
    this.#setConnection("online");
    this.#publishPending();
  }

  #publishPending(): void {
    for (const conversation of this.conversations.values()) {
      const pending = conversation.messages.some((each) => each.deliveryStatus === DeliveryStatus.Unpublished);
      if (pending) void this.publish(conversation);
    }
  }

  #reconnecting = false;

  #retryLater(reconnect = false): void {
    this.#reconnecting ||= reconnect;
    if (this.#retryTimer !== undefined) return;
    const wait = RETRY_MS[Math.min(this.#retries++, RETRY_MS.length - 1)] as number;
    this.#retryTimer = setTimeout(() => this.#retryNow(), wait);
  }

  #retryNow(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    if (this.#reconnecting) {
      this.#reconnecting = false;
      void this.#goOnline();
    } else this.#publishPending();
  }

  #setConnection(connection: Connection): void {
    this.connection = connection;
    this.onChange();
  }

  async #received(message: DecodedMessage): Promise<void> {
    const conversation = this.conversations.get(message.conversationId);
    if (!conversation) return this.refreshList();
    const quiet = conversation.consent === ConsentState.Denied;
    const seen = quiet || this.openId === message.conversationId && document.visibilityState === "visible";
    if (!seen && !this.isOwn(message) && this.textOf(message) !== undefined) conversation.unread += 1;
    if (isGroupUpdated(message)) {
      const renewed = await this.client.conversations.getConversationById(message.conversationId);
      if (renewed instanceof Group) conversation.group = renewed;
    }
    await this.#reload(conversation, isGroupUpdated(message));
  }

  /** A group stopped for a newer version, or goes on. */
  async #renewed(id: string): Promise<void> {
    const conversation = this.conversations.get(id);
    if (conversation) await this.#reload(conversation, true);
  }

  /** Decisions made here or on another device of this person. */
  async #decided(decisions: Consent[]): Promise<void> {
    for (const { entityType, entity } of decisions) {
      const conversation = entityType === ConsentEntityType.GroupId && this.conversations.get(entity);
      if (conversation) await this.#reload(conversation);
    }
  }

  #transcript(change: GroupUpdated): string {
    const who = this.nameOf(change.initiatedByInboxId);
    const list = (inboxes: { inboxId: string }[] | undefined): string =>
      (inboxes ?? []).map(({ inboxId }) => (inboxId === this.client.inboxId ? "you" : this.nameOf(inboxId))).join(", ");
    const parts: string[] = [];
    if (change.addedInboxes?.length) parts.push(`${who} added ${list(change.addedInboxes)}`);
    if (change.removedInboxes?.length) parts.push(`${who} removed ${list(change.removedInboxes)}`);
    if (change.leftInboxes?.length) parts.push(`${list(change.leftInboxes)} left`);
    for (const { fieldName, newValue } of change.metadataFieldChanges ?? []) {
      if (fieldName === "group_name") parts.push(`${who} named the group “${newValue ?? ""}”`);
      else parts.push(`${who} changed the ${fieldName.replaceAll("_", " ")}`);
    }
    if (change.addedAdminInboxes?.length) parts.push(`${who} made ${list(change.addedAdminInboxes)} admin`);
    if (change.addedSuperAdminInboxes?.length) parts.push(`${who} made ${list(change.addedSuperAdminInboxes)} super admin`);
    return parts.join(" · ") || `${who} changed the group`;
  }
}

export function asXmtpError(error: unknown): XmtpError {
  if (error instanceof XmtpError) return error;
  return new XmtpError("internal", error instanceof Error ? error.message : String(error));
}

/** What to tell a person. */
export function explain(error: unknown): string {
  const { code, message } = asXmtpError(error);
  switch (code) {
    case "network.unavailable":
    case "network.timeout":
      return `The node at ${nodeUrl} cannot be reached. Is it running?`;
    case "storage.locked_by_other_tab":
      return "This account is already open in another tab. Close that one, then try again.";
    case "storage.unavailable":
      return "This browser gives the page no storage. A private window often refuses it.";
    case "identity.unknown_address":
      return "Nobody has signed up with one of these addresses on this network yet.";
    case "identity.invalid_address":
      return "One of these is not an address: 0x and 40 hex digits.";
    case "identity.signer_refused":
      return "The wallet did not sign.";
    case "message.removal_too_late":
      return "It is more than a day old: only an admin can remove it now.";
    case "group.paused":
      return "This group needs a newer version of the app.";
    case "group.minimum_version":
      return "Choose a version that is not above this app's own and not below the one the group has.";
    case "group.not_permitted":
      return "This group's rules do not let you do that.";
    default:
      return `${message} (${code})`;
  }
}
