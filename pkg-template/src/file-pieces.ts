import type { EncryptedFile, FileContent, RemoteAttachment } from "./content-types.js";
import { XmtpError } from "./errors.js";
import * as raw from "./xmtp_web.js";

/** How much of a file is looked at at once, bytes. */
const PIECE = 1 << 20;
/** How much of a result is held until the browser takes it over as a part of a Blob, bytes. */
const HELD = 8 << 20;

async function* pieces(blob: Blob): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < blob.size; at += PIECE) {
    yield new Uint8Array(
      await blob.slice(at, at + PIECE).arrayBuffer().catch((error: unknown) => {
        throw new XmtpError("argument.invalid", `the file cannot be read any more: ${String(error)}`);
      }),
    );
  }
}

/** Puts pieces together without holding them: browsers keep large Blobs on disk. */
class Collector {
  #blob: Blob;
  #held: BlobPart[] = [];
  #size = 0;

  constructor(type: string) {
    this.#blob = new Blob([], { type });
  }

  add(piece: Uint8Array): void {
    this.#held.push(piece as Uint8Array<ArrayBuffer>);
    this.#size += piece.byteLength;
    if (this.#size >= HELD) this.#flush(this.#blob.type);
  }

  end(type: string): Blob {
    this.#flush(type);
    return this.#blob;
  }

  #flush(type: string): void {
    this.#blob = new Blob([this.#blob, ...this.#held], { type });
    this.#held = [];
    this.#size = 0;
  }
}

/** Encrypts a file in the worker. @internal */
export async function encryptPieces(file: Blob, filename: string | undefined, mimeType: string): Promise<EncryptedFile> {
  const info = { mimeType, size: file.size, ...(filename === undefined ? {} : { filename }) };
  const encryptor = raw.FileEncryptor.begin(info);
  try {
    const payload = new Collector("application/octet-stream");
    for await (const piece of pieces(file)) payload.add(encryptor.update(piece));
    const { tail, ...rest } = encryptor.finish();
    payload.add(tail);
    const encrypted = { payload: payload.end("application/octet-stream"), ...rest };
    return filename === undefined ? encrypted : { ...encrypted, filename };
  } finally {
    encryptor.free();
  }
}

/** Opens a file in the worker: once to compare its digest, once to decrypt it. @internal */
export async function decryptPieces(encrypted: Blob, remote: RemoteAttachment): Promise<FileContent> {
  const decryptor = raw.FileDecryptor.begin(remote, encrypted.size);
  try {
    for await (const piece of pieces(encrypted)) decryptor.check(piece);
    decryptor.checked();
    const content = new Collector("");
    for await (const piece of pieces(encrypted)) content.add(decryptor.update(piece));
    const { filename, mimeType } = decryptor.finish();
    // Given out only now: the tag at the end says whether it is what was sent.
    const file = { mimeType, content: content.end(mimeType) };
    return filename === undefined ? file : { ...file, filename };
  } finally {
    decryptor.free();
  }
}
