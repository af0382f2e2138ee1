/** The client of one `XmtpProvider`: opened, replaced and closed one after the other, whatever is asked meanwhile. */
import { asXmtpError } from "../callbacks.js";
import { Client } from "../client.js";
import { XmtpError } from "../errors.js";
import type { Signer } from "../signers.js";
import type { ClientOptions, Identifier } from "../types.js";

/** What {@link useClient} tells. */
export interface ClientHandle {
  /** Undefined unless `status` is `open`. */
  client: Client | undefined;
  status: "closed" | "opening" | "open";
  /** Whether the client is being opened. */
  isLoading: boolean;
  /** Why the last attempt to open a client failed, or why the client has ended by itself (see `ClientEvents.ended`). */
  error: XmtpError | undefined;
  /**
   * As `Client.create`; the client that is open is closed before. Asked again with the same signer and options it answers
   * the client there is. Who does not wait for the answer finds a failure in `error`.
   */
  create: (signer: Signer, options?: ClientOptions) => Promise<Client>;
  /** As `Client.build`, otherwise as `create`. */
  build: (identifier: Identifier, options?: ClientOptions) => Promise<Client>;
  /** Closes the client. An attempt to open one that is under way ends with `client.closed`. */
  close: () => Promise<void>;
}

interface Wish {
  by: unknown;
  options: ClientOptions | undefined;
  open: () => Promise<Client>;
  answer: Promise<Client>;
  resolve: (client: Client) => void;
  reject: (error: XmtpError) => void;
}

/** @internal */
export class Session {
  #state: ClientHandle;
  readonly #listeners = new Set<() => void>();
  /** What is to be open, and what is. */
  #wish: Wish | undefined;
  #open: { wish: Wish; client: Client } | undefined;
  #work: Promise<void> | undefined;
  #isHeld = false;

  constructor() {
    this.#state = {
      client: undefined,
      status: "closed",
      isLoading: false,
      error: undefined,
      create: (signer, options) => this.#want(signer, options, () => Client.create(signer, options)),
      build: (identifier, options) => this.#want(identifier, options, () => Client.build(identifier, options)),
      close: () => this.#unwant(),
    };
  }

  readonly getSnapshot = (): ClientHandle => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** The provider is there. */
  hold(): void {
    this.#isHeld = true;
  }

  /** The provider is gone, unless it is back at once, as in strict mode. */
  release(): void {
    this.#isHeld = false;
    queueMicrotask(() => {
      if (!this.#isHeld) void this.#unwant();
    });
  }

  #want(by: unknown, options: ClientOptions | undefined, open: () => Promise<Client>): Promise<Client> {
    if (this.#wish !== undefined && this.#wish.by === by && this.#wish.options === options) return this.#wish.answer;
    this.#dismiss();
    const wish = { by, options, open } as Wish;
    wish.answer = new Promise((resolve, reject) => Object.assign(wish, { resolve, reject }));
    // Whoever does not wait for it reads the state.
    wish.answer.catch(() => undefined);
    this.#wish = wish;
    this.#set({ client: undefined, status: "opening", isLoading: true, error: undefined });
    void this.#settle();
    return wish.answer;
  }

  #unwant(): Promise<void> {
    this.#dismiss();
    this.#wish = undefined;
    this.#set({ client: undefined, status: "closed", isLoading: false, error: undefined });
    return this.#settle();
  }

  /** Answers who still waits for a client that is not wanted any more. */
  #dismiss(): void {
    this.#wish?.reject(new XmtpError("client.closed", "the client was closed while it was being opened"));
  }

  #settle(): Promise<void> {
    this.#work ??= this.#untilSettled().finally(() => (this.#work = undefined));
    return this.#work;
  }

  async #untilSettled(): Promise<void> {
    // What strict mode asks for and takes back in one breath is never begun: two clients would meet at one database.
    await Promise.resolve();
    while (this.#open?.wish !== this.#wish) {
      if (this.#open !== undefined) {
        const { client } = this.#open;
        this.#open = undefined;
        await client.close().catch(() => undefined);
        continue;
      }
      const wish = this.#wish as Wish;
      try {
        this.#open = { wish, client: await wish.open() };
        if (this.#wish !== wish) continue;
        this.#watch(wish, this.#open.client);
        wish.resolve(this.#open.client);
        this.#set({ client: this.#open.client, status: "open", isLoading: false });
      } catch (cause) {
        if (this.#wish !== wish) continue;
        const error = asXmtpError(cause);
        wish.reject(error);
        this.#wish = undefined;
        this.#set({ status: "closed", isLoading: false, error });
      }
    }
  }

  /** A client that ends by itself, as when a newer version of the app takes over, is not there any more. */
  #watch(wish: Wish, client: Client): void {
    client.on("ended", ({ error }) => {
      if (error === undefined || this.#wish !== wish) return;
      this.#wish = this.#open = undefined;
      this.#set({ client: undefined, status: "closed", error });
    });
  }

  #set(change: Partial<ClientHandle>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of [...this.#listeners]) listener();
  }
}
