import { Conversation } from "./conversation.js";

/** A conversation with one other inbox. */
export class Dm<_ContentTypes = unknown> extends Conversation<_ContentTypes> {
  /** The inbox of the other person. */
  async peerInboxId(): Promise<string> {
    return this.channel.call("dm.peerInboxId", { groupId: this.id });
  }

  /**
   * The other groups of this direct message: both sides may have made one at the same time. They are shown as one
   * conversation; nobody needs these to read or to write.
   */
  async duplicateDms(): Promise<Dm[]> {
    const found = await this.channel.call("dm.duplicates", { groupId: this.id });
    return found.map((snapshot) => new Dm(this.channel, snapshot));
  }
}
