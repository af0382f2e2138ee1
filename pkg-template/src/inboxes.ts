import type { CallOptions } from "./abort.js";
import type { Channel } from "./channel.js";
import { signalled } from "./options.js";
import type { InboxState } from "./types.js";

/** What is known of inboxes, the own one and others'. */
export class InboxStates {
  readonly #channel: Channel;
  readonly #inboxId: string;

  /** @internal */
  constructor(channel: Channel, inboxId: string) {
    this.#channel = channel;
    this.#inboxId = inboxId;
  }

  /** The own inbox, as it is stored here. */
  async inboxState(): Promise<InboxState> {
    return this.#own(false, {});
  }

  /** The own inbox, fetched from the node. */
  async fetchInboxState(options: CallOptions = {}): Promise<InboxState> {
    return this.#own(true, options);
  }

  /** Inboxes as they are stored here, in the order of the question; `identity.unknown_inbox` for one that is not. */
  getInboxStates(inboxIds: string[]): Promise<InboxState[]> {
    return this.#channel.call("client.inboxStates", { inboxIds, fromNetwork: false });
  }

  /** Inboxes fetched from the node, in the order of the question. */
  fetchInboxStates(inboxIds: string[], options: CallOptions = {}): Promise<InboxState[]> {
    const begin = (): Promise<InboxState[]> => this.#channel.call("client.inboxStates", { inboxIds, fromNetwork: true });
    return signalled("fetchInboxStates", options, begin);
  }

  async #own(fromNetwork: boolean, options: CallOptions): Promise<InboxState> {
    const args = { inboxIds: [this.#inboxId], fromNetwork };
    const states = await signalled("fetchInboxState", options, () => this.#channel.call("client.inboxStates", args));
    return states[0] as InboxState;
  }
}
