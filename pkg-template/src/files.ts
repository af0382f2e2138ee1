import { abortable, type CallOptions } from "./abort.js";
import type { EncryptedFile, FileContent, RemoteAttachment } from "./content-types.js";
import { invalidArgument } from "./errors.js";
import { tools } from "./tools.js";

/** What a file is called where its own name and type are not to be told, or are not known. */
export interface FileOptions extends CallOptions {
  /** Default: the file's own name, if it is a `File`. */
  filename?: string;
  /** Default: the file's own type. */
  mimeType?: string;
}

/**
 * Encrypts a file of any size for a place that is not trusted, with fresh keys, piece by piece in a worker: neither the file
 * nor the result is in memory as a whole. Upload `payload` as it is, and send the rest with its address, or use
 * {@link uploadFile}.
 */
export async function encryptFile(file: Blob, options: FileOptions = {}): Promise<EncryptedFile> {
  checkBlob(file, "the file");
  const { channel, wasmUrl } = tools();
  const filename = options.filename ?? (file instanceof File ? file.name : undefined);
  const mimeType = options.mimeType ?? file.type;
  return abortable(options.signal, () => channel.call("tools.encryptFile", { file, filename, mimeType, wasmUrl }));
}

/**
 * Opens a downloaded file of any size, piece by piece in a worker. Bytes that are not the ones the message names are
 * refused with `message.attachment_rejected` before anything is decrypted.
 */
export async function decryptFile(
  encrypted: Blob,
  remoteAttachment: RemoteAttachment,
  options: CallOptions = {},
): Promise<FileContent> {
  checkBlob(encrypted, "the encrypted file");
  const { channel, wasmUrl } = tools();
  return abortable(options.signal, () => channel.call("tools.decryptFile", { encrypted, remoteAttachment, wasmUrl }));
}

/**
 * Encrypts a file and has the app upload it: `upload` gets the encrypted bytes and answers the address, which begins with
 * `https://`. What comes out is ready for `sendRemoteAttachment`. Hand `options.signal` to your own request too.
 */
export async function uploadFile(
  file: Blob,
  upload: (payload: Blob, encrypted: EncryptedFile) => Promise<string> | string,
  options: FileOptions = {},
): Promise<RemoteAttachment> {
  if (typeof upload !== "function") throw invalidArgument("upload must be a function that answers an address");
  const encrypted = await encryptFile(file, options);
  const url = await abortable(options.signal, async () => upload(encrypted.payload, encrypted));
  if (typeof url !== "string" || !/^https:\/\//i.test(url)) {
    throw invalidArgument("upload must answer an address that begins with https://");
  }
  const { payload: _, ...rest } = encrypted;
  return { url, scheme: "https://", ...rest };
}

function checkBlob(value: unknown, what: string): void {
  if (!(value instanceof Blob)) throw invalidArgument(`${what} must be a File or Blob`);
}
