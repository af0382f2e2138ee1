/** Names of types that `@xmtp/browser-sdk` has, for what is called or cut otherwise here. */
import type { ContentCodec } from "./codecs.js";
import type {
  Actions,
  Attachment,
  DeletedMessage,
  Intent,
  LeaveRequest,
  MultiRemoteAttachment,
  Reaction,
  ReadReceipt,
  RemoteAttachment,
  TransactionReference,
  WalletSendCalls,
} from "./content-types.js";
import type { EnrichedReply } from "./message.js";
import type { ClientOptions, GroupUpdated, SendOptions, SendTextOptions } from "./types.js";

export type SendOpts = SendTextOptions;
export type SendMessageOpts = SendOptions;
export type DeviceSyncOptions = Pick<ClientOptions, "disableDeviceSync" | "historySyncUrl">;
export type ContentOptions = Pick<ClientOptions, "codecs">;
export type StorageOptions = Pick<ClientOptions, "dbPath" | "dbEncryptionKey" | "storage">;
export type OtherOptions = Pick<
  ClientOptions,
  "disableAutoRegister" | "structuredLogging" | "performanceLogging" | "loggingLevel" | "waitForRegistrationVisible"
>;

/** What the content of a message can be that this package decodes. A guard such as `isText` tells which. */
export type BuiltInContentTypes =
  | string
  | LeaveRequest
  | Reaction
  | ReadReceipt
  | Attachment
  | RemoteAttachment
  | TransactionReference
  | WalletSendCalls
  | Actions
  | Intent
  | MultiRemoteAttachment
  | GroupUpdated
  | DeletedMessage;

/** The same with what codecs of the app decode. */
export type ExtractCodecContentTypes<C extends readonly ContentCodec[] = []> = C extends readonly []
  ? BuiltInContentTypes
  : C[number] extends ContentCodec<infer T>
    ? T | BuiltInContentTypes | EnrichedReply<T | BuiltInContentTypes, T | BuiltInContentTypes>
    : BuiltInContentTypes;
