/** The one fault of the codec: what could not be read or written, where, and what had been read before. */
import { Fault } from '../../../kernel/fault.ts';
import type { IsoMessage } from './message.ts';

/**
 * A message that breaks its spec. `fields.field` names the data element (`"48"`), or `mti`, `bitmap` or
 * `trailer`; `fields.offset` is the byte offset in the message (when packing: the bytes written so far).
 */
export class MalformedMessage extends Fault {
  /** What was read before the fault, so that an answer can echo it; empty when packing. Never logged. */
  readonly partial: IsoMessage;

  constructor(
    message: string,
    at: { readonly field: string; readonly offset: number },
    partial: IsoMessage,
  ) {
    super('message-malformed', message, { fields: { field: at.field, offset: at.offset } });
    this.name = 'MalformedMessage';
    this.partial = partial;
    // Own properties are printed by loggers and by `util.inspect`; card data must not get there.
    Object.defineProperty(this, 'partial', { enumerable: false });
  }
}
