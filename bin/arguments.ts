/** What the command line said, as commands get it. */
export interface Arguments {
  /** The words after the command's name. */
  readonly words: readonly string[];
  /** One JSON document on stdout. */
  readonly json: boolean;
  /** Verify without the register. */
  readonly offline: boolean;
  readonly spec: string | undefined;
  readonly out: string | undefined;
}
