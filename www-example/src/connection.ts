/** Keeps a client connected: the first fetch, the streams, and trying again when the node is away. */
import { ConsentState, type Client, type Consent, type DecodedMessage, type Dm, type Group, type XmtpError } from "xmtp-web";
import { asXmtpError } from "./explain.js";

export type ConnectionState = "connecting" | "online" | "offline";

/** How far the first fetch has come, in conversations. */
export interface Progress {
  done: number;
  total: number;
}

export interface Listener {
  changed(): void;
  /** Everything was read: what waits to be sent can be. */
  cameOnline(): void;
  /** The database has conversations that were not there before. */
  listChanged(): Promise<void>;
  conversation(conversation: Group | Dm): void;
  message(message: DecodedMessage): void;
  /** A conversation was fetched, or stopped for a newer version, or goes on. */
  renewed(conversationId: string): void;
  consent(decisions: Consent[]): void;
  expired(messageId: string): void;
  /** Nothing works any more in this tab. */
  ended(error: XmtpError): void;
}

/** Denied conversations are listed too, where they can be let in again. */
export const EVERY_STATE = [ConsentState.Unknown, ConsentState.Allowed, ConsentState.Denied];
/** Waits between attempts to reach a node that is away, milliseconds; the last one repeats. */
const RETRY_MS = [1_000, 2_000, 4_000, 8_000, 15_000];
/** How many conversations are fetched at once. */
const AT_ONCE = 4;

export class Connection {
  state: ConnectionState = "connecting";
  /** While conversations are fetched for the first time in this page. */
  progress: Progress | undefined;
  #retries = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #opening = false;
  #fetched = false;
  /** Ends the streams there are and has them opened again. */
  #restart: (() => void) | undefined;

  constructor(
    readonly client: Client,
    readonly listener: Listener,
  ) {
    addEventListener("online", () => this.retryNow());
  }

  /** Opens all streams; when the node is away, tries again until it is there. */
  async open(): Promise<void> {
    if (this.#opening) return;
    this.#opening = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const open: { end(): unknown }[] = [];
    let failed = false;
    const restart = (): void => {
      if (failed) return;
      failed = true;
      this.#opening = false;
      for (const stream of open) stream.end();
      this.#become("offline");
      const wait = RETRY_MS[Math.min(this.#retries++, RETRY_MS.length - 1)] as number;
      this.#timer = setTimeout(() => void this.open(), wait);
    };
    this.#restart = restart;
    const events = {
      onRetry: () => this.#become("offline"),
      onRestart: () => this.#cameOnline(),
      // One stream has used up its retries: all begin anew.
      onFail: () => restart(),
      // A single message that cannot be read says nothing about the connection.
      onError: (error: XmtpError) => (isEnd(error) ? this.listener.ended(error) : console.warn(error.code, error.message)),
    };
    try {
      const { conversations, preferences } = this.client;
      const { listener } = this;
      if (!this.#fetched) await this.#fetch();
      open.push(await conversations.stream({ ...events, onValue: (conversation) => listener.conversation(conversation) }));
      open.push(
        await conversations.streamAllMessages({
          ...events,
          consentStates: EVERY_STATE,
          onValue: (message) => listener.message(message),
        }),
      );
      open.push(await conversations.streamPauses({ ...events, onValue: ({ conversationId }) => listener.renewed(conversationId) }));
      open.push(await conversations.streamMessageDeletions({ ...events, onValue: (id) => listener.expired(id) }));
      open.push(await preferences.streamConsent({ ...events, onValue: (decided) => listener.consent(decided) }));
      await listener.listChanged();
      this.#opening = false;
      if (failed) return;
      // Tells of the state there is first.
      const onValue = (state: string): void => {
        if (state === "connected") this.#cameOnline();
        else if (state === "reconnecting") this.#become("offline");
      };
      open.push(await this.client.streamConnectionState({ ...events, onValue }));
    } catch (error) {
      const reason = asXmtpError(error);
      if (isEnd(reason)) this.listener.ended(reason);
      else if (reason.code !== "client.closed") restart();
    }
  }

  /** What a person asks for who does not want to wait. */
  retryNow(): void {
    if (this.state === "offline" && this.#timer === undefined) this.#restart?.();
    if (this.#timer !== undefined) void this.open();
  }

  /** Welcomes first, so that the list is there, then what was said in each conversation. */
  async #fetch(): Promise<void> {
    const { conversations } = this.client;
    await conversations.sync();
    const groups = await conversations.list({ consentStates: EVERY_STATE });
    const progress = { done: 0, total: groups.length };
    this.progress = progress;
    await this.listener.listChanged();
    const queue = groups.values();
    const work = async (): Promise<void> => {
      for (const group of queue) {
        await group.sync().catch((error: unknown) => {
          // A group that cannot be read must not keep the others from being read.
          if (asXmtpError(error).retryable || isEnd(asXmtpError(error))) throw error;
          console.warn(asXmtpError(error).code, asXmtpError(error).message);
        });
        progress.done += 1;
        this.listener.renewed(group.id);
        this.listener.changed();
      }
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      this.#fetched = true;
    } finally {
      this.progress = undefined;
    }
  }

  #cameOnline(): void {
    this.#retries = 0;
    this.#become("online");
    this.listener.cameOnline();
  }

  #become(state: ConnectionState): void {
    this.state = state;
    this.listener.changed();
  }
}

/** Whether an error means that this tab can do nothing more. */
export function isEnd(error: XmtpError): boolean {
  return error.code === "tabs.newer_version" || error.code === "storage.newer_schema";
}
