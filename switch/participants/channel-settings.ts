/** The part of a participant's settings that is its channel's. */
import type { z } from 'zod';
import { Fault } from '../../kernel/fault.ts';
import type { Participant } from './participant.ts';

/** Reads one member of a participant's settings; a Fault `config-invalid` (fields: participant, path) when it is wrong. */
export function readSettings<Schema extends z.ZodType>(
  schema: Schema,
  { code, settings }: Pick<Participant, 'code' | 'settings'>,
  { member, title }: { readonly member: string; readonly title: string },
): z.output<Schema> {
  const parsed = schema.safeParse(settings[member]);
  if (parsed.success) return parsed.data;
  throw new Fault('config-invalid', `The ${title} settings of a participant are wrong.`, {
    fields: { participant: code, path: parsed.error.issues[0]?.path.join('.') ?? '' },
  });
}

/** Settings by participant, read once for each profile that the directory hands out: to open a secret costs. */
export class SettingsCache<Settings> {
  readonly #read: (participant: Participant) => Settings;
  readonly #known = new WeakMap<Participant, { readonly settings: Settings }>();

  constructor(read: (participant: Participant) => Settings) {
    this.#read = read;
  }

  /** The settings of a participant; refuses as the reader does. */
  of(participant: Participant): Settings {
    const known = this.#known.get(participant) ?? { settings: this.#read(participant) };
    this.#known.set(participant, known);
    return known.settings;
  }
}
