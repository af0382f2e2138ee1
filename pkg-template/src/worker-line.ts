/**
 * The page's line to a worker, which is told nothing before it has said that it listens. A browser keeps messages only
 * until the first file of a worker has run. Where a build splits that into parts that are loaded by it, the listener comes
 * later, and what was sent before would be lost.
 */
import { XmtpError } from "./errors.js";
import { notLoaded } from "./worker-refused.js";

/** The first message of a worker, when its listener is attached. */
export interface Ready {
  type: "ready";
}

/** How long a worker may take to load, in seconds during which the page runs: a page that is frozen waits for nothing. */
const LOAD_SECONDS = 60;

/** Acts once, when the worker says that it listens. Whoever asks first is served first. */
export function onceReady(worker: Worker, act: () => void): void {
  const hear = ({ data }: MessageEvent<object>): void => {
    if (!isReady(data)) return;
    worker.removeEventListener("message", hear);
    act();
  };
  worker.addEventListener("message", hear);
}

/** What whoever has the line hears. */
export interface Ear<From> {
  message(message: Exclude<From, Ready>): void;
  /** The worker is of no use: `client.no_worker` when it never listened, else `internal`. */
  failure(error: XmtpError): void;
}

/** A message and what becomes of it. */
export interface Posting {
  transfer?: Transferable[];
  /** It is with the worker, which may act on it. */
  onSent?: () => void;
}

export class WorkerLine<To, From extends object> {
  readonly #worker: Worker;
  /** What waits for the worker to listen; undefined once it does. */
  #waiting: (() => void)[] | undefined = [];
  #isOver = false;
  readonly #watch: ReturnType<typeof setInterval>;

  /** `file` is the worker's among those of this package, for whoever reads that it is missing. */
  constructor(worker: Worker, file: string, ear: Ear<From>) {
    this.#worker = worker;
    const fail = (error: XmtpError): void => void (!this.#isOver && ear.failure(error));
    const failLoading = (why: string): void => fail(notLoaded(why, file));
    onceReady(worker, () => this.#begin());
    worker.addEventListener("message", ({ data }: MessageEvent<From | Ready>) => {
      // What one has said that was ended since concerns nobody.
      if (!this.#isOver && !isReady(data)) ear.message(data as Exclude<From, Ready>);
    });
    worker.addEventListener("error", (event) => {
      if (this.isListening) fail(new XmtpError("internal", `the worker failed: ${event.message}`));
      else failLoading(event.message || "it could not be loaded");
    });
    worker.addEventListener("messageerror", () =>
      fail(new XmtpError("internal", "the worker sent something that cannot be read")),
    );
    let seconds = 0;
    this.#watch = setInterval(() => {
      seconds += 1;
      if (seconds < LOAD_SECONDS) return;
      clearInterval(this.#watch);
      failLoading(`it was not there after ${LOAD_SECONDS} seconds`);
    }, 1_000);
  }

  /** Whether the worker has begun to hear what it is told. */
  get isListening(): boolean {
    return this.#waiting === undefined;
  }

  /** Tells the worker something, as it is now. Throws what `postMessage` does when it cannot be sent. */
  post(message: To, { transfer = [], onSent }: Posting = {}): void {
    if (this.#isOver) return;
    if (this.#waiting === undefined) {
      this.#worker.postMessage(message, transfer);
      return onSent?.();
    }
    // The app may change or wipe what it has passed before the worker is there.
    const kept = transfer.length === 0 ? structuredClone(message) : message;
    this.#waiting.push(() => {
      this.#worker.postMessage(kept, transfer);
      onSent?.();
    });
  }

  /** Ends the worker at once. Nothing more is heard of it. */
  end(): void {
    this.#isOver = true;
    clearInterval(this.#watch);
    this.#worker.terminate();
  }

  #begin(): void {
    if (this.#isOver) return;
    clearInterval(this.#watch);
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const send of waiting) send();
  }
}

function isReady(message: object): message is Ready {
  return (message as { type?: unknown } | null)?.type === "ready";
}
