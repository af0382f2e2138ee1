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

/** The codecs of an app, by authority, type and major version. @internal */
export class CodecRegistry {
  readonly #codecs = new Map<string, ContentCodec[]>();

  constructor(codecs: readonly ContentCodec[] = []) {
    if (!Array.isArray(codecs)) throw invalidArgument("codecs must be an array");
    for (const codec of codecs) {
      const { authorityId, typeId, versionMajor } = codec?.contentType ?? {};
      const isNamed = typeof authorityId === "string" && typeof typeId === "string" && typeof versionMajor === "number";
      if (!isNamed || typeof codec.decode !== "function") {
        throw invalidArgument("each of the codecs must have a contentType with its versions and a function decode");
      }
      const key = JSON.stringify([authorityId, typeId, versionMajor]);
      this.#codecs.set(key, [codec, ...(this.#codecs.get(key) ?? [])]);
    }
  }

  /** The codec of this minor version, else the last one given of the same major: minor versions can read each other. */
  #codecOf({ authorityId, typeId, versionMajor, versionMinor }: ContentTypeId): ContentCodec | undefined {
    const codecs = this.#codecs.get(JSON.stringify([authorityId, typeId, versionMajor]));
    return codecs?.find(({ contentType }) => contentType.versionMinor === versionMinor) ?? codecs?.[0];
  }

  /** What the app's codec makes of content; undefined where it has none for its major version or its codec fails. */
  decode(content: EncodedContent): unknown {
    const codec = content.type && this.#codecOf(content.type);
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
