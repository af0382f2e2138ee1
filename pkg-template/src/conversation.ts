import type { Channel } from "./channel.js";
import { invalidArgument } from "./errors.js";
import { checkBigints, checkKeys } from "./options.js";
import { DecodedMessage } from "./message.js";
import type { GroupSnapshot, MessageSnapshot } from "./rpc.js";
import { openStream, type AsyncStreamProxy, type StreamOptions } from "./streams.js";
import {
  SortDirection,
  type EncodedContent,
  type GroupMember,
  type GroupMetadata,
  type ListMessagesOptions,
  type SendOptions,
  type SendTextOptions,
} from "./types.js";

/** A conversation. Getters show what was known at the last call that looked: `sync()` renews them. */
export class Conversation {
  /** @internal */
  protected readonly channel: Channel;
  /** @internal */
  protected snapshot: GroupSnapshot;

  /** @internal */
  constructor(channel: Channel, snapshot: GroupSnapshot) {
    this.channel = channel;
    this.snapshot = snapshot;
  }

  /** Lower-case hex, 32 characters. */
  get id(): string {
    return this.snapshot.id;
  }

  /** Nanoseconds since the Unix epoch, UTC. */
  get createdAtNs(): bigint {
    return this.snapshot.createdAtNs;
  }

  get createdAt(): Date {
    return new Date(Number(this.createdAtNs / 1_000_000n));
  }

  get addedByInboxId(): string {
    return this.snapshot.addedByInboxId;
  }

  get metadata(): GroupMetadata {
    return this.snapshot.metadata;
  }

  /** Whether this inbox is still a member. */
  async isActive(): Promise<boolean> {
    return (await this.refresh()).isActive;
  }

  /** The version this conversation waits for (XIP-72); undefined when it is not paused. */
  async pausedForVersion(): Promise<string | undefined> {
    return (await this.refresh()).pausedForVersion;
  }

  async members(): Promise<GroupMember[]> {
    return this.channel.call("group.members", { groupId: this.id });
  }

  /** Fetches and applies what is new; sends what could not be sent before. */
  async sync(): Promise<void> {
    this.snapshot = await this.channel.call("group.sync", { groupId: this.id });
  }

  /** Sends the messages that were stored with `optimistic`. */
  async publishMessages(): Promise<void> {
    await this.channel.call("group.publishMessages", { groupId: this.id });
  }

  /** Sends content of any type; answers the message's id. */
  async send(content: EncodedContent, options: SendOptions): Promise<string> {
    checkKeys("send", options, ["shouldPush", "optimistic", "idempotencyKey"]);
    if (typeof options?.shouldPush !== "boolean") throw invalidArgument("send needs the option shouldPush");
    return this.channel.call("group.send", { groupId: this.id, content, options });
  }

  async sendText(text: string, options: SendTextOptions = {}): Promise<string> {
    if (typeof text !== "string") throw invalidArgument("the text must be a string");
    checkKeys("sendText", options, ["optimistic", "idempotencyKey"]);
    return this.channel.call("group.sendText", { groupId: this.id, text, options: { ...options, shouldPush: true } });
  }

  /** Messages of the local database, oldest first unless `direction` says otherwise. */
  async messages(options: ListMessagesOptions = {}): Promise<DecodedMessage[]> {
    checkMessageOptions(options);
    const found = await this.channel.call("group.messages", { groupId: this.id, options });
    return found.map((message) => new DecodedMessage(message));
  }

  async countMessages(options: Omit<ListMessagesOptions, "limit" | "direction"> = {}): Promise<bigint> {
    checkMessageOptions(options);
    return this.channel.call("group.countMessages", { groupId: this.id, options });
  }

  async lastMessage(): Promise<DecodedMessage | undefined> {
    return (await this.messages({ limit: 1n, direction: SortDirection.Descending }))[0];
  }

  /** Messages of this conversation from now on. */
  stream(options?: StreamOptions<DecodedMessage>): Promise<AsyncStreamProxy<DecodedMessage>> {
    return openStream(
      this.channel,
      { type: "messages", groupId: this.id },
      (value) => new DecodedMessage(value as MessageSnapshot),
      options,
    );
  }

  /** @internal */
  protected async refresh(): Promise<GroupSnapshot> {
    this.snapshot = await this.channel.call("group.snapshot", { groupId: this.id });
    return this.snapshot;
  }
}

function checkMessageOptions(options: ListMessagesOptions): void {
  checkKeys("messages", options, [
    "sentBeforeNs", "sentAfterNs", "insertedBeforeNs", "insertedAfterNs", "limit",
    "deliveryStatus", "direction", "kind", "excludeSenderInboxIds",
  ]);
  checkBigints(options, ["sentBeforeNs", "sentAfterNs", "insertedBeforeNs", "insertedAfterNs", "limit"]);
}
