/** What this browser remembers of an account between visits: drafts, and up to where each conversation was read. */
export class Memory {
  readonly #prefix: string;
  /** Stands in where the browser gives no storage. */
  readonly #fallback = new Map<string, string>();

  constructor(inboxId: string) {
    this.#prefix = `xmtp-web-example:${inboxId}`;
  }

  draft(conversationId: string): string {
    return this.#get(`draft:${conversationId}`) ?? "";
  }

  keepDraft(conversationId: string, text: string): void {
    this.#set(`draft:${conversationId}`, text === "" ? undefined : text);
  }

  /** When the newest message that was looked at had been stored here: nanoseconds since the Unix epoch. */
  readUpTo(conversationId: string): bigint {
    const value = this.#get(`read:${conversationId}`);
    return value !== undefined && /^\d{1,19}$/.test(value) ? BigInt(value) : 0n;
  }

  /** Never goes back. Answers whether it went on. */
  keepReadUpTo(conversationId: string, ns: bigint): boolean {
    if (ns <= this.readUpTo(conversationId)) return false;
    this.#set(`read:${conversationId}`, String(ns));
    return true;
  }

  /** Calls back with a conversation's id when another tab has read it. */
  onReadElsewhere(changed: (conversationId: string) => void): void {
    addEventListener("storage", ({ key }) => {
      const start = `${this.#prefix}:read:`;
      if (key?.startsWith(start)) changed(key.slice(start.length));
    });
  }

  #get(name: string): string | undefined {
    const key = `${this.#prefix}:${name}`;
    try {
      return this.#fallback.get(key) ?? localStorage.getItem(key) ?? undefined;
    } catch {
      return undefined;
    }
  }

  #set(name: string, value: string | undefined): void {
    const key = `${this.#prefix}:${name}`;
    try {
      if (value === undefined) localStorage.removeItem(key);
      else localStorage.setItem(key, value);
      this.#fallback.delete(key);
    } catch {
      this.#fallback.set(key, value ?? "");
    }
  }
}
