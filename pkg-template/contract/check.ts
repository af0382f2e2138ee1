// Compiles when the classes that wasm-bindgen generated are usable as what the page-side code expects.
import type * as generated from "../../pkg/xmtp_web.js";
import type * as expected from "../src/xmtp_web.js";

/** Fails to compile unless A can stand where B is expected. */
type Usable<A extends B, B> = A;

export type Client = Usable<generated.Client, Omit<expected.Client, never>>;
export type Create = Usable<ReturnType<typeof generated.Client.create>, Promise<unknown>>;
export type Conversations = Usable<generated.Conversations, Omit<expected.Conversations, never>>;
export type Group = Usable<generated.Group, Omit<expected.Group, never>>;
export type Preferences = Usable<generated.Preferences, Omit<expected.Preferences, never>>;
export type StreamHandle = Usable<generated.StreamHandle, Omit<expected.StreamHandle, never>>;
export type Encode = Usable<typeof generated.encodeContent, typeof expected.encodeContent>;
export type Decode = Usable<typeof generated.decodeContent, typeof expected.decodeContent>;
export type EncodeTyped = Usable<typeof generated.encodeTyped, typeof expected.encodeTyped>;
export type Encrypt = Usable<typeof generated.encryptAttachment, typeof expected.encryptAttachment>;
export type Decrypt = Usable<typeof generated.decryptAttachment, typeof expected.decryptAttachment>;
export type Encryptor = Usable<generated.FileEncryptor, Omit<expected.FileEncryptor, never>>;
export type Decryptor = Usable<generated.FileDecryptor, Omit<expected.FileDecryptor, never>>;
export type BeginEncryption = Usable<ReturnType<typeof generated.FileEncryptor.begin>, generated.FileEncryptor>;
export type BeginDecryption = Usable<ReturnType<typeof generated.FileDecryptor.begin>, generated.FileDecryptor>;
export type SignatureRequest = Usable<generated.SignatureRequest, Omit<expected.SignatureRequest, never>>;
export type Directory = Usable<generated.Directory, Omit<expected.Directory, never>>;
export type WalletAddress = Usable<typeof generated.walletAddress, typeof expected.walletAddress>;
export type SignAsWallet = Usable<typeof generated.signAsWallet, typeof expected.signAsWallet>;
export type VerifySigned = Usable<
  typeof generated.verifySignedWithPublicKey,
  typeof expected.verifySignedWithPublicKey
>;
