import { invalidArgument } from "./errors.js";
import type { ContentTypeId, EncodedContent } from "./types.js";

/** How an app reads and writes a content type of its own. The shape of `@xmtp/content-type-primitives` 3. */
export interface ContentCodec<T = unknown> {
  contentType: ContentTypeId;
  encode(content: T): EncodedContent;
  decode(content: EncodedContent): T;
  /** What receivers show that do not know the type. */
  fallback(content: T): string | undefined;
  shouldPush(content: T): boolean;
}

/** The codecs of an app, by authority and type: versions are the codec's own affair. @internal */
export class CodecRegistry {
  readonly #codecs = new Map<string, ContentCodec>();

  constructor(codecs: readonly ContentCodec[] = []) {
    if (!Array.isArray(codecs)) throw invalidArgument("codecs must be an array");
    for (const codec of codecs) {
      const { authorityId, typeId } = codec?.contentType ?? {};
      if (typeof authorityId !== "string" || typeof typeId !== "string" || typeof codec.decode !== "function") {
        throw invalidArgument("each of the codecs must have a contentType and a function decode");
      }
      this.#codecs.set(JSON.stringify([authorityId, typeId]), codec);
    }
  }

  /** What the app's codec makes of content; undefined where it has none or its codec fails. */
  decode(content: EncodedContent): unknown {
    const { type } = content;
    const codec = type && this.#codecs.get(JSON.stringify([type.authorityId, type.typeId]));
    if (codec === undefined) return undefined;
    try {
      return codec.decode(content);
    } catch (error) {
      // One bad message must not hide the others; what it is stays readable as encodedContent.
      console.warn(`the codec of ${codec.contentType.typeId} failed: ${String(error)}`);
      return undefined;
    }
  }
}
