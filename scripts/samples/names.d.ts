// Names that the samples of README and docs use without declaring them. Whatever else a sample uses it imports itself.
import type * as xmtp from "xmtp-web";

declare global {
  /** An open client. */
  const client: xmtp.Client;
  const signer: xmtp.Signer;
  const group: xmtp.Group;
  const dm: xmtp.Dm;
  const conversation: xmtp.Group | xmtp.Dm;
  const message: xmtp.DecodedMessage;
  /** A wallet's address, and the wallet. */
  const address: string;
  const wallet: { signMessage(text: string): Promise<string> };
}
