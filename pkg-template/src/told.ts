/** What a stream has told already, and from when on it has to ask when it is opened again. */

/**
 * How much is asked for again, nanoseconds: messages are told in another order than they are stored in, and the clock of the node
 * is another one than this browser's.
 */
const MARGIN_NS = 60_000_000_000n;
/** How many ids are remembered in any case. */
const FEWEST = 2_000;

interface Stored {
  id: string;
  insertedAtNs?: bigint;
  sentAtNs?: bigint;
}

/** @internal */
export class Told {
  /** Ids, and the later one of when each was stored and sent. */
  readonly #ids = new Map<string, bigint>();
  readonly #forgets: boolean;
  readonly #openedAtNs: bigint;
  #stored: bigint;
  #sent: bigint | undefined;
  #limit = FEWEST;

  /** `forgets`: what was told long ago is not delivered again when the stream is opened anew. */
  constructor(forgets: boolean, openedAtMs = Date.now()) {
    this.#forgets = forgets;
    this.#openedAtNs = this.#stored = BigInt(openedAtMs) * 1_000_000n;
  }

  /** How many ids are remembered. */
  get size(): number {
    return this.#ids.size;
  }

  /** What was stored or sent from here on, nanoseconds since the Unix epoch, may be missing. Never what was there before. */
  get since(): bigint {
    const sent = this.#sent ?? this.#stored;
    const since = (sent < this.#stored ? sent : this.#stored) - MARGIN_NS;
    return since > this.#openedAtNs ? since : this.#openedAtNs;
  }

  /** That there was something before the stream began. */
  knows(id: string): void {
    this.#ids.set(id, 0n);
  }

  /** Whether this is new; then it is told from now on. */
  isNew({ id, insertedAtNs = 0n, sentAtNs = 0n }: Stored): boolean {
    if (this.#ids.has(id)) return false;
    this.#ids.set(id, insertedAtNs > sentAtNs ? insertedAtNs : sentAtNs);
    if (insertedAtNs > this.#stored) this.#stored = insertedAtNs;
    if (sentAtNs > (this.#sent ?? 0n)) this.#sent = sentAtNs;
    if (this.#forgets && this.#ids.size > this.#limit) this.#forget();
    return true;
  }

  /** Forgets what nobody will deliver again. */
  #forget(): void {
    const { since } = this;
    for (const [id, when] of this.#ids) if (when < since) this.#ids.delete(id);
    // What is left came within the margin. Not looked at again with each message.
    this.#limit = Math.max(FEWEST, 2 * this.#ids.size);
  }
}
